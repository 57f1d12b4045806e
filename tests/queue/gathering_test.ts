import { assertEquals, assertMatch } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { drain, TestQueue } from "../support/queue.ts";

/** The kinds of the records in a queue's log, and their numbers of messages. */
async function entriesIn(fs: MemoryFileSystem): Promise<string[]> {
  const records = MiniStore.replay<{ apply: LedgerEntry<unknown> }>(
    "/data/journal.jsonl",
    { fs },
  );
  return await Array.fromAsync(records, ({ data: { apply: entry } }) => {
    const { at: _, drift: __, ...event } = entry;
    const [[kind, about] = []] = Object.entries(event);
    return Array.isArray(about) ? `${kind} ${about.length}` : `${kind}`;
  });
}

Deno.test("MiniQueue: what is asked for in one turn shares a record, in the order of the calls", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const names = ["a", "b", "c", "d"];
  const enqueued = await Promise.all(names.map((name) => queue.enqueue(name)));
  assertEquals(enqueued.map(({ id }) => id), [1, 2, 3, 4]);
  const received = await Promise.all(names.map(() => queue.receive()));
  assertEquals(received.map((message) => message?.payload), names);
  await Promise.all(received.map((message) => message!.ack()));
  assertEquals(await entriesIn(test.fs), [
    "enqueue 4",
    "receive 4",
    "settle 4",
  ]);
});

Deno.test("MiniQueue: what is entered between two messages has its place between them", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const first = queue.enqueue("a");
  const paused = queue.pause();
  const second = queue.enqueue("b");
  await Promise.all([first, paused, second]);
  assertEquals(await entriesIn(test.fs), ["enqueue 1", "paused", "enqueue 1"]);
});

Deno.test("MiniQueue: each message is enqueued at its own time", async () => {
  const test = new TestQueue<string>({ dedupeWindowMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a", { dedupeKey: "k" });
  test.clock.advance(999);
  const within = queue.enqueue("b", { dedupeKey: "k" });
  test.clock.advance(1);
  const after = queue.enqueue("c", { dedupeKey: "k" });
  const outcomes = await Promise.all([within, after]);
  assertEquals(outcomes.map(({ deduplicated }) => deduplicated), [true, false]);
  assertEquals(await drain(queue), ["a", "c"]);
});

Deno.test("MiniQueue.enqueue() that is refused takes along nobody else who calls in the same turn", async () => {
  const test = new TestQueue<unknown>();
  await using queue = await test.open();
  const [before, refused, after] = [
    queue.enqueue("a"),
    errorOf(queue.enqueue({ of: undefined })),
    queue.enqueue("b"),
  ];
  assertEquals((await refused).code, "UNSERIALIZABLE");
  await Promise.all([before, after]);
  assertEquals(await drain(queue), ["a", "b"]);
});

Deno.test("MiniQueue: of what is settled together each is told of its own message", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const batch = await queue.receiveBatch(2);
  const purged = queue.purge("all");
  // Until it is on its way, and not there yet.
  for (let turn = 0; turn < 6; turn++) await undefined;
  const errors = batch.map((message) => errorOf(message.ack()));
  await purged;
  for (const [index, error] of (await Promise.all(errors)).entries()) {
    assertEquals(error.code, "RECEIPT_EXPIRED");
    assertMatch(error.message, new RegExp(`message ${index + 1}\\b`));
  }
});

Deno.test("MiniQueue: a record of many messages is no longer than a page of the disk", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const payloads = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(1_000));
  await Promise.all(payloads.map((payload) => queue.enqueue(payload)));
  assertEquals(await entriesIn(test.fs), ["enqueue 4", "enqueue 4"]);
  assertEquals(await drain(queue), payloads);
});

Deno.test("MiniQueue.close() keeps what was enqueued before it, without waiting for it", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  const enqueued = [queue.enqueue("a"), queue.enqueue("b")];
  const again = await test.reopenClosed(queue);
  await Promise.all(enqueued);
  assertEquals(await drain(again), ["a", "b"]);
  await again.close();
});

Deno.test("MiniQueue.attach(): messages are logged where they were enqueued among the state's own mutations", async () => {
  const fs = new MemoryFileSystem();
  type Change = { note: string } | { outbox: LedgerEntry<string> };
  await using state = await StateManager.open("/data", {
    fs,
    initial: () => ({ notes: [] as string[], outbox: emptyLedger<string>() }),
    apply: (
      state: { notes: string[]; outbox: Ledger<string> },
      change: Change,
    ) => {
      if ("outbox" in change) applyToLedger(state.outbox, change.outbox);
      else state.notes.push(`${change.note} after ${state.outbox.nextId - 1}`);
    },
  });
  await using outbox = await MiniQueue.attach(state, "outbox");
  await Promise.all([
    outbox.enqueue("a"),
    state.apply({ note: "first" }),
    outbox.enqueue("b"),
    state.apply({ note: "second" }),
  ]);
  assertEquals(state.state.notes, ["first after 1", "second after 2"]);
});

Deno.test("MiniQueue.enqueue() takes no message that lies too deep to be read again", async () => {
  const test = new TestQueue<unknown>();
  let queue = await test.open();
  let deep: unknown = [];
  let code: string | undefined;
  for (let depth = 1; depth < 1_100 && code === undefined; depth++) {
    deep = [deep];
    if (depth < 980) continue;
    code = await queue.enqueue(deep).then(() => undefined, ({ code }) => code);
  }
  assertEquals(code, "UNSERIALIZABLE");
  const { ready } = await queue.stats();
  queue = await test.reopenClosed(queue);
  assertEquals((await drain(queue)).length, ready);
  await queue.close();
});
