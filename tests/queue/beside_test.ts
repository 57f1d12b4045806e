// What happens beside a delivery: purges, closing, full disks, and a state that is rebuilt.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { drain, fillDisk, TestQueue, turns } from "../support/queue.ts";

type Change = { readonly jobs: LedgerEntry<string> } | { readonly fail: true };

/** A queue in a state, the other mutations of which throw. */
async function attached(fs: MemoryFileSystem, clock = new FakeClock()) {
  const state = await StateManager.open<{ jobs: Ledger<string> }, Change>(
    "/data",
    {
      fs,
      initial: () => ({ jobs: emptyLedger<string>() }),
      apply: ({ jobs }, change) => {
        if ("fail" in change) throw new Error("on purpose");
        applyToLedger(jobs, change.jobs);
      },
    },
  );
  const queue = await MiniQueue.attach(state, "jobs", {
    clock,
    visibilityTimeoutMs: 1_000,
  });
  const fail = () => errorOf(state.apply({ fail: true }));
  const purge = () => state.apply({ jobs: { at: 1, purge: "all" } });
  return { state, queue, fail, purge };
}

Deno.test("MiniQueue.enqueue() says what was kept out also where the state is rebuilt just then", async () => {
  for (let turn = 0; turn < 60; turn++) {
    const { state, queue, fail } = await attached(new MemoryFileSystem());
    await queue.enqueue("a", { dedupeKey: "k" });
    const failed = fail();
    await turns(turn);
    const [b, c] = await Promise.all([
      queue.enqueue("b", { dedupeKey: "k" }),
      queue.enqueue("c", { dedupeKey: "other" }),
    ]);
    await failed;
    assertEquals([b, c.deduplicated], [{ id: 1, deduplicated: true }, false]);
    assertEquals(await drain(queue), ["a", "c"], `after ${turn} turns`);
    await state.close();
  }
});

Deno.test("MiniQueue.enqueue() of a message that is purged at once has kept it out by nothing", async () => {
  for (let turn = 0; turn < 40; turn++) {
    const { state, queue, fail, purge } = await attached(
      new MemoryFileSystem(),
    );
    const failedBefore = fail();
    const enqueued = queue.enqueue("a", { dedupeKey: "k" });
    const purged = purge();
    await turns(turn);
    const failed = fail();
    assertEquals((await enqueued).deduplicated, false, `after ${turn} turns`);
    await Promise.all([failedBefore, purged, failed]);
    assertEquals(await drain(queue), []);
    await state.close();
  }
});

Deno.test("MiniQueue.purge('all') beside a delivery takes the message from the caller who was to have it", async () => {
  let given = 0;
  for (let turn = 0; turn < 60; turn++) {
    await using queue = await new TestQueue<string>().open();
    await queue.enqueue("a");
    const receiving = queue.receive();
    await turns(turn);
    await queue.purge("all");
    const message = await receiving;
    if (message !== undefined) given++;
    const late = message && await errorOf(message.ack());
    assertEquals(late?.code, message && "RECEIPT_EXPIRED");
    const { ready, inFlight } = await queue.stats();
    assertEquals([ready, inFlight], [0, 0], `after ${turn} turns`);
  }
  assert(given > 0 && given < 60, `${given} of 60 were given`);
});

Deno.test("MiniQueue hands a message to one consumer where a purge comes between a delivery and its ack", async () => {
  const disk = new HoldingFileSystem(new MemoryFileSystem());
  await using queue = await MiniQueue.open<string>("/data", {
    fs: disk.fs,
    clock: new FakeClock(),
  });
  await queue.enqueue("a");
  const write = disk.hold("write");
  const receiving = queue.receive();
  await write.reached;
  const purging = queue.purge("all");
  await turns();
  const sync = disk.hold("sync");
  const enqueued = [queue.enqueue("b")];
  write.release();
  const purged = await receiving;
  await sync.reached;
  // It is logged behind the purge, so that the state is rebuilt without it.
  const acked = errorOf(purged!.ack());
  await turns();
  enqueued.push(queue.enqueue("c"));
  const next = queue.receive({ waitMs: Infinity });
  await turns();
  sync.release();
  assertEquals((await acked).code, "RECEIPT_EXPIRED");
  await Promise.all([purging, ...enqueued]);
  await (await next)?.nack();
  const both = await Promise.all([queue.receive(), queue.receive()]);
  assertEquals(both.map((message) => message?.payload), ["b", "c"]);
});

Deno.test("MiniQueue.close() beside a purge gives nothing back that is gone", async () => {
  for (let turn = 0; turn < 60; turn++) {
    const { state, queue, purge } = await attached(new MemoryFileSystem());
    await queue.enqueue("a");
    const receiving = queue.receive();
    await turns(turn);
    const purged = purge();
    await queue.close();
    await Promise.all([receiving, purged]);
    assertEquals(state.state.jobs.messages, {}, `after ${turn} turns`);
    await state.close();
  }
});

Deno.test("MiniQueue.purge('all') on a full disk removes nothing, and all can be received again", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const message = await queue.receive();
  fillDisk(test.fs, 1, true);
  assertEquals((await errorOf(queue.purge("all"))).code, "NO_SPACE");
  test.fs.hooks = {};
  assertEquals((await drain(queue)).sort(), ["a", "b"]);
  assertEquals((await errorOf(message!.ack())).code, "RECEIPT_EXPIRED");
});

Deno.test("MiniQueue.work() continues where a handler that runs too long has settled its message", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const acked = Promise.withResolvers<void>();
  const stop = new AbortController();
  const handled: string[] = [];
  const working = queue.work(async (message) => {
    handled.push(message.payload);
    if (message.payload === "b") return stop.abort();
    await message.ack();
    acked.resolve();
    await new Promise(() => {});
  }, { handlerTimeoutMs: 500, stopTimeoutMs: 1_000, signal: stop.signal });
  await acked.promise;
  test.clock.advance(500);
  await turns();
  test.clock.advance(1_000);
  await working;
  assertEquals(handled, ["a", "b"]);
  assertEquals((await queue.stats()).dead, 0);
});

Deno.test("MiniQueue.close() lets go who waits also where the disk is full just then", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  const queue = await test.open();
  await queue.enqueue("a");
  await queue.receive();
  const waiting = queue.receive({ waitMs: Infinity });
  await turns();
  fillDisk(test.fs, 1, true);
  const closed = queue.close();
  test.clock.advance(1_000);
  assertEquals(await waiting, undefined);
  await closed;
});

Deno.test("MiniQueue.close() lets go who was to have a message that cannot be recorded", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("a");
  let closed: Promise<void> | undefined;
  test.fs.hooks.before = ({ operation }) => {
    if (operation !== "write") return undefined;
    closed ??= queue.close();
    return { code: "ENOSPC" };
  };
  assertEquals(await queue.receive({ waitMs: Infinity }), undefined);
  await closed;
  test.fs.hooks = {};
  await using again = await test.reopenKilled();
  assertEquals((await again.receive())?.attempts, 1);
});

Deno.test("MiniQueue.attach(): closing the state lets go who waits also where a delivery runs out just then", async () => {
  for (let turn = 0; turn < 40; turn++) {
    const clock = new FakeClock();
    const { state, queue } = await attached(new MemoryFileSystem(), clock);
    await queue.enqueue("a");
    await queue.receive();
    const working = queue.work(() => {});
    const waiting = queue.receive({ waitMs: Infinity });
    await turns();
    const closed = state.close();
    await turns(turn);
    clock.advance(1_000);
    assertEquals(await waiting, undefined, `after ${turn} turns`);
    await Promise.all([working, closed]);
  }
});

Deno.test("MiniQueue.attach(): a queue in a state that has failed says so", async () => {
  const fs = new MemoryFileSystem();
  const { state, queue, fail } = await attached(fs);
  await queue.enqueue("a");
  const message = await queue.receive();
  const waiting = errorOf(queue.receive({ waitMs: Infinity }));
  await turns();
  fs.hooks.before = ({ operation }) =>
    operation === "list" ? { code: "EMFILE" } : undefined;
  assertEquals((await fail()).code, "POISONED");
  assertEquals((await waiting).code, "POISONED");
  fs.hooks = {};
  const calls = [
    () => queue.stats(),
    () => queue.peek(),
    () => queue.enqueue("b"),
    () => message!.ack(),
  ];
  for (const call of calls) {
    assertEquals((await errorOf(call())).code, "POISONED");
  }
  await queue.close();
  await state.close();
  const again = await attached(fs);
  assertEquals((await again.queue.receive())?.attempts, 2);
});

Deno.test("MiniQueue.close() that fails has freed the lock all the same", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("a");
  test.clock.wall = () => {
    throw new Error("no battery");
  };
  await assertRejects(() => queue.close(), Error, "no battery");
  test.clock = new FakeClock();
  await using again = await test.open();
  assertEquals(await drain(again), ["a"]);
});

Deno.test("MiniQueue.compact() continues where an old snapshot keeps most of the log", async () => {
  const test = new TestQueue<number>();
  await using queue = await test.open();
  await queue.enqueue(0);
  await queue.compact();
  for (let round = 0; round < 400; round++) {
    await queue.enqueue(round);
    await (await queue.receive())!.ack();
  }
  const { firstSequence, removed, removedBytes } = await queue.compact();
  assert(firstSequence > 1_200, `the log starts with ${firstSequence}`);
  assertEquals(removed!.length, 1);
  assert(removedBytes! > 1_200 * 50, `${removedBytes} bytes`);
  assertEquals(await drain(queue), [399]);
});

Deno.test("MiniQueue.compact() of a log without files names none", async () => {
  const fs = new MemoryFileSystem();
  await using state = await StateManager.open("/data", {
    log: new MemoryLog(),
    fs,
    initial: () => ({ jobs: emptyLedger<number>() }),
    apply(state, { jobs }: { jobs: LedgerEntry<number> }) {
      applyToLedger(state.jobs, jobs);
    },
  });
  const queue = await MiniQueue.attach(state, "jobs");
  await queue.enqueue(0);
  await queue.compact();
  for (let round = 0; round < 400; round++) {
    await queue.enqueue(round);
    await (await queue.receive())!.ack();
  }
  const { firstSequence, removed, removedBytes } = await queue.compact();
  assert(firstSequence > 1_200, `the log starts with ${firstSequence}`);
  assertEquals([removed, removedBytes], [[], 0]);
  await queue.close();
});
