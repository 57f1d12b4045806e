// What readers of events are told of progress that is in no record.
import { MiniQueue, type QueueEvent } from "@mini/state/queue";
import { assertEquals } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { handling, TestQueue, turns } from "../support/queue.ts";
import { ABORTED, openShop } from "../support/shop.ts";

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

Deno.test("MiniQueue.events() tells progress in memory of the deliveries that are left when the state was rebuilt", async () => {
  await using shop = await openShop();
  const outbox = await MiniQueue.attach(shop, "jobs");
  const events = Array.fromAsync(outbox.events());
  await outbox.enqueueBatch([{ payload: "one" }, { payload: "two" }]);
  const first = Promise.withResolvers<() => unknown>();
  const end = Promise.withResolvers<void>();
  await outbox.work(async (message, { progress }) => {
    if (message.id === 1) {
      first.resolve(() => {
        progress("one");
        return message.ackMutation();
      });
      await end.promise;
      return;
    }
    const ackFirst = await first.promise;
    const ack = ackFirst() as ReturnType<typeof message.ackMutation>;
    progress("two");
    const failing = errorOf(shop.apply(ABORTED));
    const acked = shop.apply(ack);
    assertEquals((await failing).code, "ABORTED_MUTATION");
    await acked;
    await turns(500);
    end.resolve();
  }, { concurrency: 2, until: "empty" });
  await outbox.close();
  const told = await events;
  assertEquals(progressIn(told).at(-1), ["two", false]);
  assertEquals(told.filter(({ type }) => type === "done").length, 2);
});

Deno.test("MiniQueue.events() forgets progress in memory with its last reader", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  let later: Promise<QueueEvent[]> | undefined;
  await handling(queue, async ({ progress }) => {
    const seen = Promise.withResolvers<void>();
    const reading = (async () => {
      const events = queue.events({ from: queue.sequence + 1 });
      seen.resolve();
      for await (const { type } of events) if (type === "progress") break;
    })();
    await seen.promise;
    await turns();
    progress(1);
    await reading;
    later = Array.fromAsync(queue.events({ from: queue.sequence + 1 }));
    await turns();
    progress(2);
    await turns();
  });
  await queue.close();
  assertEquals(progressIn(await later!), [[2, false]]);
});
