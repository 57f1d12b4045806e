// Handlers that take too long: who has their message meanwhile, and when it is free.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniQueue, type WorkOptions } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { fillDisk, TestQueue, turns } from "../support/queue.ts";

/** A queue whose handlers end when they are told to. */
class SlowWork {
  readonly errors: unknown[] = [];
  readonly test: TestQueue<string> = new TestQueue<string>({
    backoff: (attempts) => attempts * 60_000,
    onError: (error) => this.errors.push(error),
  });
  readonly stop: AbortController = new AbortController();
  /** Ends the handlers that have started, in order. */
  readonly ends: (() => void)[] = [];
  running = 0;
  most = 0;

  async start(options: WorkOptions = {}) {
    const queue = await this.test.open();
    const working = queue.work(async () => {
      this.most = Math.max(this.most, ++this.running);
      await new Promise<void>((resolve) => this.ends.push(resolve));
      this.running--;
    }, {
      handlerTimeoutMs: 100,
      stopTimeoutMs: 1_000,
      signal: this.stop.signal,
      ...options,
    });
    return { queue, working };
  }

  async pass(ms: number): Promise<void> {
    await turns(200);
    this.test.clock.advance(ms);
    await turns(200);
  }
}

Deno.test("MiniQueue.work(): a handler that has timed out counts, and holds its message and its group, until it ends", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start();
  await queue.enqueueBatch([
    { payload: "slow", group: "g" },
    { payload: "next", group: "g" },
    { payload: "other" },
  ]);
  for (let time = 0; time < 9; time++) await slow.pass(100);
  assertEquals([slow.ends.length, slow.most], [1, 1]);
  const { inFlight, blocked, ready } = await queue.stats();
  assertEquals([inFlight, blocked, ready], [1, 1, 1]);
  slow.ends[0]!();
  await slow.pass(0);
  const waiting = (await queue.peek()).find(({ id }) => id === 1)!;
  assertEquals([waiting.attempts, waiting.delayMs > 0], [1, true]);
  assertEquals(waiting.lastFailure, "its handler took longer than 100 ms");
  assertEquals([slow.ends.length, slow.most], [2, 1]);
  assertEquals(slow.errors, []);
  slow.stop.abort();
  slow.ends[1]!();
  await working;
  await queue.close();
});

Deno.test("MiniQueue.work(): a message that timed out is delivered again after its back-off, and is dead in the end", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start();
  await queue.enqueue("slow");
  for (let delivery = 1; delivery <= 5; delivery++) {
    await slow.pass(100);
    slow.ends[delivery - 1]!();
    await slow.pass(delivery * 60_000 - 1);
    assertEquals(slow.ends.length, delivery);
    await slow.pass(1);
  }
  const [dead] = await queue.deadLetters();
  assertEquals(
    dead?.reason,
    "its handler took longer than 100 ms (delivered 5 times)",
  );
  slow.stop.abort();
  await working;
  await queue.close();
});

Deno.test("MiniQueue.work(): a handler that does not end after its time-out is given up, and that is told", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start();
  await queue.enqueueBatch([{ payload: "stuck" }, { payload: "other" }]);
  await slow.pass(100);
  await slow.pass(999);
  assertEquals([slow.ends.length, slow.errors.length], [1, 0]);
  await slow.pass(1);
  assertEquals(slow.ends.length, 2);
  const [told] = slow.errors as Error[];
  assert(told!.message.includes("handler of message 1"), told!.message);
  assertEquals((await queue.stats()).delayed, 1);
  slow.ends.forEach((end) => end());
  await slow.pass(60_000);
  assertEquals(slow.ends.length, 3);
  slow.stop.abort();
  slow.ends[2]!();
  await working;
  assertEquals((await queue.stats()).ready, 0);
  await queue.close();
});

Deno.test("MiniQueue.work() that is stopped gives up handlers that have timed out, and their messages come again", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start({ stopTimeoutMs: 1_000 });
  await queue.enqueue("stuck");
  await slow.pass(100);
  await slow.pass(500);
  slow.stop.abort();
  await slow.pass(500);
  await working;
  assertEquals(slow.errors.length, 1);
  const { delayed, inFlight } = await queue.stats();
  assertEquals([delayed, inFlight], [1, 0]);
  await queue.close();
});

Deno.test("MiniQueue.work(): a message that is purged while its handler is waited for is gone", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start();
  await queue.enqueue("slow");
  await slow.pass(100);
  await queue.purge("all");
  slow.ends[0]!();
  slow.stop.abort();
  await working;
  const { ready, delayed, inFlight } = await queue.stats();
  assertEquals([ready, delayed, inFlight], [0, 0, 0]);
  await queue.close();
});

Deno.test("MiniQueue.work(): a kill while a handler is waited for loses nothing", async () => {
  const slow = new SlowWork();
  const { queue } = await slow.start();
  await queue.enqueue("slow");
  await slow.pass(100);
  await using again = await slow.test.reopenKilled();
  assertEquals((await again.receive())?.attempts, 2);
});

Deno.test("MiniQueue.work(): a time-out on a full disk is put on record once there is room", async () => {
  const slow = new SlowWork();
  const { queue, working } = await slow.start();
  await queue.enqueue("slow");
  await slow.pass(100);
  fillDisk(slow.test.fs, 1, true);
  slow.ends[0]!();
  await slow.pass(10_000);
  assertEquals((await queue.stats()).inFlight, 1);
  slow.test.fs.hooks = {};
  await slow.pass(10_000);
  assertEquals((await queue.stats()).delayed, 1);
  slow.stop.abort();
  await working;
  await queue.close();
});

Deno.test("MiniQueue.work(): a time-out with a back-off that is none leaves the message to others", async () => {
  const test = new TestQueue<string>({ backoff: () => NaN });
  await using queue = await test.open();
  await queue.enqueue("slow");
  const working = assertRejects(() =>
    queue.work(
      (_, { signal }) =>
        new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve())
        ),
      { handlerTimeoutMs: 100 },
    ), RangeError);
  await turns();
  test.clock.advance(100);
  await working;
  assertEquals((await queue.receive())?.attempts, 2);
});

for (const untilMs of [100, 1_100]) {
  Deno.test(`MiniQueue.work(): a message that its handler settles when it times out, which fails ${untilMs} ms after its start, comes again`, async () => {
    const memory = new MemoryFileSystem();
    const holding = new HoldingFileSystem(memory);
    const clock = new FakeClock();
    const queue = await MiniQueue.open<string>("/data", {
      fs: holding.fs,
      clock,
      visibilityTimeoutMs: 60_000,
      backoff: () => 60_000,
    });
    await queue.enqueue("a");
    const [stop, end] = [new AbortController(), Promise.withResolvers<void>()];
    const acked = Promise.withResolvers<string>();
    const attempts: number[] = [];
    const working = queue.work(async (message) => {
      attempts.push(message.attempts);
      if (attempts.length > 1) return;
      await turns();
      acked.resolve((await errorOf(message.ack())).code);
      await end.promise;
    }, { handlerTimeoutMs: 100, stopTimeoutMs: 1_000, signal: stop.signal });
    while (attempts.length === 0) await turns();
    const held = holding.hold("write");
    fillDisk(memory);
    await held.reached;
    for (let ms = 0; ms < untilMs; ms += 100) {
      clock.advance(100);
      await turns();
    }
    held.release();
    assertEquals(await acked.promise, "NO_SPACE");
    end.resolve();
    await turns(200);
    assertEquals(attempts, [1]);
    clock.advance(60_000);
    await turns(200);
    assertEquals(attempts, [1, 2]);
    stop.abort();
    await working;
    await queue.close();
  });
}
