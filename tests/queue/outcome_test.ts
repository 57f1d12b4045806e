import {
  type MessageOutcome,
  MiniQueue,
  type QueueOptions,
} from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { errorOf } from "../support/journal.ts";
import { TestQueue, turns } from "../support/queue.ts";
import { ABORTED, openShop, withoutPast } from "../support/shop.ts";

function open(options: QueueOptions<string> = {}) {
  const all = { fs: new MemoryFileSystem(), clock: new FakeClock() };
  return MiniQueue.open<string>("/data", { ...all, ...options });
}

const ENDS: readonly [
  what: string,
  end: (queue: MiniQueue<string>) => Promise<unknown>,
  outcome: MessageOutcome,
][] = [
  [
    "acknowledged, with a result that is not kept",
    async (queue) => await (await queue.receive())?.ack({ n: 1 }),
    { state: "done", result: { n: 1 } },
  ],
  [
    "acknowledged without a result",
    async (queue) => await (await queue.receive())?.ack(),
    { state: "done" },
  ],
  [
    "dead",
    async (queue) => await (await queue.receive())?.deadLetter("no"),
    { state: "dead", reason: "no" },
  ],
  [
    "cancelled while it waits",
    (queue) => queue.cancel(1, "no longer wanted"),
    { state: "cancelled", reason: "no longer wanted" },
  ],
  [
    "cancelled in flight",
    async (queue) => {
      await queue.receive();
      await queue.cancel(1);
    },
    { state: "cancelled" },
  ],
  [
    "purged",
    (queue) => queue.purge("all"),
    { state: "cancelled", reason: "purged" },
  ],
  [
    "retried, and done then",
    async (queue) => {
      await (await queue.receive())?.nack();
      await (await queue.receive())?.ack("second");
    },
    { state: "done", result: "second" },
  ],
];

for (const [what, end, expected] of ENDS) {
  Deno.test(`MiniQueue.outcome() waits for a message that is ${what}`, async () => {
    await using queue = await open();
    const { id } = await queue.enqueue("a");
    const outcomes = [queue.outcome(id), queue.outcome(id)];
    await end(queue);
    assertEquals(await Promise.all(outcomes), [expected, expected]);
  });

  Deno.test(`MiniQueue.outcome() tells afterwards of a message that is ${what}, as far as it is kept`, async () => {
    await using queue = await open({ keepFinished: { count: 10 } });
    const { id } = await queue.enqueue("a");
    await end(queue);
    const kept = expected.state === "cancelled" && expected.reason === "purged"
      ? undefined
      : expected;
    assertEquals(await queue.outcome(id), kept);
  });
}

Deno.test("MiniQueue.outcome() is undefined for what it does not know", async () => {
  await using queue = await open();
  assertEquals(await queue.outcome(5), undefined);
  const { id } = await queue.enqueue("a");
  await (await queue.receive())?.ack(1);
  assertEquals(await queue.outcome(id), undefined);
});

Deno.test("MiniQueue.outcome() of a dead letter that was redriven waits again", async () => {
  await using queue = await open();
  const { id } = await queue.enqueue("a");
  await (await queue.receive())?.deadLetter("no");
  assertEquals(await queue.outcome(id), { state: "dead", reason: "no" });
  await queue.redrive(id);
  const outcome = queue.outcome(id);
  await queue.enqueue("for which nobody waits");
  await (await queue.receive())?.ack("yes");
  await (await queue.receive())?.ack("no");
  assertEquals(await outcome, { state: "done", result: "yes" });
});

Deno.test("MiniQueue.outcome() notices that the last delivery has run out", async () => {
  const clock = new FakeClock();
  await using queue = await open({ clock, maxAttempts: 1 });
  const { id } = await queue.enqueue("a");
  await queue.receive({ visibilityTimeoutMs: 1_000 });
  clock.advance(1_000);
  assertEquals((await queue.outcome(id))?.state, "dead");
});

Deno.test("MiniQueue.outcome() tells why there is no result", async () => {
  const told: unknown[] = [];
  await using queue = await open({ onError: (error) => told.push(error) });
  const { id } = await queue.enqueue("a");
  const outcome = queue.outcome(id);
  await (await queue.receive())?.ack(1n);
  const found = await outcome;
  if (found?.state !== "done") throw new Error(found?.state);
  assertEquals(found.resultError?.code, "UNSERIALIZABLE");
  assertEquals(told, [found.resultError]);
});

Deno.test("MiniQueue.outcome() ends with its signal, and with the queue", async () => {
  const queue = await open();
  const { id } = await queue.enqueue("a");
  const stop = new AbortController();
  const stopped = queue.outcome(id, { signal: stop.signal });
  const closed = queue.outcome(id);
  stop.abort(new Error("enough"));
  assertEquals((await assertRejects(() => stopped, Error)).message, "enough");
  const error = errorOf(closed);
  await queue.close();
  assertEquals((await error).code, "CLOSED");
  assertEquals((await errorOf(queue.outcome(id))).code, "CLOSED");
  await using other = await open();
  await assertRejects(() => other.outcome(0), RangeError);
  await assertRejects(() => other.outcome(1, { wait: 1 } as object), TypeError);
  const aborted = { signal: AbortSignal.abort(new Error("before")) };
  assertEquals(
    (await assertRejects(() => other.outcome(1, aborted), Error)).message,
    "before",
  );
});

Deno.test("MiniQueue.outcome() is told of an acknowledgement within a record of the state", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  const { id } = await queue.enqueue("a");
  const outcome = queue.outcome(id);
  const message = await queue.receive();
  const ack = message!.ackMutation({ n: 2 });
  await shop.applyBatch([{ jobs: { at: 1, tick: true } }, ack]);
  assertEquals(await outcome, { state: "done", result: { n: 2 } });
  await queue.close();
});

Deno.test("MiniQueue.outcome() is told also while the state is rebuilt again and again", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  const ids: number[] = [];
  for (const payload of ["a", "b", "c"]) {
    ids.push((await queue.enqueue(payload)).id);
  }
  const outcomes = ids.map((id) => queue.outcome(id));
  const abort = () =>
    shop.apply({
      jobs: { at: 1, cancel: ids.map((id) => ({ id })), v: 2 },
      fail: true,
    }).catch((error: MiniError) => error.code);
  for (const [index] of ids.entries()) {
    const message = await queue.receive();
    const all = [abort(), message?.ack(index), abort()];
    const [first, , last] = await Promise.all(all);
    assertEquals([first, last], ["ABORTED_MUTATION", "ABORTED_MUTATION"]);
  }
  assertEquals((await Promise.all(outcomes)).map((each) => each?.state), [
    "done",
    "done",
    "done",
  ]);
  await queue.close();
});

Deno.test("MiniQueue.outcome() is told the result where each record makes another state", async () => {
  await using shop = await openShop(undefined, { immutable: true });
  const queue = await MiniQueue.attach(shop, "jobs");
  const { id } = await queue.enqueue("a");
  const outcome = queue.outcome(id);
  await (await queue.receive())?.ack({ n: 3 });
  assertEquals(await outcome, { state: "done", result: { n: 3 } });
  await queue.close();
});

Deno.test("MiniQueue.outcome() looks again where the state was rebuilt and gives no past", async () => {
  await using shop = await openShop();
  const host = withoutPast(shop);
  const keepFinished = { count: 10 };
  const queue = await MiniQueue.attach(host, "jobs", { keepFinished });
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const outcomes = [queue.outcome(1), queue.outcome(2)];
  const [a, b] = await queue.receiveBatch(2);
  const abort = () => errorOf(shop.apply(ABORTED));
  const all = await Promise.all([abort(), a!.ack(1), abort()]);
  assertEquals(all[0].code, "ABORTED_MUTATION");
  await turns();
  await b!.ack(2);
  assertEquals(await Promise.all(outcomes), [
    { state: "done", result: 1 },
    { state: "done", result: 2 },
  ]);
  await queue.close();
});

Deno.test("MiniQueue.outcome() takes nothing from a cancel that is being logged, where others have waited before", async () => {
  const fs = new MemoryFileSystem();
  const queue = await open({ fs });
  for (const payload of ["a", "b", "c"]) await queue.enqueue(payload);
  const first = queue.outcome(1);
  await queue.cancel(1);
  assertEquals(await first, { state: "cancelled" });
  let last: Promise<unknown> | undefined;
  fs.hooks.before = ({ operation }) => {
    const isLogged = operation === "sync";
    if (isLogged) last ??= queue.outcome(3).catch(({ code }) => code);
    return undefined;
  };
  const cancelled = [await queue.cancel(2), await queue.cancel(3)];
  await queue.close();
  assertEquals(cancelled, ["cancelled", "cancelled"]);
  assertEquals(await last, { state: "cancelled" });
});

Deno.test("MiniQueue.outcome() rejects once the state of the queue has failed", async () => {
  const fs = new MemoryFileSystem();
  const queue = await open({ fs });
  const { id } = await queue.enqueue("a");
  const outcome = errorOf(queue.outcome(id));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await errorOf(queue.enqueue("b"));
  assertEquals((await outcome).code, "POISONED");
  await queue.close().catch(() => {});
});

Deno.test("MiniQueue.outcome() costs one reader for thousands of messages", async () => {
  await using queue = await open();
  const payloads = Array.from({ length: 2_000 }, (_, n) => ({
    payload: `${n}`,
  }));
  const enqueued = await queue.enqueueBatch(payloads);
  const outcomes = enqueued.map(({ id }) => queue.outcome(id));
  await turns();
  const messages = await queue.receiveBatch(2_000);
  await Promise.all(messages.map((message) => message.ack(message.payload)));
  for (const [index, outcome] of (await Promise.all(outcomes)).entries()) {
    assertEquals(outcome, { state: "done", result: `${index}` });
  }
});

Deno.test("MiniQueue.close() ends the waiting for an outcome before it waits for the handler that does so", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }, {
    payload: "c",
    delayMs: 60_000,
  }]);
  const events = Array.fromAsync(queue.events());
  const codes: unknown[] = [];
  const running: string[] = [];
  const working = queue.work(async ({ payload }) => {
    running.push(payload);
    const of = payload === "a" ? 3 : 1;
    codes.push((await errorOf(queue.outcome(of))).code);
  }, { concurrency: 2 });
  while (running.length < 2) await undefined;
  // No time passes here: none of the handlers is given up.
  await queue.close();
  await working;
  assertEquals(codes, ["CLOSED", "CLOSED"]);
  const done = (await events).filter(({ type }) => type === "done");
  assertEquals(done.map(({ id }) => id).sort(), [1, 2]);
});
