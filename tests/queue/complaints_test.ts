// What users of other queues complain about; each is a promise here.
import { assert, assertEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { crashStates } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { drain, TestQueue } from "../support/queue.ts";
import { onlyStrings } from "../support/schema.ts";

Deno.test("complaint: a consumer dies and its message is stuck", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("a");
  await queue.receive();
  await using again = await test.reopenKilled();
  assertEquals((await again.receive())?.payload, "a");
  // And one that lives, but has forgotten it.
  test.clock.advance(30_000);
  assertEquals((await again.receive())?.attempts, 3);
});

Deno.test("complaint: a huge timeout, for there is no way to extend it", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const message = await queue.receive();
  test.clock.advance(900);
  await message!.extend(5_000);
  test.clock.advance(4_900);
  assertEquals(await queue.receive(), undefined);
  await message!.ack();
  assertEquals(
    (await errorOf(message!.extend(1))).code,
    "RECEIPT_EXPIRED",
  );
});

Deno.test("complaint: the lock was lost, and a late worker completes somebody else's delivery", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const late = await queue.receive();
  test.clock.advance(1_000);
  const current = await queue.receive();
  assertEquals([late!.id, late!.isCurrent], [current!.id, false]);
  for (
    const settle of [
      () => late!.ack(),
      () => late!.nack(),
      () => late!.deadLetter("no"),
    ]
  ) {
    assertEquals((await errorOf(settle())).code, "RECEIPT_EXPIRED");
  }
  assertEquals(current!.isCurrent, true);
  await current!.ack();
  assertEquals((await queue.stats()).inFlight, 0);
});

Deno.test("complaint: a receipt from before a redrive settles the message after it", async () => {
  const test = new TestQueue<string>({
    visibilityTimeoutMs: 1_000,
    maxAttempts: 1,
  });
  await using queue = await test.open();
  await queue.enqueue("a");
  const late = await queue.receive();
  test.clock.advance(1_000);
  assertEquals(await queue.receive(), undefined);
  assertEquals(await queue.redrive("all"), 1);
  const current = await queue.receive();
  assertEquals(current!.attempts, 1);
  assertEquals((await errorOf(late!.ack())).code, "RECEIPT_EXPIRED");
  await current!.ack();
});

Deno.test("complaint: a heartbeat that comes late overwrites the back-off of a retry", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const message = (await queue.receive())!;
  await message.nack({ delayMs: 5_000 });
  const late = message.extend(10);
  assertEquals((await errorOf(late)).code, "RECEIPT_EXPIRED");
  test.clock.advance(4_999);
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(1);
  assertEquals((await queue.receive())?.payload, "a");
});

Deno.test("complaint: order in a group is lost on a retry", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  for (const payload of ["a1", "a2", "a3"]) {
    await queue.enqueue(payload, { group: "a" });
  }
  await queue.enqueue("b1", { group: "b" });
  const first = await queue.receive();
  assertEquals(first!.payload, "a1");
  // One in flight: the next of the group waits, another group does not.
  assertEquals((await queue.receive())?.payload, "b1");
  assertEquals(await queue.receive(), undefined);
  assertEquals((await queue.stats()).blocked, 2);
  await first!.nack({ delayMs: 100 });
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(100);
  assertEquals(await drain(queue), ["a1", "a2", "a3"]);
});

Deno.test("complaint: a failed head blocks its group forever", async () => {
  const test = new TestQueue<string>({ maxAttempts: 2 });
  await using queue = await test.open();
  await queue.enqueueBatch(
    ["poison", "next"].map((payload) => ({ payload, group: "g" })),
  );
  for (let time = 0; time < 2; time++) {
    const message = await queue.receive();
    assertEquals(message!.payload, "poison");
    await message!.nack({ reason: "boom" });
  }
  assertEquals((await queue.receive())?.payload, "next");
});

Deno.test("complaint: there is no real dead letter, and no way back", async () => {
  const test = new TestQueue<string>({ maxAttempts: 2 });
  const queue = await test.open();
  await queue.enqueue("poison");
  await queue.enqueue("fine");
  for (let time = 0; time < 2; time++) {
    await (await queue.receive())!.nack({ reason: "boom" });
  }
  await using again = await test.reopenKilled();
  const [dead, ...others] = await again.deadLetters();
  assertEquals(others, []);
  assertEquals([dead!.payload, dead!.reason, dead!.attempts], [
    "poison",
    "boom (delivered 2 times)",
    2,
  ]);
  assertEquals(await again.redrive(dead!.id), 1);
  assertEquals(await again.redrive(dead!.id), 0);
  assertEquals(await drain(again), ["fine", "poison"]);
});

Deno.test("complaint: nack does not release the message now", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a");
  const other = (await queue.receive())!;
  const waiting = queue.receive({ waitMs: Infinity });
  await other.nack();
  assertEquals((await waiting)?.payload, "a");
});

Deno.test("complaint: the disk fills up, and never shrinks", async () => {
  await using directory = new TestDirectory();
  const sizeBytes = async () => {
    let sum = 0;
    for await (const { name } of Deno.readDir(directory.path)) {
      sum += (await Deno.stat(directory.at(name))).size;
    }
    return sum;
  };
  const payload = "x".repeat(1_000);
  const work = async (queue: MiniQueue<string>) => {
    await queue.enqueueBatch(
      Array.from({ length: 1_000 }, () => ({ payload })),
    );
    const batch = await queue.receiveBatch(1_000);
    await Promise.all(batch.map((message) => message.ack()));
    assertEquals((await queue.stats()).ready, 0);
  };
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    for (let round = 0; round < 20; round++) await work(queue);
    // What 20,000 messages have left behind; that of some 10,000 may stay.
    assert(await sizeBytes() < 10_000_000, `${await sizeBytes()} bytes`);
    await queue.compact();
    for (let round = 0; round < 3; round++) await work(queue);
  }
  assert(await sizeBytes() > 3_000_000);
  // Nothing to do any more: opened, and closed.
  {
    await using _idle = await MiniQueue.open<string>(directory.path);
  }
  assert(await sizeBytes() < 10_000, `${await sizeBytes()} bytes`);
});

Deno.test("complaint: one bad item blocks all", async () => {
  const test = new TestQueue<unknown>();
  const queue = await test.open();
  await queue.enqueue({ of: "an older version" });
  await queue.enqueue("fine");
  await using again = await test.reopenClosed(queue, {
    schema: onlyStrings as never,
  });
  assertEquals(await drain(again), ["fine"]);
  const [dead] = await again.deadLetters();
  assert(dead!.reason.includes("not a string"), dead!.reason);
});

Deno.test("complaint: a power cut leaves a queue that does not open, or has forgotten", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  await (await queue.receive())!.ack();
  await queue.receive();
  const states = [...crashStates(test.fs.snapshot())];
  assert(states.length > 1);
  for (const { fs, label } of states) {
    await using after = await MiniQueue.open<string>("/data", { fs });
    assertEquals(await drain(after), ["b"], label);
  }
});

Deno.test("complaint: a clock that was wrong at boot makes delayed jobs late, or due all at once", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("in a minute", { delayMs: 60_000 });
  await queue.close();
  // A board without a battery for its clock, which is set only later.
  test.clock.setWall(0);
  await using again = await test.reopenKilled();
  test.clock.advance(30_000);
  test.clock.setWall(Date.UTC(2026, 5, 1));
  assertEquals(await again.receive(), undefined);
  test.clock.advance(30_000);
  assertEquals((await again.receive())?.payload, "in a minute");
});

Deno.test("complaint: acknowledging one message acknowledges others", async () => {
  const test = new TestQueue<number>();
  const queue = await test.open();
  await queue.enqueueBatch([1, 2, 3].map((payload) => ({ payload })));
  const batch = await queue.receiveBatch(3);
  await batch[1]!.ack();
  await using again = await test.reopenKilled();
  assertEquals(await drain(again), [1, 3]);
});

Deno.test("complaint: a second process silently loses items", async () => {
  const test = new TestQueue<string>();
  await using _queue = await test.open();
  assertEquals((await errorOf(test.open())).code, "LOCKED");
});

Deno.test("complaint: two listeners drop messages, and nobody sees the backlog", async () => {
  await using queue = await new TestQueue<number>().open();
  const listeners = [1, 2].map(() => queue.receive({ waitMs: Infinity }));
  await queue.enqueueBatch([1, 2, 3].map((payload) => ({ payload })));
  const heard = await Promise.all(listeners);
  assertEquals(heard.map((message) => message?.payload), [1, 2]);
  const { ready, inFlight } = await queue.stats();
  assertEquals([ready, inFlight], [1, 2]);
});

Deno.test("complaint: a worker silently stops when the disk fails", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  const working = queue.work(() => {});
  test.fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  assertEquals((await errorOf(queue.enqueue("a"))).code, "POISONED");
  assertEquals((await errorOf(working)).code, "POISONED");
});

Deno.test("complaint: stopping leaves active jobs behind", async () => {
  const test = new TestQueue<string>();
  const queue = await test.open();
  await queue.enqueue("a");
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const working = queue.work(async () => {
    started.resolve();
    await finish.promise;
  });
  await started.promise;
  const closed = queue.close();
  finish.resolve();
  await Promise.all([working, closed]);
  await using again = await test.open();
  assertEquals((await again.stats()).ready, 0);
});
