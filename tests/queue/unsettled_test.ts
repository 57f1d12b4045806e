// Messages that could not be settled or taken back: nobody else has them meanwhile, and they come again.
import { assertEquals, assertRejects } from "@std/assert";
import { type Clock, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { fillDisk, TestQueue, turns } from "../support/queue.ts";

Deno.test("MiniQueue.work() with a back-off that is none leaves the message to others in time", async () => {
  const test = new TestQueue<string>({
    visibilityTimeoutMs: 1_000,
    backoff: () => NaN,
  });
  await using queue = await test.open();
  await queue.enqueue("a");
  await assertRejects(() =>
    queue.work(() => {
      throw new Error("on purpose");
    }), RangeError);
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(1_000);
  assertEquals((await queue.receive())?.attempts, 2);
});

Deno.test("MiniQueue.work() that is stopped and cannot give a message back leaves it to others in time", async () => {
  for (let turn = 0; turn < 60; turn++) {
    const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
    await using queue = await test.open();
    await queue.enqueue("a");
    const stop = new AbortController();
    let handled = 0;
    const working = queue.work(() => handled++, { signal: stop.signal });
    const ended = working.catch(() => {});
    await turns(turn);
    stop.abort();
    fillDisk(test.fs);
    await ended;
    test.fs.hooks = {};
    test.clock.advance(1_000);
    await queue.receive();
    const { inFlight } = await queue.stats();
    test.clock.advance(30_000);
    const { ready } = await queue.stats();
    assertEquals(inFlight, ready, `${turn} turns, handled ${handled} times`);
  }
});

Deno.test("MiniQueue.work() tells a handler that its message is lost also after an ack that has failed", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  const stop = new AbortController();
  let isTold = false;
  await queue.work(async (message, { signal }) => {
    fillDisk(test.fs);
    assertEquals((await errorOf(message.ack())).code, "NO_SPACE");
    await queue.purge("all");
    isTold = signal.aborted;
    stop.abort();
  }, { signal: stop.signal });
  assertEquals(isTold, true);
});

/** A clock that stands still, but for timeouts of nothing, and counts those that sleep. */
class CountingClock implements Clock {
  sleeping = 0;

  wall(): number {
    return Date.UTC(2026, 0, 1);
  }

  monotonic(): number {
    return 0;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0 || signal.aborted) return;
    this.sleeping++;
    await new Promise((wake) => signal.addEventListener("abort", wake));
    this.sleeping--;
  }
}

Deno.test("MiniQueue.work() leaves no timer behind for a handler that it does not wait for, and which may end later", async () => {
  const clock = new CountingClock();
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/data", { fs, clock });
  await queue.enqueue("a");
  const stop = new AbortController();
  const rest = Promise.withResolvers<void>();
  await queue.work(() => {
    stop.abort();
    return rest.promise;
  }, {
    signal: stop.signal,
    handlerTimeoutMs: 3_600_000,
    stopTimeoutMs: 0,
  });
  await turns();
  assertEquals([clock.sleeping, (await queue.stats()).inFlight], [0, 1]);
  assertEquals((await queue.metrics()).handlers, 0);
  rest.resolve();
  await turns(200);
  assertEquals((await queue.peek()).length, 0);
  assertEquals((await queue.stats()).inFlight, 0);
});

Deno.test("MiniQueue.stats() that cannot take back everything leaves alone what was delivered again", async () => {
  const test = new TestQueue<number>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  const payloads = Array.from({ length: 3_500 }, (_, payload) => ({ payload }));
  await queue.enqueueBatch(payloads);
  await queue.receiveBatch(3_500);
  test.clock.advance(1_000);
  fillDisk(test.fs, 3);
  const looking = queue.stats();
  const receiving = queue.receiveBatch(10, { waitMs: Infinity });
  await looking;
  const again = await receiving;
  assertEquals(again.map(({ isCurrent }) => isCurrent), Array(10).fill(true));
  test.clock.advance(1_000);
  const { ready, inFlight } = await queue.stats();
  assertEquals([ready, inFlight], [3_500, 0]);
});

Deno.test("MiniQueue.work(): a message comes again whose handler has ended without waiting for its own ack, which fails", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("a");
  const acked = Promise.withResolvers<string>();
  const stop = new AbortController();
  const working = queue.work((message) => {
    fillDisk(test.fs);
    errorOf(message.ack()).then(({ code }) => acked.resolve(code));
  }, { signal: stop.signal });
  assertEquals(await acked.promise, "NO_SPACE");
  stop.abort();
  await working;
  assertEquals(await queue.receive(), undefined);
  test.clock.advance(1_000);
  assertEquals((await queue.receive())?.attempts, 2);
});
