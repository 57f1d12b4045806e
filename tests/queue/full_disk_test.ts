// Work continues after a full disk: it waits, tells, and tries again.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { MiniQueue, WorkOptions } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { fillDisk, TestQueue, turns } from "../support/queue.ts";

/** A queue that notes what is told, and what was handled. */
class Told {
  readonly codes: string[] = [];
  readonly handled: string[] = [];
  readonly stop: AbortController = new AbortController();
  readonly test: TestQueue<string> = new TestQueue<string>({
    maxAttempts: 2,
    backoff: () => 0,
    onError: (error) => {
      this.codes.push((error as MiniError).code);
      throw new Error("who is told must not do harm");
    },
  });

  work(
    queue: MiniQueue<string>,
    options: WorkOptions = {},
    then: () => void = () => {},
  ): Promise<void> {
    const working = queue.work(({ payload }) => {
      this.handled.push(payload);
      then();
    }, { signal: this.stop.signal, ...options });
    // It is awaited later.
    working.catch(() => {});
    return working;
  }

  async pass(ms: number): Promise<void> {
    await turns(200);
    this.test.clock.advance(ms);
    await turns(200);
  }
}

Deno.test("MiniQueue.work() that can receive nothing on a full disk waits longer and longer, tells it, and continues", async () => {
  const told = new Told();
  await using queue = await told.test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  fillDisk(told.test.fs, 1, true);
  const working = told.work(queue, { concurrency: 2 });
  for (const _ of [1, 2, 3]) await told.pass(10_000);
  const { length } = told.codes;
  assert(length >= 2 && length <= 4, `${length} times`);
  assertEquals(new Set(told.codes), new Set(["NO_SPACE"]));
  await told.pass(1);
  assertEquals(told.codes.length, length);
  told.test.fs.hooks = {};
  await told.pass(10_000);
  assertEquals(told.handled, ["a", "b"]);
  told.stop.abort();
  await working;
});

Deno.test("MiniQueue.work() acknowledges what is done once there is room, and does not do it again", async () => {
  const told = new Told();
  await using queue = await told.test.open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const working = told.work(queue, {}, () => fillDisk(told.test.fs));
  await told.pass(0);
  assertEquals((await queue.stats()).inFlight, 1);
  await told.pass(10_000);
  assertEquals([told.handled, told.codes], [["a", "b"], [
    "NO_SPACE",
    "NO_SPACE",
  ]]);
  await told.pass(10_000);
  told.stop.abort();
  await working;
  const { ready, inFlight, dead } = await queue.stats();
  assertEquals([ready, inFlight, dead], [0, 0, 0]);
});

Deno.test("MiniQueue.work() has what threw on a full disk tried again once there is room", async () => {
  const told = new Told();
  await using queue = await told.test.open();
  await queue.enqueue("a");
  const working = told.work(queue, {}, () => {
    if (told.handled.length === 2) return told.stop.abort();
    fillDisk(told.test.fs);
    throw new Error("on purpose");
  });
  await told.pass(10_000);
  await working;
  assertEquals([told.handled, told.codes], [["a", "a"], ["NO_SPACE"]]);
});

Deno.test("MiniQueue.work() ends on its signal also while it waits, and what is not on record comes again", async () => {
  const told = new Told();
  const queue = await told.test.open();
  await queue.enqueue("a");
  const fill = () => fillDisk(told.test.fs, 1, true);
  const working = told.work(queue, {}, fill);
  await turns(200);
  told.stop.abort();
  await working;
  assertEquals(told.codes, ["NO_SPACE", "NO_SPACE"]);
  told.test.fs.hooks = {};
  told.test.clock.advance(30_000);
  assertEquals((await queue.receive())?.attempts, 2);
  await queue.close();
});

Deno.test("MiniQueue.work() ends on its signal where it can receive nothing", async () => {
  const told = new Told();
  await using queue = await told.test.open();
  await queue.enqueue("a");
  fillDisk(told.test.fs, 1, true);
  const working = told.work(queue);
  await turns(200);
  told.stop.abort();
  await working;
  told.test.fs.hooks = {};
  assertEquals((await queue.receive())?.attempts, 1);
});

Deno.test("MiniQueue.work() ends when the queue is closed, also while it waits", async () => {
  const told = new Told();
  const queue = await told.test.open();
  await queue.enqueue("a");
  fillDisk(told.test.fs, 1, true);
  const working = told.work(queue, { concurrency: 3 });
  await turns(200);
  await queue.close();
  await working;
  assertEquals(told.handled, []);
});

Deno.test("MiniQueue.work() ends with POISONED where nobody knows what is on the disk", async () => {
  const told = new Told();
  const queue = await told.test.open();
  await queue.enqueue("a");
  told.test.fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const error = await assertRejects(() => told.work(queue), Error);
  assertEquals((error as MiniError).code, "POISONED");
  assertEquals(told.codes, []);
  await queue.close().catch(() => {});
});
