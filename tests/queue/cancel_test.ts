// Cancelled messages: what becomes of them, and of those who hold them.
import { MiniQueue } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { assertEquals, assertRejects } from "@std/assert";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk, TestQueue, turns } from "../support/queue.ts";

/** The code of the error that a task fails with. */
async function codeOf(task: Promise<unknown> | undefined): Promise<string> {
  return (await errorOf(task!)).code;
}

Deno.test("MiniQueue.cancel() removes what waits, is delayed or blocked, for good", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueueBatch([
    { payload: "first", group: "g" },
    { payload: "blocked", group: "g" },
    { payload: "last", group: "g" },
    { payload: "delayed", delayMs: 60_000 },
    { payload: "ready" },
    { payload: "other" },
  ]);
  for (const id of [2, 4, 5, 1]) {
    assertEquals(await queue.cancel(id), "cancelled");
    assertEquals(await queue.cancel(id), "unknown");
  }
  const { ready, blocked, delayed } = await queue.stats();
  assertEquals([ready, blocked, delayed], [2, 0, 0]);
  await using again = await test.reopenClosed(queue);
  assertEquals(await drain(again), ["last", "other"]);
  assertEquals(await again.cancel(7), "unknown");
});

Deno.test("MiniQueue.cancel() says of what has ended that it is finished", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("dead");
  await (await queue.receive())!.deadLetter("no");
  assertEquals(await queue.cancel(1), "finished");
  assertEquals((await queue.deadLetters()).length, 1);
});

Deno.test("MiniQueue.cancel() fences a delivery, and frees its group at once", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([
    { payload: "a", group: "g" },
    { payload: "b", group: "g" },
  ]);
  const message = await queue.receive();
  const { sequence } = queue;
  const cancelling = queue.cancel(1, "not any more");
  // From the call on.
  assertEquals(message!.isCurrent, false);
  assertEquals(await codeOf(message!.ack()), "RECEIPT_EXPIRED");
  assertEquals(await cancelling, "cancelled");
  for (
    const settling of [message!.ack(), message!.nack(), message!.extend(1)]
  ) {
    assertEquals(await codeOf(settling), "RECEIPT_EXPIRED");
  }
  // Nothing but the cancellation was logged.
  assertEquals(queue.sequence, sequence + 1);
  assertEquals(await drain(queue), ["b"]);
});

Deno.test("MiniQueue.cancel() that cannot be logged leaves the delivery as it was", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueueBatch([
    { payload: "a", group: "g" },
    { payload: "b", group: "g" },
  ]);
  const message = await queue.receive();
  fillDisk(test.fs);
  assertEquals(await codeOf(queue.cancel(1)), "NO_SPACE");
  assertEquals(message!.isCurrent, true);
  await message!.ack();
  assertEquals(await drain(queue), ["b"]);
});

Deno.test("MiniQueue.cancel() waits for an ack that was called before it", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  await using slow = await MiniQueue.open<string>("/data", { fs: held.fs });
  await slow.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const [a, b] = await slow.receiveBatch(2);
  const write = held.hold("write");
  const acking = a!.ack();
  const cancelling = slow.cancel(1);
  const { sequence } = slow;
  await write.reached;
  write.release();
  await acking;
  assertEquals(await cancelling, "finished");
  // Nothing had to be logged for it.
  assertEquals(slow.sequence, sequence + 1);
  fillDisk(test.fs);
  const failing = errorOf(b!.ack());
  assertEquals(await slow.cancel(2), "cancelled");
  assertEquals((await failing).code, "NO_SPACE");
  assertEquals(await codeOf(b!.ack()), "RECEIPT_EXPIRED");
});

/** A queue with a message whose delivery is just being logged. */
async function beingDelivered(
  test: TestQueue<string>,
  waitMs = 0,
) {
  const held = new HoldingFileSystem(test.fs);
  const queue = await MiniQueue.open<string>("/data", { fs: held.fs });
  await queue.enqueue("a");
  const write = held.hold("write");
  const receiving = queue.receive({ waitMs });
  await write.reached;
  return { queue, receiving, log: write.release };
}

Deno.test("MiniQueue.cancel() of what is just being delivered: nobody is given it", async () => {
  const test = new TestQueue<string>();
  const { queue, receiving, log } = await beingDelivered(test);
  const cancelling = queue.cancel(1);
  await turns();
  log();
  assertEquals(await cancelling, "cancelled");
  assertEquals(await receiving, undefined);
  await queue.close();
});

Deno.test("MiniQueue.cancel() that fails gives back what nobody was given, uncounted", async () => {
  const test = new TestQueue<string>();
  const { queue, receiving, log } = await beingDelivered(test, Infinity);
  fillDisk(test.fs);
  const cancelling = errorOf(queue.cancel(1));
  log();
  assertEquals((await cancelling).code, "NO_SPACE");
  assertEquals((await receiving)?.attempts, 1);
  await queue.close();
});

Deno.test("MiniQueue.cancel() that has failed leaves the message to the next who receives", async () => {
  const test = new TestQueue<string>();
  const { queue, log } = await beingDelivered(test);
  fillDisk(test.fs);
  const cancelling = errorOf(queue.cancel(1));
  log();
  assertEquals((await cancelling).code, "NO_SPACE");
  assertEquals((await queue.receive())?.attempts, 1);
  await queue.close();
});

Deno.test("MiniQueue.cancel() that fails gives back what nobody was given, later if that fails too", async () => {
  const test = new TestQueue<string>();
  const { queue, receiving, log } = await beingDelivered(test, Infinity);
  fillDisk(test.fs, 1, true);
  const errors = [errorOf(queue.cancel(1)), errorOf(receiving)];
  log();
  for (const error of errors) assertEquals((await error).code, "NO_SPACE");
  test.fs.hooks = {};
  assertEquals((await queue.receive())?.payload, "a");
  await queue.close();
});

Deno.test("MiniQueue.cancel() twice at once: the first has cancelled it, the second finds it finished", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  assertEquals(
    await Promise.all([queue.cancel(1), queue.cancel(1)]),
    ["cancelled", "finished"],
  );
  assertEquals(
    await Promise.all([queue.cancel(2), queue.cancel(2)]),
    ["unknown", "unknown"],
  );
});

Deno.test("MiniQueue.cancel() beside purge and close: each message is there or gone, as it was told", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  await queue.receive();
  const [purged, ...found] = await Promise.all([
    queue.purge("all"),
    queue.cancel(1),
    queue.cancel(2),
  ]);
  assertEquals([purged, ...found], [2, "cancelled", "cancelled"]);
  await queue.enqueueBatch([{ payload: "c" }, { payload: "d" }]);
  const cancelling = queue.cancel(3).catch((error: MiniError) => error.code);
  await using again = await test.reopenClosed(queue);
  assertEquals(await codeOf(queue.cancel(4)), "CLOSED");
  const isGone = await cancelling === "cancelled";
  assertEquals(await drain(again), isGone ? ["d"] : ["c", "d"]);
});

Deno.test("MiniQueue.cancel() refuses what is no id and no reason", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  await assertRejects(() => queue.cancel(0), RangeError);
  await assertRejects(() => queue.cancel(1, 5 as never), TypeError);
  assertEquals(await drain(queue), ["a"]);
});
