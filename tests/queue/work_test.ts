import { assert, assertEquals } from "@std/assert";
import {
  DeadLetterError,
  exponentialBackoff,
  RetryLaterError,
} from "@mini/state/queue";
import { drain, TestQueue } from "../support/queue.ts";

Deno.test("MiniQueue.work() acknowledges what its handler returns from, a number at a time", async () => {
  await using queue = await new TestQueue<number>().open();
  const payloads = Array.from({ length: 20 }, (_, index) => index);
  await queue.enqueueBatch(payloads.map((payload) => ({ payload })));
  const stop = new AbortController();
  const handled: number[] = [];
  const full = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  await queue.work(async ({ payload }) => {
    most = Math.max(most, ++running);
    if (most === 4) full.resolve();
    await full.promise;
    handled.push(payload);
    running--;
    if (handled.length === payloads.length) stop.abort();
  }, { concurrency: 4, signal: stop.signal });
  assertEquals(handled.toSorted((a, b) => a - b), payloads);
  assertEquals(most, 4);
  const { ready, inFlight } = await queue.stats();
  assertEquals([ready, inFlight], [0, 0]);
});

Deno.test("MiniQueue.work() gives back what its handler throws at, with the back-off, until it is dead", async () => {
  const test = new TestQueue<string>({
    maxAttempts: 3,
    backoff: (attempts) => attempts * 1_000,
  });
  await using queue = await test.open();
  await queue.enqueue("poison");
  let started = Promise.withResolvers<number>();
  const working = queue.work(({ attempts }) => {
    started.resolve(attempts);
    throw new Error("boom");
  });
  for (const [attempts, delayMs] of [[1, 1_000], [2, 2_000]] as const) {
    assertEquals(await started.promise, attempts);
    started = Promise.withResolvers();
    while ((await queue.stats()).delayed === 0) await Promise.resolve();
    const [waiting] = await queue.peek();
    assertEquals(waiting!.lastFailure, "boom");
    test.clock.advance(delayMs - 1);
    assertEquals((await queue.stats()).delayed, 1);
    test.clock.advance(1);
  }
  assertEquals(await started.promise, 3);
  while ((await queue.stats()).dead === 0) await Promise.resolve();
  const [dead] = await queue.deadLetters();
  assertEquals(dead!.reason, "boom (delivered 3 times)");
  await queue.close();
  await working;
});

Deno.test("MiniQueue.work(): RetryLaterError puts off and does not count, DeadLetterError gives up at once", async () => {
  const test = new TestQueue<string>({ maxAttempts: 1 });
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "later" }, { payload: "never" }]);
  const stop = new AbortController();
  let count = 0;
  await queue.work(({ payload }) => {
    if (++count === 2) stop.abort();
    throw payload === "later"
      ? new RetryLaterError(1_000, "no network")
      : new DeadLetterError("no such address");
  }, { signal: stop.signal });
  const [dead] = await queue.deadLetters();
  assertEquals([dead!.payload, dead!.reason], ["never", "no such address"]);
  const [waiting] = await queue.peek();
  assertEquals([waiting!.attempts, waiting!.lastFailure], [0, "no network"]);
  test.clock.advance(1_000);
  assertEquals(await drain(queue), ["later"]);
});

Deno.test("MiniQueue.work() keeps a message from running out while its handler runs", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueue("slow");
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let count = 0;
  const working = queue.work(async () => {
    count++;
    started.resolve();
    await finish.promise;
  }, { concurrency: 2 });
  await started.promise;
  test.clock.advance(100_000);
  assertEquals(await queue.receive(), undefined);
  finish.resolve();
  await queue.close();
  await working;
  assertEquals(count, 1);
});

Deno.test("MiniQueue.work() takes a message from a handler that runs too long, and tells it", async () => {
  const test = new TestQueue<string>({ maxAttempts: 1 });
  await using queue = await test.open();
  await queue.enqueue("stuck");
  const lost = Promise.withResolvers<unknown>();
  const started = Promise.withResolvers<void>();
  const working = queue.work((_, { signal }) => {
    signal.addEventListener("abort", () => lost.resolve(signal.reason));
    started.resolve();
    return new Promise(() => {});
  }, { handlerTimeoutMs: 5_000 });
  await started.promise;
  test.clock.advance(5_000);
  assertEquals(
    (await lost.promise as { code: string }).code,
    "RECEIPT_EXPIRED",
  );
  test.clock.advance(30_000);
  while ((await queue.stats()).dead === 0) await Promise.resolve();
  const [dead] = await queue.deadLetters();
  assert(dead!.reason.includes("longer than 5000 ms"), dead!.reason);
  await queue.close();
  await working;
});

Deno.test("MiniQueue.work() tells its handlers when it is to stop, and waits for them no longer than it is told", async () => {
  const test = new TestQueue<string>({ visibilityTimeoutMs: 1_000 });
  await using queue = await test.open();
  await queue.enqueueBatch([{ payload: "gives up" }, { payload: "hangs" }]);
  const stop = new AbortController();
  const allStarted = Promise.withResolvers<void>();
  const gaveUp = Promise.withResolvers<void>();
  let count = 0;
  const working = queue.work(async ({ payload }, { signal }) => {
    if (++count === 2) allStarted.resolve();
    if (payload === "hangs") await new Promise(() => {});
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    gaveUp.resolve();
    throw signal.reason;
  }, { concurrency: 2, signal: stop.signal, stopTimeoutMs: 2_000 });
  await allStarted.promise;
  stop.abort();
  await gaveUp.promise;
  while ((await queue.stats()).inFlight === 2) await Promise.resolve();
  // It is not the fault of the message.
  assertEquals((await queue.peek())[0]!.attempts, 0);
  test.clock.advance(2_000);
  await working;
  test.clock.advance(1_000);
  assertEquals(await drain(queue), ["gives up", "hangs"]);
});

Deno.test("MiniQueue.work() leaves alone what its handler has settled itself", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  const stop = new AbortController();
  await queue.work(async (message) => {
    if (message.payload === "a") return await message.deadLetter("by hand");
    await message.ack();
    stop.abort();
    throw new Error("after it was acknowledged");
  }, { signal: stop.signal });
  const { ready, dead } = await queue.stats();
  assertEquals([ready, dead], [0, 1]);
});

Deno.test("MiniQueue.work() gives nothing back that its handler has settled, when it stops waiting for it", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("acknowledged, then stuck");
  const stop = new AbortController();
  let hasStopped = false;
  const working = queue.work(async (message) => {
    await message.ack();
    stop.abort();
    await new Promise(() => {});
  }, { signal: stop.signal, stopTimeoutMs: 2_000 });
  void working.then(() => hasStopped = true);
  while (!hasStopped) {
    test.clock.advance(1_000);
    await Promise.resolve();
  }
  test.clock.advance(1_000_000);
  const { ready, inFlight, dead } = await queue.stats();
  assertEquals([ready, inFlight, dead], [0, 0, 0]);
});

Deno.test("MiniQueue.work() with a signal that is aborted already does nothing", async () => {
  await using queue = await new TestQueue<string>().open();
  await queue.enqueue("a");
  await queue.work(() => {
    throw new Error("never");
  }, { signal: AbortSignal.abort() });
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("exponentialBackoff doubles up to its end, and takes off half at most", () => {
  const longest = exponentialBackoff({ random: () => 0 });
  assertEquals([1, 2, 3, 11, 50].map(longest), [
    1_000,
    2_000,
    4_000,
    900_000,
    900_000,
  ]);
  const shortest = exponentialBackoff({ random: () => 1 });
  assertEquals(shortest(2), 1_000);
});
