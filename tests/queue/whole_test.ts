// What is told of a message is complete, wherever it comes from and wherever it ends.
import { MiniQueue, QueueView } from "@mini/state/queue";
import { StateManager, StateView } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { errorOf } from "../support/journal.ts";
import { ABORTED, openShop } from "../support/shop.ts";

Deno.test("MiniQueue.finished() keeps all that is known of a scheduled message", async () => {
  const clock = new FakeClock();
  await using queue = await MiniQueue.open<string>("/data", {
    fs: new MemoryFileSystem(),
    clock,
    keepFinished: { bytes: 10_000, ageMs: 60_000 },
    keepDead: { ageMs: 60_000 },
    schedules: {
      poll: {
        everyMs: 1_000,
        payload: "poll",
        group: "polls",
        headers: { by: "poll" },
      },
    },
  });
  clock.advance(1_000);
  await queue.work(async (_, { progress }) => {
    await progress({ percent: 50 }, { durable: true });
    return "done";
  }, { until: "empty" });
  assertEquals(await queue.finished(), [{
    id: 1,
    payload: "poll",
    enqueuedAt: new Date(clock.wall()),
    priority: 0,
    group: "polls",
    attempts: 1,
    headers: { by: "poll" },
    scheduledFor: new Date(clock.wall()),
    progress: { percent: 50 },
    endedAt: new Date(clock.wall()),
    state: "done",
    result: "done",
  }]);
});

Deno.test("MiniQueue.post() posts a date and headers", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  const options = { fs, clock, inbox: true };
  await using queue = await MiniQueue.open<string>("/data", options);
  const at = new Date(clock.wall() + 1_000);
  await MiniQueue.post("/data", "a", { fs, at, headers: { h: "1" } });
  const [posted] = await queue.peek();
  assertEquals([posted?.delayMs, posted?.headers], [1_000, { h: "1" }]);
  assertEquals(await queue.schedules(), []);
});

Deno.test("QueueMessage.ack() with a result is refused after the delivery is over", async () => {
  await using queue = await MiniQueue.open<string>("/data", {
    fs: new MemoryFileSystem(),
    keepFinished: { count: 1 },
  });
  await queue.enqueue("a");
  const message = await queue.receive();
  await message?.ack(1);
  assertEquals((await errorOf(message!.ack(2))).code, "RECEIPT_EXPIRED");
  const found = await queue.get(1);
  assertEquals(found?.state === "done" && found.result, 1);
});

/** Has the state rebuilt, and waits until it cannot be read. */
async function rebuilding(
  shop: Awaited<ReturnType<typeof openShop>>,
): Promise<{ readonly done: Promise<MiniError> }> {
  const done = errorOf(shop.apply(ABORTED));
  const isReadable = () => {
    try {
      return shop.state !== undefined;
    } catch {
      return false;
    }
  };
  while (isReadable()) await undefined;
  return { done };
}

Deno.test("QueueMessage.ack() tells the result also while the state is rebuilt", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  const { id } = await queue.enqueue("a");
  const outcome = queue.outcome(id);
  const message = await queue.receive();
  const { done } = await rebuilding(shop);
  await message?.ack("a result");
  assertEquals(await outcome, { state: "done", result: "a result" });
  await done;
  await queue.close();
});

Deno.test("QueueMessage.ack() keeps the result also while the state is rebuilt", async () => {
  await using shop = await openShop();
  const options = { keepFinished: { count: 1 } };
  const queue = await MiniQueue.attach(shop, "jobs", options);
  await queue.enqueue("a");
  const message = await queue.receive();
  const { done } = await rebuilding(shop);
  await message?.ack("a result");
  const found = await queue.get(1);
  assertEquals(found?.state === "done" && found.result, "a result");
  await done;
  await queue.close();
});

Deno.test("MiniQueue.outcome() is told the result of an ack that was called before, where each record makes another state", async () => {
  await using shop = await openShop(undefined, { immutable: true });
  const queue = await MiniQueue.attach(shop, "jobs");
  const { id } = await queue.enqueue("a");
  const acking = (await queue.receive())?.ack("a result");
  const outcome = queue.outcome(id);
  assertEquals(await outcome, { state: "done", result: "a result" });
  await acking;
  await queue.close();
});

Deno.test("MiniQueue.close() lets those who wait be told what has ended before, also where the log has to be read for it", async () => {
  const shop = await openShop(undefined, { immutable: true });
  const queue = await MiniQueue.attach(shop, "jobs");
  const { id } = await queue.enqueue("a");
  const outcome = queue.outcome(id);
  await (await queue.receive())?.deadLetter("no");
  await queue.close();
  await shop.close();
  assertEquals(await outcome, { state: "dead", reason: "no" });
});

Deno.test("QueueView.events() ends with the reason of its signal", async () => {
  const fs = new MemoryFileSystem();
  await using _ = await MiniQueue.open<string>("/data", { fs });
  await using view = await QueueView.open<string>("/data", { fs });
  const signal = AbortSignal.abort(new Error("enough"));
  const events = Array.fromAsync(view.events({ signal }));
  assertEquals((await assertRejects(() => events, Error)).message, "enough");
});

Deno.test("StateView.at() refuses records that it has not read", async () => {
  const fs = new MemoryFileSystem();
  const options = {
    fs,
    initial: () => 0,
    apply: (sum: number, by: number) => sum + by,
  };
  await using manager = await StateManager.open("/state", options);
  await manager.apply(1);
  await using view = await StateView.open("/state", options);
  assertEquals([await view.at(0), await view.at(1)], [0, 1]);
  await assertRejects(() => view.at(2), RangeError);
  await assertRejects(() => view.at(-1), RangeError);
});

Deno.test("QueueView.stats() is exact whatever is delivered between two looks", async () => {
  const fs = new MemoryFileSystem();
  const clock = new FakeClock();
  await using queue = await MiniQueue.open<string>("/data", { fs, clock });
  await queue.enqueue("a", { delayMs: 300 });
  await queue.enqueue("b", { delayMs: 310 });
  await using view = await QueueView.open<string>("/data", { fs, clock });
  assertEquals((await view.stats()).delayed, 2);
  clock.advance(500);
  await (await queue.receive())?.nack({ delayMs: 3_600_000 });
  await view.until(queue.sequence);
  assertEquals(await view.stats(), await queue.stats());
  assertEquals((await view.stats()).ready, 1);
});

Deno.test("QueueMessage.ackMutation(): of two mutations, the one that is applied has its own result", async () => {
  for (const [first, second] of [[1, 2], [1, undefined], [undefined, 2]]) {
    for (const keepFinished of [undefined, { count: 1 }]) {
      for (const isFirst of [true, false]) {
        await using shop = await openShop();
        const options = { ...(keepFinished && { keepFinished }) };
        const queue = await MiniQueue.attach(shop, "jobs", options);
        await queue.enqueue("a");
        const outcome = queue.outcome(1);
        const message = await queue.receive();
        const value = { of: first };
        const mutations = [
          message!.ackMutation(first && value),
          message!.ackMutation(second && { of: second }),
        ];
        value.of = 3;
        await shop.apply(mutations[isFirst ? 0 : 1]!);
        const of = isFirst ? first : second;
        const result = { ...(of && { result: { of } }) };
        assertEquals(await outcome, { state: "done", ...result });
        await queue.close();
      }
    }
  }
});
