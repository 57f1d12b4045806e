// Options that would be ignored are refused, wherever they are given.
import { MiniQueue } from "@mini/state/queue";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TestQueue } from "../support/queue.ts";
import { openShop } from "../support/shop.ts";

const NONE = [null, 5, { delay: 5 }] as never[];

Deno.test("MiniQueue refuses options that it does not have, and changes nothing", async () => {
  await using queue = await new TestQueue<string>({ inbox: true }).open();
  await queue.enqueue("a");
  const message = await queue.receive();
  await queue.enqueue("b");
  const { sequence } = queue;
  for (const options of NONE) {
    const calls: (() => Promise<unknown>)[] = [
      () => queue.enqueue("c", options),
      () => queue.enqueueBatch([options]),
      () =>
        queue.enqueueBatch(
          [{ payload: "c", ...options as object, x: 1 }] as never,
        ),
      () => queue.receive(options),
      () => queue.receiveBatch(1, options),
      () => queue.work(() => {}, options),
      () => queue.update(2, options),
      () => queue.redrive("all", options),
      () => queue.deadLetters(options),
      () => queue.finished(options),
      () => queue.outcome(1, options),
      () => message!.nack(options),
      () => MiniQueue.post("/data", "c", options),
      () => MiniQueue.postBatch("/data", [options]),
      () => MiniQueue.postBatch("/data", [{ payload: "c" }], options),
    ];
    for (const call of calls) {
      await assertRejects(call, TypeError, undefined, String(call));
    }
  }
  assertEquals(queue.sequence, sequence);
  const { ready, inFlight } = await queue.stats();
  assertEquals([ready, inFlight], [1, 1]);
});

Deno.test("MiniQueue says which options there are", async () => {
  await using queue = await new TestQueue<string>().open();
  const error = await assertRejects(
    () => queue.enqueue("a", { delay: 5 } as object),
    TypeError,
  );
  assertEquals(
    error.message,
    'enqueue() has no option "delay"; its options are delayMs, priority, group, dedupeKey, at, headers',
  );
  const { id } = await queue.enqueue(
    "a",
    { delayMs: undefined, delay: undefined } as object,
  );
  assertEquals(id, 1);
});

Deno.test("MiniQueue.enqueueMutation() refuses options that it does not have", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  for (const options of NONE) {
    assertThrows(() => queue.enqueueMutation("a", options), TypeError);
  }
  await queue.close();
});
