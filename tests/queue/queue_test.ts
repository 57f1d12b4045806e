import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { errorOf } from "../support/journal.ts";
import { drain, TestQueue } from "../support/queue.ts";
import { onlyStrings } from "../support/schema.ts";
import { openShop } from "../support/shop.ts";

const NOTHING = {
  ready: 0,
  blocked: 0,
  delayed: 0,
  inFlight: 0,
  dead: 0,
  paused: false,
};

Deno.test("MiniQueue delivers in order, each message until it is acknowledged", async () => {
  await using queue = await new TestQueue<string>().open();
  assertEquals(await queue.enqueue("a"), { id: 1, deduplicated: false });
  await queue.enqueueBatch([{ payload: "b" }, { payload: "c" }]);
  assertEquals(await queue.stats(), { ...NOTHING, ready: 3 });
  assertEquals(await drain(queue), ["a", "b", "c"]);
  assertEquals(await queue.receive(), undefined);
  assertEquals(await queue.stats(), NOTHING);
});

Deno.test("MiniQueue keeps what is enqueued, in flight and dead across a kill", async () => {
  const test = new TestQueue<string>({ maxAttempts: 1 });
  const queue = await test.open({ maxAttempts: 3 });
  await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
  await (await queue.receive())!.deadLetter("no");
  const inFlight = await queue.receive();
  assertEquals(inFlight?.payload, "b");
  await using again = await test.reopenKilled({ maxAttempts: 3 });
  assertEquals(await again.stats(), { ...NOTHING, ready: 2, dead: 1 });
  const message = await again.receive();
  assertEquals([message?.payload, message?.attempts], ["b", 2]);
  assertEquals(message?.lastFailure, "the process ended before it was settled");
});

Deno.test("MiniQueue keeps what waits, is in flight and is dead across compaction", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open({ keepSnapshots: 1 });
  await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
  await (await queue.receive())!.deadLetter("no");
  await queue.receive();
  await queue.compact();
  await using again = await test.reopenKilled();
  assertEquals(await again.stats(), { ...NOTHING, ready: 2, dead: 1 });
  assertEquals((await again.deadLetters())[0]?.payload, "a");
  assertEquals(await drain(again), ["b", "c"]);
});

Deno.test("MiniQueue.enqueue() takes the payload as it is at the call, and aliases nothing", async () => {
  await using queue = await new TestQueue<{ to: string[] }>().open();
  const payload = { to: ["ada"] };
  const enqueued = queue.enqueue(payload);
  payload.to.push("eve");
  await enqueued;
  const message = await queue.receive();
  message!.payload.to.push("mallory");
  await message!.nack();
  assertEquals((await queue.receive())?.payload, { to: ["ada"] });
});

Deno.test("MiniQueue.enqueue() with priority: higher first, in order inside", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("low 1", { priority: -1 });
  await queue.enqueue("normal 1");
  await queue.enqueue("high 1", { priority: 5 });
  await queue.enqueue("normal 2");
  await queue.enqueue("high 2", { priority: 5 });
  assertEquals(await drain(queue), [
    "high 1",
    "high 2",
    "normal 1",
    "normal 2",
    "low 1",
  ]);
});

Deno.test("MiniQueue.enqueue() with delayMs is received no earlier, and by who waits for it", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("later", { delayMs: 1_000 });
  assertEquals(await queue.receive(), undefined);
  assertEquals(await queue.stats(), { ...NOTHING, delayed: 1 });
  const waiting = queue.receive({ waitMs: 5_000 });
  await queue.stats();
  test.clock.advance(999);
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(1);
  assertEquals((await waiting)?.payload, "later");
});

Deno.test("MiniQueue.enqueue() with dedupeKey keeps others out for the window, across restart and compaction", async () => {
  const test = new TestQueue<string>({ dedupeWindowMs: 10_000 });
  let queue = await test.open();
  const first = await queue.enqueue("a", { dedupeKey: "k" });
  const all = await Promise.all([
    queue.enqueue("b", { dedupeKey: "k" }),
    queue.enqueue("c", { dedupeKey: "other" }),
  ]);
  assertEquals(all.map(({ deduplicated }) => deduplicated), [true, false]);
  assertEquals(all[0]!.id, first.id);
  assertEquals(await drain(queue), ["a", "c"]);
  await queue.compact();
  await queue.compact();
  queue = await test.reopenKilled();
  test.clock.advance(9_000);
  const again = await queue.enqueue("d", { dedupeKey: "k" });
  assertEquals(again, { id: first.id, deduplicated: true });
  test.clock.advance(2_000);
  const after = await queue.enqueue("e", { dedupeKey: "k" });
  assertEquals(after.deduplicated, false);
  assertEquals(await drain(queue), ["e"]);
  await queue.close();
});

Deno.test("MiniQueue.enqueueBatch() is one unit: a message that is refused refuses all", async () => {
  await using queue = await new TestQueue<unknown>().open();
  const error = await errorOf(
    queue.enqueueBatch([{ payload: "fine" }, { payload: { at: new Date() } }]),
  );
  assertEquals(error.code, "UNSERIALIZABLE");
  assert(error.message.includes("$[1].payload.at"), error.message);
  assertEquals(await queue.stats(), NOTHING);
  assertEquals(await queue.enqueueBatch([]), []);
});

Deno.test("MiniQueue.receive() waits for a message that comes, and no longer than it is told", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const waiting = queue.receive({ waitMs: 1_000 });
  const second = queue.receive({ waitMs: 2_000 });
  await queue.enqueue("a");
  assertEquals((await waiting)?.payload, "a");
  test.clock.advance(2_000);
  assertEquals(await second, undefined);
});

Deno.test("MiniQueue.receive() ends with the reason of its signal, and takes no message then", async () => {
  await using queue = await new TestQueue<string>().open();
  const stop = new AbortController();
  const waiting = queue.receive({ waitMs: Infinity, signal: stop.signal });
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  await queue.enqueue("a");
  assertEquals((await queue.receive())?.payload, "a");
  await assertRejects(() => queue.receive({ signal: stop.signal }), Error);
});

Deno.test("MiniQueue.receiveBatch() gives what there is, each message to be settled by itself", async () => {
  await using queue = await new TestQueue<number>().open();
  const payloads = [1, 2, 3, 4, 5];
  await queue.enqueueBatch(payloads.map((payload) => ({ payload })));
  const batch = await queue.receiveBatch(3);
  assertEquals(batch.map(({ payload }) => payload), [1, 2, 3]);
  await batch[1]!.ack();
  await batch[0]!.nack();
  assertEquals(await queue.stats(), { ...NOTHING, ready: 3, inFlight: 1 });
  assertEquals((await queue.receiveBatch(10)).map((m) => m.payload), [1, 4, 5]);
});

Deno.test("MiniQueue iterates over messages until it is closed", async () => {
  const queue = await new TestQueue<number>().open();
  await queue.enqueueBatch([1, 2].map((payload) => ({ payload })));
  const seen: number[] = [];
  for await (const message of queue) {
    seen.push(message.payload);
    await message.ack();
    if (seen.length === 2) queue.close();
  }
  assertEquals(seen, [1, 2]);
});

Deno.test("MiniQueue.pause() delivers nothing until resume(), also after a restart", async () => {
  const test = new TestQueue<string>();
  let queue = await test.open();
  await queue.enqueue("a");
  await queue.pause();
  assertEquals(await queue.receive(), undefined);
  queue = await test.reopenKilled();
  assertEquals((await queue.stats()).paused, true);
  const waiting = queue.receive({ waitMs: Infinity });
  await queue.resume();
  assertEquals((await waiting)?.payload, "a");
  await queue.close();
});

Deno.test("MiniQueue.peek() shows who is next, and receives nothing", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a", { delayMs: 5 });
  await queue.enqueue("b");
  await queue.enqueue("c", { priority: 1, group: "g" });
  const next = await queue.peek(2);
  assertEquals(next.map(({ payload }) => payload), ["c", "b"]);
  assertEquals(next[0]!.group, "g");
  assertEquals((await queue.stats()).inFlight, 0);
});

Deno.test("MiniQueue.purge() removes the dead, one, or everything with what is in flight", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueueBatch(
    ["a", "b", "c", "d"].map((payload) => ({ payload })),
  );
  const dead = await queue.receiveBatch(2);
  for (const message of dead) await message.deadLetter("no");
  assertEquals(await queue.purge(dead[0]!.id), 1);
  assertEquals(await queue.purge(), 1);
  assertEquals(await queue.purge(), 0);
  const inFlight = await queue.receive();
  assertEquals(await queue.purge("all"), 2);
  assertEquals(await queue.stats(), NOTHING);
  assertEquals((await errorOf(inFlight!.ack())).code, "RECEIPT_EXPIRED");
  assertEquals((await queue.enqueue("e")).id, 5);
});

Deno.test("MiniQueue refuses what its schema does, before anything is logged", async () => {
  await using queue = await new TestQueue<string>({ schema: onlyStrings })
    .open();
  const error = await errorOf(queue.enqueue(5 as never));
  assertEquals(error.code, "INVALID");
  assertEquals(await queue.stats(), NOTHING);
});

Deno.test("MiniQueue rejects misuse with a TypeError or a RangeError", async () => {
  await using queue = await new TestQueue<string>().open();
  const misuses: (() => Promise<unknown>)[] = [
    () => queue.enqueue("a", { delayMs: -1 }),
    () => queue.enqueue("a", { delayMs: NaN }),
    () => queue.enqueue("a", { priority: Infinity }),
    () => queue.receive({ waitMs: -1 }),
    () => queue.receiveBatch(0),
    () => queue.work(() => {}, { concurrency: 0 }),
    () => queue.redrive(-1),
    () => new TestQueue<string>({ maxAttempts: 0 }).open(),
    () => new TestQueue<string>({ visibilityTimeoutMs: NaN }).open(),
  ];
  for (const misuse of misuses) await assertRejects(misuse, RangeError);
  const { fs } = new TestQueue();
  const nowhere = () => MiniQueue.open("", { fs });
  await assertRejects(nowhere, TypeError, "the path is empty");
  const group = queue.enqueue("a", { group: "" });
  await assertRejects(() => group, TypeError);
  const key = queue.enqueue("a", { dedupeKey: 5 as never });
  await assertRejects(() => key, TypeError);
});

Deno.test("MiniQueue rejects every call after close() with CLOSED, and lets go who waits", async () => {
  await using shop = await openShop();
  const attached = await MiniQueue.attach(shop, "jobs");
  for (const queue of [await new TestQueue<string>().open(), attached]) {
    await queue.enqueue("a");
    const message = await queue.receive();
    const waiting = queue.receive({ waitMs: Infinity });
    await queue.close();
    await queue.close();
    assertEquals(await waiting, undefined);
    const calls: (() => Promise<unknown>)[] = [
      () => queue.enqueue("b"),
      () => queue.enqueueBatch([]),
      () => Promise.try(() => queue.enqueueMutation("b")),
      () => queue.receive(),
      () => queue.receiveBatch(1),
      () => queue.work(() => {}),
      () => queue.redrive("all"),
      () => queue.purge(),
      () => queue.cancel(1),
      () => queue.update(1, { payload: "b" }),
      () => queue.pause(),
      () => queue.resume(),
      () => queue.compact(),
      () => queue.outcome(9),
      () => queue.metrics(),
      () => queue.schedules(),
      () => Promise.try(() => queue.events()),
    ];
    // The state of an attached queue is still open.
    if (queue !== attached) calls.push(() => message!.ack());
    for (const call of calls) {
      const error = await errorOf(call()).catch(() => undefined);
      assertEquals(error?.code, "CLOSED", `${call}`);
    }
  }
});

Deno.test("MiniQueue gives up nothing of a log that a newer version wrote", async () => {
  const test = new TestQueue<string>();
  const newer = await StateManager.open("/data", {
    initial: () => ({}),
    apply: () => {},
    version: 1,
    fs: test.fs,
  });
  await newer.apply({ at: 1, swap: [1, 2] });
  await newer.close();
  assertEquals((await errorOf(test.open())).code, "UNSUPPORTED_FORMAT");
});
