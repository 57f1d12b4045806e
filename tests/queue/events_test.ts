import { MiniQueue, type QueueEvent, QueueView } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { errorOf } from "../support/journal.ts";
import { turns } from "../support/queue.ts";

const KEEP = { keepFinished: { count: 100 } };

/** Does one of everything. */
async function live<M>(
  queue: MiniQueue<string, unknown, M>,
  clock: FakeClock,
): Promise<void> {
  await queue.enqueue("a", { dedupeKey: "k", headers: { h: "1" } });
  await queue.enqueue("kept out", { dedupeKey: "k" });
  await queue.enqueueBatch([{ payload: "b" }, { payload: "c" }]);
  await (await queue.receive())?.ack({ n: 1 });
  await (await queue.receive())?.nack({ reason: "later" });
  await (await queue.receive())?.deadLetter("no");
  await queue.redrive("all");
  await queue.receive();
  clock.advance(60_000);
  await queue.stats();
  await queue.cancel(3, "no longer wanted");
  await queue.purge("all");
}

const plain = <T>(events: readonly QueueEvent<T>[]) =>
  events.map(({ seq, id, type }) => [seq, id, type]);

Deno.test("MiniQueue.events() tells what becomes of messages, live as from the past, and in a view", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  const options = { fs, clock, ...KEEP };
  const queue = await MiniQueue.open<string>("/data", options);
  const view = await QueueView.open<string>("/data", { fs, clock });
  const now = Array.fromAsync(queue.events());
  const seen = Array.fromAsync(view.events());
  await live(queue, clock);
  await view.until(queue.sequence);
  const past = Array.fromAsync(queue.events({ from: 1 }));
  await turns(2_000);
  await queue.close();
  await view.close();
  const events = await now;
  assertEquals(await past, events);
  assertEquals(await seen, events);
  const types = events.map(({ id, type }) => `${id} ${type}`);
  assertEquals(types.slice(0, 5), [
    "1 enqueued",
    "3 enqueued",
    "4 enqueued",
    "1 delivered",
    "1 done",
  ]);
  assertEquals(types.filter((type) => type.endsWith("cancelled")), [
    "3 cancelled",
    "4 cancelled",
  ]);
  const [first] = events;
  assertEquals(first, {
    seq: 2,
    id: 1,
    type: "enqueued",
    at: new Date("2026-01-01"),
    attempts: 0,
    headers: { h: "1" },
    payload: "a",
  });
  const done = events.find(({ type }) => type === "done");
  assert(done?.type === "done");
  assertEquals((done as { result?: unknown }).result, { n: 1 });
});

Deno.test("MiniQueue.events() gives a reader of its own copy, from the middle of the past on", async () => {
  const clock = new FakeClock();
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/data", { fs, clock });
  for (const payload of ["a", "b", "c"]) await queue.enqueue(payload);
  for await (const event of queue.events({ from: 2 })) {
    if (event.type !== "enqueued") continue;
    assertEquals(event.payload, "b");
    (event as { payload: string }).payload = "changed";
    break;
  }
  for await (const event of queue.events({ from: 2 })) {
    assertEquals(event.type === "enqueued" && event.payload, "b");
    break;
  }
});

Deno.test("MiniQueue.events() misses nothing, however slow the reader is", async () => {
  const clock = new FakeClock();
  const fs = new MemoryFileSystem();
  const queue = await MiniQueue.open<string>("/data", { fs, clock });
  const events = queue.events()[Symbol.asyncIterator]();
  const first = events.next();
  await queue.enqueue("first");
  assertEquals((await first).value?.id, 1);
  for (let n = 0; n < 2_500; n++) await queue.enqueue(`${n}`);
  const ids: number[] = [];
  while (ids.length < 2_500) ids.push((await events.next()).value!.id);
  assertEquals(ids, Array.from({ length: 2_500 }, (_, n) => n + 2));
  const last = events.next();
  await queue.close();
  assertEquals((await last).done, true);
});

Deno.test("MiniQueue.events() ends with the reason of its signal", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/data", { fs });
  const stop = new AbortController();
  const read = Array.fromAsync(queue.events({ signal: stop.signal }));
  await turns();
  stop.abort(new Error("enough"));
  assertEquals((await assertRejects(() => read, Error)).message, "enough");
  assertThrows(() => queue.events({ from: 0 }), RangeError);
  assertThrows(() => queue.events({ form: 1 } as object), TypeError);
});

/** The first event, of a queue or a view. */
const firstOf = <E>(events: AsyncIterable<E>) =>
  events[Symbol.asyncIterator]().next();

Deno.test("MiniQueue.events() says from where on it cannot tell the past, as a view does", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/data", { fs });
  for (const payload of ["a", "b", "c"]) {
    await queue.enqueue(payload);
    await queue.compact();
  }
  await using view = await QueueView.open<string>("/data", { fs });
  for (const reader of [queue, view]) {
    for (const from of [1, 2]) {
      const error = await errorOf(firstOf(reader.events({ from })));
      assertEquals(error.code, "COMPACTED");
    }
  }
});

Deno.test("MiniQueue.events() tells progress, errors, and which occurrence it is", async () => {
  const clock = new FakeClock();
  const queue = await MiniQueue.open<string>("/data", {
    fs: new MemoryFileSystem(),
    clock,
    maxAttempts: 1,
    schedules: { poll: { everyMs: 1_000, payload: "poll" } },
  });
  const { signal } = new AbortController();
  const events = Array.fromAsync(queue.events({ signal }));
  clock.advance(1_000);
  const { outcome } = await new Promise<
    { outcome: ReturnType<typeof queue.outcome> }
  >((resolve) => {
    void queue.work(async (message, { progress }) => {
      resolve({ outcome: queue.outcome(message.id) });
      await progress(50, { durable: true });
      throw new RangeError("too far");
    }, { until: "empty" });
  });
  const found = await outcome;
  if (found?.state !== "dead") throw new Error(found?.state);
  assertEquals(found.error?.name, "RangeError");
  await queue.close();
  const told = await events;
  assertEquals(told.map(({ type }) => type), [
    "enqueued",
    "delivered",
    "progress",
    "dead",
  ]);
  const [enqueued, , progress, dead] = told as unknown as Record<
    string,
    unknown
  >[];
  assertEquals(enqueued?.scheduledFor, new Date(clock.wall()));
  assertEquals(progress?.progress, 50);
  assertEquals(dead?.error, found.error);
});

Deno.test("MiniQueue.events() says so where the queue was closed before all of the past was read", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  const queue = await MiniQueue.open<string>("/data", { fs, clock });
  await queue.enqueue("a");
  const late = queue.events({ from: 1 });
  const next = queue.events();
  await queue.close();
  const error = await errorOf(firstOf(late));
  assertEquals(error.code, "CLOSED");
  assertStringIncludes(error.message, "can be read once it is open again");
  assertEquals((await firstOf(next)).done, true);
});

Deno.test("MiniQueue.events() tells the past that it was reading when the queue was closed", async () => {
  const fs = new MemoryFileSystem();
  const queue = await MiniQueue.open<string>("/data", { fs });
  for (const payload of ["a", "b", "c"]) await queue.enqueue(payload);
  const events = Array.fromAsync(queue.events({ from: 1 }));
  await queue.close();
  assertEquals(plain(await events).map(([, id]) => id), [1, 2, 3]);
});

Deno.test("MiniQueue.events() tells no change of a message that waits", async () => {
  const fs = new MemoryFileSystem();
  const queue = await MiniQueue.open<string>("/data", { fs });
  const events = Array.fromAsync(queue.events());
  await queue.enqueue("a");
  await queue.update(1, { payload: "b" });
  await queue.enqueue("c");
  await queue.close();
  assertEquals(plain(await events), [[1, 1, "enqueued"], [3, 2, "enqueued"]]);
});

Deno.test("QueueView.events() begins later if told to, and ends with the view", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/data", { fs });
  await queue.enqueue("a");
  const view = await QueueView.open<string>("/data", { fs });
  const later = firstOf(view.events({ from: 3 }));
  await queue.enqueue("b");
  await queue.enqueue("c");
  assertEquals((await later).value?.seq, 3);
  const events = view.events({ from: 1 });
  const closed = view.close();
  assertEquals((await firstOf(events)).done, true);
  await closed;
});
