// Changes of what waits, beside those who receive it.
import { assertEquals, assertRejects } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk, TestQueue, turns } from "../support/queue.ts";
import { ABORTED, openShop } from "../support/shop.ts";

Deno.test("MiniQueue.update() changes what waits, for good, and leaves what it does not name", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueueBatch([
    { payload: "a", group: "g" },
    { payload: "b", group: "g", priority: 1 },
    { payload: "c", delayMs: 60_000 },
    { payload: "d" },
  ]);
  assertEquals(await queue.update(1, { payload: "A" }), true);
  assertEquals(await queue.update(2, { payload: "B" }), true);
  assertEquals(await queue.update(3, { delayMs: 0, priority: 5 }), true);
  assertEquals(await queue.update(4, { delayMs: 1_000 }), true);
  await using again = await test.reopenClosed(queue);
  assertEquals(await drain(again), ["c", "A", "B"]);
  test.clock.advance(1_000);
  assertEquals(await drain(again), ["d"]);
});

Deno.test("MiniQueue.update() tells those who wait of what it makes due", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a", { at: new Date(test.clock.wall() + 60_000) });
  const waiting = queue.receive({ waitMs: Infinity });
  assertEquals(await queue.update(1, { delayMs: 0 }), true);
  assertEquals((await waiting)?.payload, "a");
});

Deno.test("MiniQueue.update() changes nothing that does not wait any more", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  await using queue = await MiniQueue.open<string>("/data", { fs: held.fs });
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const a = await queue.receive();
  const { sequence } = queue;
  assertEquals(await queue.update(1, { payload: "A" }), false);
  assertEquals(queue.sequence, sequence);
  await a!.ack();
  assertEquals(await queue.update(1, { payload: "A" }), false);
  const write = held.hold("write");
  const receiving = queue.receive();
  await write.reached;
  const updating = queue.update(2, { payload: "B" });
  write.release();
  assertEquals(await updating, false);
  assertEquals((await receiving)?.payload, "b");
});

Deno.test("MiniQueue.update() refuses what cannot be, and the message stays", async () => {
  const test = new TestQueue<string>({
    schema: {
      "~standard": {
        validate: (value) =>
          typeof value === "string"
            ? { value }
            : { issues: [{ message: "no text" }] },
      },
    },
  });
  await using queue = await test.open();
  await queue.enqueue("a");
  const { sequence } = queue;
  for (
    const changes of [{}, { at: new Date() }, null] as never[]
  ) {
    await assertRejects(() => queue.update(1, changes), TypeError);
  }
  await assertRejects(() => queue.update(1, { delayMs: -1 }), RangeError);
  await assertRejects(() => queue.update(1, { priority: NaN }), RangeError);
  await assertRejects(() => queue.update(0, { priority: 1 }), RangeError);
  const { code } = await errorOf(queue.update(1, { payload: 5 as never }));
  assertEquals(code, "INVALID");
  assertEquals(queue.sequence, sequence);
  assertEquals(await drain(queue), ["a"]);
});

Deno.test("MiniQueue.update() knows what it did although the state was rebuilt before it", async () => {
  await using shop = await openShop();
  const outbox = await MiniQueue.attach(shop, "jobs");
  await outbox.enqueue("a");
  const failing = errorOf(shop.apply(ABORTED));
  assertEquals(await outbox.update(1, { payload: "b" }), true);
  assertEquals((await failing).code, "ABORTED_MUTATION");
  assertEquals(await drain(outbox), ["b"]);
});

Deno.test("MiniQueue.update() holds for a message that somebody receives while it is being logged", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  await using queue = await MiniQueue.open<string>("/data", {
    fs: held.fs,
    clock: test.clock,
  });
  await queue.enqueueBatch([
    { payload: "a" },
    { payload: "b", group: "g" },
    { payload: "c" },
  ]);
  const write = held.hold("write");
  const updating = [
    queue.update(1, { delayMs: 60_000 }),
    queue.update(2, { priority: -1 }),
    queue.update(1, { payload: "A" }),
  ];
  await write.reached;
  const receiving = queue.receiveBatch(3);
  const waiting = queue.receive({ waitMs: 1 });
  await turns();
  write.release();
  assertEquals(await Promise.all(updating), [true, true, true]);
  assertEquals((await receiving).map(({ payload }) => payload), ["c"]);
  assertEquals((await waiting)?.payload, "b");
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(60_000);
  assertEquals((await queue.receive())?.payload, "A");
});

Deno.test("MiniQueue.update() that fails leaves the message to those who wait for it", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  await using queue = await MiniQueue.open<string>("/data", { fs: held.fs });
  await queue.enqueue("a");
  fillDisk(test.fs);
  const write = held.hold("write");
  const updating = errorOf(queue.update(1, { payload: "A" }));
  await write.reached;
  const waiting = queue.receive({ waitMs: Infinity });
  await turns();
  write.release();
  assertEquals((await updating).code, "NO_SPACE");
  assertEquals((await waiting)?.payload, "a");
});

Deno.test("MiniQueue.pause() delivers nothing from its call on, unless it fails", async () => {
  const test = new TestQueue<string>();
  const held = new HoldingFileSystem(test.fs);
  await using queue = await MiniQueue.open<string>("/data", { fs: held.fs });
  await queue.enqueue("a");
  for (const isDone of [false, true]) {
    if (!isDone) fillDisk(test.fs);
    const write = held.hold("write");
    const pausing = queue.pause().then(() => true, () => false);
    await write.reached;
    const waiting = queue.receive({ waitMs: isDone ? 0 : Infinity });
    await turns();
    write.release();
    assertEquals(await pausing, isDone);
    const message = await waiting;
    assertEquals(message?.payload, isDone ? undefined : "a");
    await message?.nack();
  }
  await queue.resume();
  assertEquals((await queue.receive())?.payload, "a");
});
