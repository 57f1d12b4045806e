// What goes wrong together: full disks, aborts, stops and rebuilds in the middle of deliveries.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeadLetterError, MiniQueue, RetryLaterError } from "@mini/state/queue";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk, TestQueue, turns } from "../support/queue.ts";
import { onlyStrings } from "../support/schema.ts";

async function holdsTwoOfThree(queue: MiniQueue<unknown>): Promise<void> {
  const batch = await queue.receiveBatch(3);
  assertEquals(batch.map(({ payload }) => payload), ["b", "c"]);
  await Promise.all(batch.map((message) => message.ack()));
}

Deno.test("MiniQueue.receive() on a full disk rejects with NO_SPACE, and gives the message once there is space", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  fillDisk(test.fs);
  assertEquals((await errorOf(queue.receive())).code, "NO_SPACE");
  test.fs.hooks = {};
  assertEquals((await queue.receive())?.attempts, 1);
});

Deno.test("MiniQueue gives the rest of a batch where one of it is refused, and that cannot be recorded", async () => {
  const test = new TestQueue<unknown>();
  const before = await test.open();
  await before.enqueueBatch(
    [{ old: 1 }, "b", "c"].map((payload) => ({ payload })),
  );
  const queue = await test.reopenClosed(before, {
    schema: onlyStrings as never,
  });
  fillDisk(test.fs, 2);
  await holdsTwoOfThree(queue);
  test.fs.hooks = {};
  for (let time = 0; time < 5; time++) {
    assertEquals(await queue.receive(), undefined);
  }
  assertEquals((await queue.stats()).dead, 1);
  await queue.close();
});

Deno.test("MiniQueue.ack() that fails after the timeout has passed wakes who waits for the message", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const message = await queue.receive();
  fillDisk(test.fs);
  const acked = errorOf(message!.ack());
  test.clock.advance(1_000);
  const waiting = queue.receive({ waitMs: Infinity });
  assertEquals((await acked).code, "NO_SPACE");
  assertEquals((await waiting)?.attempts, 2);
});

Deno.test("MiniQueue wakes who waits when a timeout is moved nearer", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 60_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const message = await queue.receive();
  const waiting = queue.receive({ waitMs: Infinity });
  await turns();
  await message!.extend(100);
  await turns();
  test.clock.advance(100);
  assertEquals((await waiting)?.attempts, 2);
});

Deno.test("MiniQueue.receive() that is aborted while it is being served ends, whenever that is", async () => {
  for (let turn = 0; turn < 60; turn++) {
    const test = new TestQueue<unknown>();
    const before = await test.open();
    await before.enqueue({ old: 1 });
    const queue = await test.reopenClosed(before, {
      schema: onlyStrings as never,
    });
    const stop = new AbortController();
    const waiting = queue.receive({ waitMs: Infinity, signal: stop.signal });
    const outcome = waiting.then(() => "given", () => "aborted");
    await turns(turn);
    stop.abort();
    assertEquals(await outcome, "aborted", `after ${turn} turns`);
    await queue.enqueue("next");
    assertEquals((await queue.receive())?.payload, "next");
    await queue.close();
  }
});

Deno.test("MiniQueue.work() starts no handler after it was stopped", async () => {
  for (let turn = 0; turn < 40; turn++) {
    const queue = await new TestQueue<string>().open();
    await queue.enqueue("a");
    const stop = new AbortController();
    let isStopped = false;
    const working = queue.work(() => assertEquals(isStopped, false), {
      signal: stop.signal,
    });
    await turns(turn);
    isStopped = true;
    stop.abort();
    await working;
    await queue.close();
  }
});

Deno.test("MiniQueue.work(): a message whose handler is given up on can be received by others in time", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("hangs");
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const working = queue.work(() => {
    started.resolve();
    return new Promise(() => {});
  }, { signal: stop.signal, stopTimeoutMs: 10 });
  await started.promise;
  const waiting = queue.receive({ waitMs: Infinity });
  stop.abort();
  await turns();
  test.clock.advance(10);
  await working;
  test.clock.advance(1_000);
  assertEquals((await waiting)?.attempts, 2);
});

Deno.test("MiniQueue.work(): extend() in a handler does not make its message run out", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("slow");
  const extended = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let handled = 0;
  const working = queue.work(async (message) => {
    handled++;
    await message.extend(100);
    extended.resolve();
    await finish.promise;
  }, { concurrency: 2 });
  await extended.promise;
  test.clock.advance(5_000);
  assertEquals(await queue.receive(), undefined);
  finish.resolve();
  await queue.close();
  await working;
  assertEquals(handled, 1);
});

Deno.test("MiniQueue.work() survives whatever a handler throws", async () => {
  const hostile = {
    toString: () => {
      throw new Error("no words");
    },
  };
  const thrown: unknown[] = [
    undefined,
    Object.create(null),
    hostile,
    new DeadLetterError(undefined as never),
    Object.assign(new Error(), { message: { deep: () => {} } }),
    new Error("x".repeat(20_000_000)),
  ];
  await using queue = await new TestQueue<number>({ maxAttempts: 1 }).open();
  await queue.enqueueBatch(thrown.map((_, payload) => ({ payload })));
  const stop = new AbortController();
  await queue.work(({ payload }) => {
    if (payload === thrown.length - 1) queueMicrotask(() => stop.abort());
    throw thrown[payload];
  }, { signal: stop.signal });
  const dead = await queue.deadLetters();
  assert(dead.length >= thrown.length - 1);
  assert(dead.every(({ reason }) => reason.length < 1_100));
  assertThrows(() => new RetryLaterError(Infinity), RangeError);
});

Deno.test("MiniQueue.purge('all') beside acks leaves nothing, and has none fail for another reason", async () => {
  for (let turn = 0; turn < 30; turn++) {
    await using queue = await new TestQueue<number>().open();
    const payloads = Array.from({ length: 10 }, (_, payload) => ({ payload }));
    await queue.enqueueBatch(payloads);
    const batch = await queue.receiveBatch(10);
    const acks = batch.slice(0, 5).map((message) => message.ack());
    const purged = queue.purge("all");
    await turns(turn);
    acks.push(...batch.slice(5).map((message) => message.ack()));
    await purged;
    for (const outcome of await Promise.allSettled(acks)) {
      if (outcome.status === "fulfilled") continue;
      assertEquals(outcome.reason.code, "RECEIPT_EXPIRED");
    }
    const { ready, inFlight } = await queue.stats();
    assertEquals([ready, inFlight], [0, 0]);
  }
});

Deno.test("MiniQueue.purge('all') forgets the keys that keep messages out", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a", { dedupeKey: "k" });
  await queue.purge("all");
  assertEquals(
    (await queue.enqueue("b", { dedupeKey: "k" })).deduplicated,
    false,
  );
});

Deno.test("MiniQueue.enqueue() says that a message was kept out also where the window ends just then", async () => {
  const test = new TestQueue<string>({ dedupeWindowMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a", { dedupeKey: "k" });
  test.clock.advance(999);
  const b = queue.enqueue("b", { dedupeKey: "k" });
  test.clock.advance(1);
  const c = queue.enqueue("c");
  assertEquals([await b, (await c).deduplicated], [
    { id: 1, deduplicated: true },
    false,
  ]);
  assertEquals(await drain(queue), ["a", "c"]);
});

Deno.test("MiniQueue.stats() and peek() see what has run out, also while nobody receives", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  await queue.receive();
  test.clock.advance(1_000);
  const { ready, inFlight } = await queue.stats();
  assertEquals([ready, inFlight], [1, 0]);
  assertEquals((await queue.peek()).length, 1);
});

Deno.test("MiniQueue: a delivery that is just being taken back is not current", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  const { clock } = test;
  await using queue = await MiniQueue.open<string>("/data", {
    fs: held.fs,
    clock,
    visibilityTimeoutMs: 1_000,
  });
  await queue.enqueue("a");
  const message = await queue.receive();
  clock.advance(1_000);
  const write = held.hold("write");
  const next = queue.receive();
  await write.reached;
  const { isCurrent } = message!;
  const acking = errorOf(message!.ack());
  write.release();
  assertEquals([isCurrent, (await acking).code], [false, "RECEIPT_EXPIRED"]);
  assertEquals((await next)?.attempts, 2);
});

Deno.test("MiniQueue.redrive() and purge() at once count every message once", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a");
  await (await queue.receive())!.deadLetter("no");
  const counts = [queue.redrive("all"), queue.redrive("all"), queue.purge()];
  assertEquals(await Promise.all(counts), [1, 0, 0]);
});

Deno.test("MiniQueue opens where only the compaction that is due finds no space", async () => {
  const test = new TestQueue<number>();
  const queue = await test.open();
  for (let round = 0; round < 300; round++) {
    await queue.enqueueBatch([1, 2, 3, 4].map((payload) => ({ payload })));
    await drain(queue);
  }
  await queue.close();
  test.fs.hooks.before = ({ operation, path }) =>
    operation === "create" && path.includes("snapshot_")
      ? { code: "ENOSPC" }
      : undefined;
  test.clock = test.clock.restarted();
  await using again = await test.open();
  assertEquals((await again.stats()).ready, 0);
});
