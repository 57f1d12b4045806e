// How far handlers are, and what survives of it.
import {
  type HandlerContext,
  MiniQueue,
  type QueueEvent,
  type QueueMessage,
} from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { assertEquals, assertThrows } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { fillDisk, TestQueue, turns } from "../support/queue.ts";
import { ABORTED, openShop } from "../support/shop.ts";

/** Runs a handler on one message. */
async function handling(
  queue: MiniQueue<string>,
  handle: (
    context: HandlerContext,
    message: QueueMessage<string>,
  ) => Promise<void>,
): Promise<void> {
  await queue.enqueue("film");
  await queue.work((message, context) => handle(context, message), {
    until: "empty",
  });
}

Deno.test("MiniQueue.work(): progress is shown while the handler runs, as it was when it was told", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const seen: unknown[] = [];
  const see = async () => seen.push((await queue.get(1))?.progress);
  await handling(queue, async ({ progress }) => {
    const { sequence } = queue;
    await see();
    const value = { percent: 10 };
    progress(value);
    value.percent = 99;
    await see();
    progress(null);
    await see();
    assertEquals(queue.sequence, sequence);
  });
  assertEquals(seen, [undefined, { percent: 10 }, null]);
});

Deno.test("MiniQueue.work(): durable progress survives, and the next delivery has it", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("film");
  const stop = new AbortController();
  const working = queue.work(async (_, { progress }) => {
    progress("before");
    await progress({ frame: 7 }, { durable: true });
    assertEquals((await queue.get(1))?.progress, { frame: 7 });
    progress("after");
    stop.abort();
    throw new Error("stopped");
  }, { signal: stop.signal });
  await working;
  const again = await test.reopenKilled();
  assertEquals((await again.get(1))?.progress, { frame: 7 });
  const message = await again.receive();
  assertEquals(message!.progress, { frame: 7 });
  await again.close();
});

Deno.test("MiniQueue.work(): progress that cannot be kept is refused, and the last one stays", async () => {
  const test = new TestQueue<string>({ maxResultBytes: 20 });
  await using queue = await test.open();
  await handling(queue, async ({ progress }) => {
    progress("fine");
    for (
      const [value, code] of [
        ["long".repeat(10), "TOO_LARGE"],
        [undefined, "UNSERIALIZABLE"],
      ] as const
    ) {
      assertEquals(assertThrows(() => progress(value), MiniError).code, code);
      const failed = await errorOf(progress(value, { durable: true }));
      assertEquals(failed.code, code);
    }
    fillDisk(test.fs);
    const failed = await errorOf(progress("x", { durable: true }));
    assertEquals(failed.code, "NO_SPACE");
    assertEquals((await queue.get(1))?.progress, "fine");
  });
});

Deno.test("MiniQueue.work(): progress of a delivery that is lost is ignored, and RECEIPT_EXPIRED if it is durable", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await handling(queue, async ({ progress }, message) => {
    const late = errorOf(
      // It stands in the log after the cancellation.
      (async () => {
        const cancelling = queue.cancel(1);
        await progress("racing", { durable: true }).finally(() => cancelling);
      })(),
    );
    assertEquals((await late).code, "RECEIPT_EXPIRED");
    progress("late");
    const failed = await errorOf(progress("late", { durable: true }));
    assertEquals(failed.code, "RECEIPT_EXPIRED");
    assertEquals(message.isCurrent, false);
  });
  assertEquals(await queue.get(1), undefined);
});

Deno.test("MiniQueue.work(): progress of a message that was given back is not shown for the next delivery", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const seen: unknown[] = [];
  await handling(queue, async ({ progress }, message) => {
    seen.push((await queue.get(1))?.progress);
    if (message.attempts > 1) return;
    progress("half");
    await message.nack();
    seen.push((await queue.get(1))?.progress);
    progress("late");
  });
  assertEquals(seen, [undefined, undefined, undefined]);
});

Deno.test("MiniQueue.work(): durable progress holds although the state was rebuilt before it", async () => {
  await using shop = await openShop();
  const outbox = await MiniQueue.attach(shop, "jobs");
  await outbox.enqueue("film");
  await outbox.work(async (_, { progress }) => {
    const failing = errorOf(shop.apply(ABORTED));
    await progress(7, { durable: true });
    assertEquals((await failing).code, "ABORTED_MUTATION");
    assertEquals((await outbox.get(1))?.progress, 7);
  }, { until: "empty" });
});

Deno.test("MiniQueue.work(): durable progress after an acknowledgement in the same turn is refused", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  await queue.enqueue("film");
  let code: string | undefined;
  await queue.work(async (message, { progress }) => {
    const acked = shop.apply(message.ackMutation());
    code = (await errorOf(progress(1, { durable: true }))).code;
    await acked;
  }, { until: "empty" });
  assertEquals(code, "RECEIPT_EXPIRED");
  await queue.close();
});

/** The progress among events. */
const progressIn = (events: readonly QueueEvent[]) =>
  events.flatMap((event) =>
    event.type === "progress" ? [[event.progress, event.durable]] : []
  );

Deno.test("MiniQueue.events() tells progress in memory, after the delivery and before what ends it", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  const events = Array.fromAsync(queue.events());
  await queue.enqueue("film", { headers: { h: "1" } });
  await queue.work(async (_, { progress }) => {
    // A record without an event.
    await queue.resume();
    test.clock.advance(5);
    const value = { frame: 1 };
    progress(value);
    value.frame = 9;
    await turns();
    await progress(2, { durable: true });
    progress(3);
    await turns();
  }, { until: "empty" });
  await queue.close();
  const told = await events;
  assertEquals(told.map(({ type, seq }) => [type, seq]), [
    ["enqueued", 1],
    ["delivered", 2],
    ["progress", 3],
    ["progress", 4],
    ["progress", 4],
    ["done", 5],
  ]);
  assertEquals(progressIn(told), [
    [{ frame: 1 }, false],
    [2, true],
    [3, false],
  ]);
  assertEquals(told[2], {
    type: "progress",
    seq: 3,
    id: 1,
    at: new Date(test.clock.wall()),
    attempts: 1,
    headers: { h: "1" },
    progress: { frame: 1 },
    durable: false,
  });
});

Deno.test("MiniQueue.events() tells a slow reader the last progress of each message that is in flight", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
  const events = queue.events()[Symbol.asyncIterator]();
  const first = events.next();
  const told: QueueEvent[] = [];
  const read = async () => told.push((await events.next()).value!);
  await queue.work(async ({ payload }, { progress }) => {
    for (let n = 1; n <= 100; n++) progress(`${payload} ${n}`);
    await queue.enqueue("next", { delayMs: 60_000 });
    if (payload !== "c") return;
    for (let n = 0; n < 8; n++) await read();
  }, { until: "empty" });
  assertEquals((await first).value?.type, "delivered");
  assertEquals(progressIn(told), [["c 100", false]]);
  assertEquals(told.at(-1)?.type, "progress");
});

Deno.test("MiniQueue.events() tells progress in memory to those alone who read already", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  const stop = new AbortController();
  const { signal } = stop;
  const later: Promise<QueueEvent[]>[] = [];
  const read = (from: number) =>
    later.push(Array.fromAsync(queue.events({ from })));
  let outcome: ReturnType<typeof queue.outcome> | undefined;
  await handling(queue, async ({ progress }) => {
    outcome = queue.outcome(1);
    const early = Array.fromAsync(queue.events({ signal })).catch(() => {});
    await turns();
    progress(1);
    read(1);
    read(queue.sequence + 1);
    read(queue.sequence + 9);
    await turns(500);
    progress(2);
    await turns();
    stop.abort();
    await early;
  });
  assertEquals((await outcome)?.state, "done");
  await queue.close();
  const told = await Promise.all(later);
  assertEquals(told.map((events) => progressIn(events).map(([n]) => n)), [
    [2],
    [2],
    [],
  ]);
});

Deno.test("MiniQueue.events() passes over progress in memory while the state is rebuilt", async () => {
  await using shop = await openShop();
  const outbox = await MiniQueue.attach(shop, "jobs");
  const events = Array.fromAsync(outbox.events());
  await outbox.enqueue("film");
  await outbox.work(async (_, { progress }) => {
    const failing = errorOf(shop.apply(ABORTED));
    for (let n = 0; n < 50; n++) {
      progress(n);
      await undefined;
    }
    await failing;
    await turns(500);
    progress("after");
    await turns();
  }, { until: "empty" });
  await outbox.close();
  assertEquals(progressIn(await events).at(-1), ["after", false]);
});
