// How far handlers are, and what survives of it.
import { MiniQueue } from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { assertEquals, assertThrows } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { fillDisk, handling, TestQueue } from "../support/queue.ts";
import { ABORTED, openShop } from "../support/shop.ts";

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
