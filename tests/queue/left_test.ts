// Deliveries that their consumer leaves unsettled.
import { assertEquals, assertRejects } from "@std/assert";
import type { MiniQueue } from "@mini/state/queue";
import { errorOf } from "../support/journal.ts";
import { fillDisk, TestQueue } from "../support/queue.ts";

/** Leaves a loop over a queue at its first message. */
async function leave(
  queue: MiniQueue<string>,
  by: "break" | "throw" | "ack",
): Promise<void> {
  for await (const message of queue) {
    if (by === "throw") throw new Error("on purpose");
    if (by === "ack") await message.ack();
    break;
  }
}

Deno.test("MiniQueue: a loop that is left gives its last message back at once, and the delivery counts", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueueBatch([{ payload: "a", group: "g" }, {
    payload: "b",
    group: "g",
  }]);
  await leave(queue, "break");
  assertEquals((await queue.stats()).ready, 1);
  await assertRejects(() => leave(queue, "throw"), Error, "on purpose");
  const message = await queue.receive();
  assertEquals([message?.payload, message?.attempts], ["a", 3]);
  assertEquals(message?.lastFailure, "its consumer did not settle it");
  await message?.nack();
  await leave(queue, "ack");
  assertEquals((await queue.receive())?.payload, "b");
});

Deno.test("MiniQueue: a loop that continues keeps the message that it has not settled", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const seen = [];
  for await (const message of queue) {
    seen.push(message);
    if (seen.length === 2) break;
  }
  assertEquals(seen.map(({ isCurrent }) => isCurrent), [true, false]);
  await seen[0]!.ack();
});

Deno.test("QueueMessage: `await using` gives it back at the end of its block unless it was settled", async () => {
  await using queue = await new TestQueue<string>({ maxAttempts: 2 }).open();
  await queue.enqueueBatch([{ payload: "done" }, { payload: "left" }]);
  {
    await using message = await queue.receive();
    await message?.ack();
  }
  for (let delivery = 1; delivery <= 2; delivery++) {
    await using message = await queue.receive();
    assertEquals([message?.payload, message?.attempts], ["left", delivery]);
  }
  {
    await using message = await queue.receive();
    assertEquals(message, undefined);
  }
  const dead = (await queue.deadLetters()).map(({ reason }) => reason);
  assertEquals(dead, [
    "its consumer did not settle it (delivered 2 times)",
  ]);
});

Deno.test("QueueMessage: a block with `await using` that throws gives it back at once, and the delivery counts", async () => {
  await using queue = await new TestQueue<string>({ maxAttempts: 2 }).open();
  await queue.enqueue("a");
  const fail = async () => {
    await using message = await queue.receive();
    throw new Error(`failed at ${message?.payload}`);
  };
  await assertRejects(fail, Error, "failed at a");
  const { state, attempts } = (await queue.get(1))!;
  assertEquals([state, attempts], ["ready", 1]);
  await assertRejects(fail, Error, "failed at a");
  assertEquals((await queue.get(1))?.state, "dead");
});

Deno.test("QueueMessage: what is left on a full disk comes again once there is room, and no error hides that of the block", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  const failing = async () => {
    await using message = await queue.receive();
    assertEquals(message?.attempts, 1);
    fillDisk(test.fs, 1, true);
    throw new Error("on purpose");
  };
  await assertRejects(failing, Error, "on purpose");
  test.fs.hooks = {};
  assertEquals((await queue.receive())?.attempts, 2);
});

Deno.test("QueueMessage: what is left after the queue was closed comes again when it is opened", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("a");
  {
    await using message = await queue.receive();
    assertEquals(message?.attempts, 1);
    await queue.close();
  }
  await using again = await test.reopenClosed(queue);
  assertEquals((await again.receive())?.attempts, 2);
});

Deno.test("QueueMessage: what is left while it is being settled comes again at once where that fails", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  const leave = async () => {
    await using message = await queue.receive();
    fillDisk(test.fs);
    // Not waited for.
    return [errorOf(message!.ack())];
  };
  const [acked] = await leave();
  assertEquals((await acked!).code, "NO_SPACE");
  assertEquals((await queue.receive())?.attempts, 2);
});
