// Work that ends when there is nothing left.
import { MiniQueue } from "@mini/state/queue";
import { assertEquals, assertRejects } from "@std/assert";
import { TestQueue, turns } from "../support/queue.ts";

Deno.test("MiniQueue.work() until the queue is empty does all that is ready, what it enqueues itself included", async () => {
  const test = new TestQueue<number>();
  await using queue = await test.open();
  await queue.enqueueBatch([
    { payload: 3, group: "g" },
    { payload: 0, group: "g" },
    { payload: 9, delayMs: 60_000 },
  ]);
  const handled: number[] = [];
  await queue.work(async ({ payload }) => {
    handled.push(payload);
    if (payload > 0) await queue.enqueue(payload - 1);
  }, { until: "empty", concurrency: 3 });
  assertEquals(handled.sort(), [0, 0, 1, 2, 3]);
  assertEquals((await queue.stats()).delayed, 1);
  await queue.work(() => {}, { until: "empty" });
});

Deno.test("MiniQueue.work() until the queue is empty waits for what others hold, not for a back-off and those after it", async () => {
  const test = new TestQueue<string>({ backoff: () => 60_000 });
  await using queue = await test.open();
  await queue.enqueueBatch([
    { payload: "theirs" },
    { payload: "fails", group: "g" },
    { payload: "after it", group: "g" },
  ]);
  const theirs = await queue.receive();
  let hasEnded = false;
  const handled: string[] = [];
  const working = queue.work(({ payload }) => {
    handled.push(payload);
    if (payload === "fails") throw new Error("no");
  }, { until: "empty", concurrency: 2 }).then(() => hasEnded = true);
  await turns(500);
  assertEquals([handled, hasEnded], [["fails"], false]);
  await theirs!.nack();
  await working;
  assertEquals(handled, ["fails", "theirs"]);
});

Deno.test("MiniQueue.work() until the queue is empty waits while a paused queue has messages", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  await queue.pause();
  const handled: string[] = [];
  const working = queue.work(({ payload }) => {
    handled.push(payload);
  }, { until: "empty" });
  await turns(200);
  assertEquals(handled, []);
  await queue.resume();
  await working;
  assertEquals(handled, ["a"]);
  await queue.pause();
  await queue.work(() => {}, { until: "empty" });
});

Deno.test("MiniQueue.work() until the queue is empty looks into the inbox before it ends", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open({ inbox: true });
  const { fs } = test;
  await MiniQueue.post("/data", "first", { fs });
  const handled: string[] = [];
  await queue.work(async ({ payload }) => {
    handled.push(payload);
    if (handled.length < 3) await MiniQueue.post("/data", "more", { fs });
  }, { until: "empty", concurrency: 2 });
  assertEquals(handled, ["first", "more", "more"]);
});

Deno.test("MiniQueue.work() until the queue is empty fires what is due before it ends, also while a handler runs", async () => {
  const test = new TestQueue<string>({
    schedules: { poll: { everyMs: 1_000, overlap: "allow", payload: "p" } },
  });
  await using queue = await test.open();
  const handled: string[] = [];
  const work = () =>
    queue.work(({ payload }) => {
      handled.push(payload);
      if (handled.length < 3) test.clock.advance(1_000);
    }, { until: "empty", concurrency: 2 });
  await work();
  assertEquals(handled, []);
  test.clock.advance(1_000);
  await work();
  assertEquals(handled, ["p", "p", "p"]);
});

Deno.test("MiniQueue.work() refuses another end", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const until = "full" as "empty";
  await assertRejects(() => queue.work(() => {}, { until }), TypeError);
});
