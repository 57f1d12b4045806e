import { assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  type DeliveryOptions,
  emptyLedger,
  type LedgerEntry,
  MiniError,
  MiniQueue,
  type QueueMetrics,
} from "@mini/state/queue";
import { type Histogram, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { TestQueue, turns } from "../support/queue.ts";

/** The numbers that are not 0, and how often each value was counted. */
function brief(metrics: QueueMetrics): Record<string, unknown> {
  assertEquals(JSON.parse(JSON.stringify(metrics)), metrics);
  const { kind, ...numbers } = metrics;
  assertEquals(kind, "queue");
  return Object.fromEntries(
    Object.entries(numbers)
      .filter(([, value]) => value !== 0 && (value as Histogram).count !== 0)
      .map(([name, value]) => [
        name,
        typeof value === "number" ? value : counts(value as Histogram),
      ]),
  );
}

function counts({ count, sum, max }: Histogram): readonly number[] {
  return [count, sum, max];
}

type Entry = { readonly outbox: LedgerEntry<string> };

/** A queue in a state, which each record changes or replaces. */
async function attached(
  immutable: boolean,
  options: DeliveryOptions<string>,
): Promise<{
  state: Pick<StateManager<never, Entry>, "apply" | "applyBatch" | "close">;
  queue: MiniQueue<string>;
}> {
  const state = await StateManager.open("/shop", {
    fs: new MemoryFileSystem(),
    immutable,
    initial: () => ({ outbox: emptyLedger<string>() }),
    apply(state, { outbox }: Entry) {
      const next = immutable ? structuredClone(state) : state;
      applyToLedger(next.outbox, outbox);
      return next;
    },
  });
  const queue = await MiniQueue.attach(state, "outbox", options);
  return { state, queue: queue as unknown as MiniQueue<string> };
}

/** Does everything that is counted, with one answer. */
async function script(
  queue: MiniQueue<string>,
  clock: FakeClock,
): Promise<void> {
  await queue.enqueueBatch([
    { payload: "a" },
    { payload: "b", group: "g" },
    { payload: "c", group: "g" },
    { payload: "d", delayMs: 100 },
    { payload: "e", at: new Date(clock.wall() + 200) },
    { payload: "f", dedupeKey: "k" },
    { payload: "g", dedupeKey: "k" },
  ]);
  clock.advance(10);
  // Waited 10 ms each.
  const [a, b, f] = await queue.receiveBatch(5);
  await a!.ack();
  await b!.nack();
  clock.advance(5);
  // Waited 5 ms.
  const again = await queue.receive();
  await again!.deadLetter("no");
  clock.advance(15);
  // c has waited 30 ms, from the beginning.
  const c = await queue.receive({ visibilityTimeoutMs: 20 });
  clock.advance(90);
  // It is taken back now. It waits 0 ms, and d has waited 20 ms.
  const [c2, d] = await queue.receiveBatch(5);
  await c2!.ack();
  await d!.nack({ delayMs: 1_000 });
  assertEquals([c!.isCurrent, f!.isCurrent], [false, true]);
  await queue.cancel(f!.id);
  await queue.redrive("all");
  clock.advance(90);
  // e has waited 10 ms, and b, which was redriven, 90.
  for (const message of await queue.receiveBatch(5)) await message.ack();
  await queue.update(d!.id, { delayMs: 0 });
  clock.advance(7);
  // d has waited 7 ms.
  await (await queue.receive())!.ack();
  await queue.enqueue("purged");
  await queue.purge("all");
  await queue.enqueue("left");
  await queue.enqueue("late", { delayMs: 50 });
  clock.advance(25);
}

/** The numbers after that. */
const SCRIPTED = {
  enqueued: 9,
  delivered: 10,
  acked: 5,
  retried: 3,
  dead: 1,
  cancelled: 2,
  redriven: 1,
  expired: 1,
  waiting: 1,
  delayed: 1,
  oldestMs: 25,
  waitMs: [10, 192, 90],
  attempts: [6, 9, 2],
};

Deno.test("metrics() of a queue counts what was done since it was opened, and what is there", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  assertEquals(brief(await queue.metrics()), {});
  await script(queue, test.clock);
  assertEquals(brief(await queue.metrics()), SCRIPTED);

  await queue.receive();
  const again = await test.reopenKilled({ keepFinished: { count: 5 } });
  const taken = { retried: 1, delayed: 1, oldestMs: 25 };
  assertEquals(brief(await again.metrics()), { ...taken, waiting: 1 });
  const message = await again.receive();
  await message!.ack();
  assertEquals(brief(await again.metrics()), {
    ...taken,
    delivered: 1,
    acked: 1,
    finished: 1,
    waitMs: [1, 0, 0],
    attempts: [1, 2, 2],
  });
  await again.close();
  await assertRejects(() => again.metrics(), MiniError);
});

for (const immutable of [false, true]) {
  const kind = immutable ? "that each record replaces" : "of the caller's";
  Deno.test(`metrics() of a queue counts the same in a state ${kind}`, async () => {
    const clock = new FakeClock();
    const { state, queue } = await attached(immutable, { clock });
    await script(queue, clock);
    assertEquals(brief(await queue.metrics()), SCRIPTED);
    await queue.close();
    await state.close();
  });

  Deno.test(`metrics() of a queue counts mutations that are applied, and none that is undone, in a state ${kind}`, async () => {
    const clock = new FakeClock();
    const { state, queue } = await attached(immutable, { clock });
    const mutation = (payload: string) =>
      queue.enqueueMutation(payload) as unknown as Entry;
    await state.applyBatch([mutation("a"), mutation("b")]);
    mutation("never applied");
    const flaw = { outbox: { at: 0, flaw: [] } } as unknown as Entry;
    await assertRejects(() => state.applyBatch([mutation("c"), flaw]));
    const first = (await queue.receive())!;
    const ack = first.ackMutation() as unknown as Entry;
    await assertRejects(() => state.applyBatch([ack, flaw]));
    await state.apply(ack);
    await (await queue.receive())!.ack();
    assertEquals(brief(await queue.metrics()), {
      enqueued: 2,
      delivered: 2,
      acked: 2,
      waitMs: [2, 0, 0],
      // What a mutation did is not seen where each record makes another ledger.
      attempts: immutable ? [1, 1, 1] : [2, 2, 1],
    });
    await queue.close();
    await state.close();
  });
}

Deno.test("metrics() of a queue tells which handlers run, and how long they took", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const ends = Promise.withResolvers<void>();
  const working = queue.work(async ({ payload }) => {
    await ends.promise;
    if (payload === "b") throw new Error("flawed");
  }, { concurrency: 2, until: "empty" });
  await turns();
  const { handlers, inFlight, handlerMs } = await queue.metrics();
  assertEquals([handlers, inFlight, counts(handlerMs)], [2, 2, [0, 0, 0]]);
  test.clock.advance(40);
  ends.resolve();
  await working;
  assertEquals(brief(await queue.metrics()), {
    enqueued: 2,
    delivered: 2,
    acked: 1,
    retried: 1,
    delayed: 1,
    oldestMs: 40,
    waitMs: [2, 0, 0],
    handlerMs: [2, 80, 40],
    attempts: [1, 1, 1],
  });
});

Deno.test("metrics() of a queue counts what an inbox and schedules enqueue, and dead letters", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  await using queue = await MiniQueue.open<string>("/data", {
    fs,
    clock,
    inbox: true,
    maxAttempts: 1,
    visibilityTimeoutMs: 1_000,
    schedules: { tick: { everyMs: 60_000, payload: "tick" } },
  });
  await MiniQueue.postBatch("/data", [{ payload: "a" }, { payload: "b" }], {
    fs,
  });
  clock.advance(60_000);
  assertEquals((await queue.receiveBatch(5)).length, 3);
  clock.advance(1_000);
  assertEquals(await queue.receive(), undefined);
  assertEquals(brief(await queue.metrics()), {
    enqueued: 3,
    delivered: 3,
    dead: 3,
    expired: 3,
    deadLetters: 3,
    waitMs: [3, 0, 0],
    attempts: [3, 3, 1],
  });
});

Deno.test("metrics() of a queue tells the age of the oldest message that waits", async () => {
  const clock = new FakeClock();
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/queue", { fs, clock });
  const age = async () => (await queue.metrics()).oldestMs;
  assertEquals(await age(), 0);
  for (const payload of ["a", "b", "c"]) {
    await queue.enqueue(payload);
    clock.advance(10);
  }
  assertEquals(await age(), 30);
  const [a, b] = await queue.receiveBatch(2);
  assertEquals(await age(), 10);
  await a!.deadLetter("no");
  await b!.ack();
  const c = await queue.receive();
  assertEquals(await age(), 0);
  await queue.redrive("all");
  assertEquals(await age(), 30);
  await c!.ack();
  await (await queue.receive())!.ack();
  assertEquals(await age(), 0);
});
