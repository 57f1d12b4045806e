// What callers give, and what becomes of it.
import { assertEquals, assertRejects } from "@std/assert";
import {
  type Clock,
  emptyLedger,
  MiniQueue,
  systemClock,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { drain, TestQueue } from "../support/queue.ts";

Deno.test("systemClock.sleep() resolves at once where the signal is aborted already", async () => {
  let isAwake = false;
  systemClock.sleep(60_000, AbortSignal.abort()).then(() => isAwake = true);
  await undefined;
  assertEquals(isAwake, true);
});

Deno.test("systemClock.sleep() sleeps for longer than a timer can be set for", async () => {
  const { setTimeout } = globalThis;
  const set: number[] = [];
  const atOnce = (call: () => void, ms: number) => {
    set.push(ms);
    return setTimeout(call, 0);
  };
  globalThis.setTimeout = atOnce as typeof setTimeout;
  try {
    await systemClock.sleep(2 ** 32, new AbortController().signal);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(set, [2 ** 31 - 1, 2 ** 31 - 1, 2]);
});

Deno.test("QueueMessage.deadLetter() without a reason says that there was none", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a");
  await (await queue.receive())!.deadLetter(undefined as never);
  const reasons = (await queue.deadLetters()).map(({ reason }) => reason);
  assertEquals(reasons, ["no reason was given"]);
});

Deno.test("QueueMessage.nack() of the last delivery says how many there were", async () => {
  await using queue = await new TestQueue<string>({ maxAttempts: 2 }).open();
  await queue.enqueue("a");
  for (let time = 0; time < 2; time++) await (await queue.receive())!.nack();
  const reasons = (await queue.deadLetters()).map(({ reason }) => reason);
  assertEquals(reasons, ["delivered 2 times"]);
});

Deno.test("MiniQueue.peek() shows a group in its order, whatever the priorities in it", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueueBatch([
    { payload: "a", group: "one" },
    { payload: "b", group: "one", priority: 9 },
    { payload: "c", priority: 1 },
    { payload: "d", group: "two", delayMs: 1_000 },
    { payload: "e", group: "two" },
    { payload: "f", group: "one" },
  ]);
  const order = (await queue.peek()).map(({ payload }) => payload);
  assertEquals(order, ["c", "a", "b", "f", "d", "e"]);
  assertEquals((await queue.receiveBatch(2)).length, 2);
  assertEquals((await queue.peek(2)).map(({ id }) => id), [2, 6]);
});

Deno.test("MiniQueue.peek() shows first what is received first", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open({ maxSegmentBytes: 200 });
  await queue.enqueue("later", { delayMs: 1 });
  await queue.enqueue("last");
  await queue.enqueue("first", { priority: 1 });
  await queue.enqueue("second", { priority: 1 });
  const peeked = (await queue.peek()).map(({ payload }) => payload);
  assertEquals(peeked, ["first", "second", "last", "later"]);
  test.clock.advance(1);
  assertEquals((await drain(queue)).length, 4);
  const sealed = test.fs.names("/data").filter((name) => /\d{20}/.test(name));
  assertEquals(sealed.length > 1, true, "no segment was sealed");
});

Deno.test("QueueMessage takes no reason that is no text, and can be settled after that", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a");
  const message = (await queue.receive())!;
  const reason = 42 as never;
  await assertRejects(() => message.nack({ reason }), TypeError);
  await assertRejects(
    () => message.nack({ reason, countAttempt: false }),
    TypeError,
  );
  await assertRejects(() => message.deadLetter(reason), TypeError);
  await message.ack();
  assertEquals((await queue.stats()).ready, 0);
});

const BROKEN: Clock = {
  ...systemClock,
  wall: () => {
    throw new Error("no battery");
  },
};

Deno.test("MiniQueue.open() that fails leaves the queue unlocked", async () => {
  const fs = new MemoryFileSystem();
  await assertRejects(
    () => MiniQueue.open("/data", { fs, clock: BROKEN }),
    Error,
    "no battery",
  );
  await using queue = await MiniQueue.open<string>("/data", { fs });
  assertEquals((await queue.enqueue("a")).id, 1);
});

Deno.test("MiniQueue.attach() that fails leaves the place free, and says where there is no ledger", async () => {
  await using manager = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => ({ jobs: emptyLedger<string>() }),
    apply: (_state, _mutation: unknown) => {},
  });
  await assertRejects(
    () => MiniQueue.attach(manager, "jobs", { clock: BROKEN }),
    Error,
    "no battery",
  );
  await using queue = await MiniQueue.attach(manager, "jobs");
  assertEquals((await queue.stats()).ready, 0);
  await assertRejects(
    () => MiniQueue.attach(manager, "mails" as "jobs"),
    TypeError,
    'no ledger under "mails"',
  );
});

if (Deno.build.os !== "windows") {
  Deno.test("MiniQueue.open() gives its files the permissions that it is told", async () => {
    await using directory = new TestDirectory();
    await using queue = await MiniQueue.open(directory.path, { mode: 0o640 });
    await queue.compact();
    const names = directory.names();
    const modes = names.map((name) => Deno.statSync(directory.at(name)).mode);
    assertEquals(names.length, 3);
    assertEquals(modes.map((mode) => mode! & 0o777), [0o640, 0o640, 0o640]);
  });
}
