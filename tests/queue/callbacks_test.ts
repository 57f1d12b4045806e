// What the code of a queue's caller may do wrong: each time there is an error that says so, and no message is lost.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniQueue, type QueueOptions, systemClock } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../support/fake_clock.ts";

/** A callback that answers wrongly; typed as what it pretends to be. */
// deno-lint-ignore no-explicit-any -- wrong on purpose
const wrong = (answer: unknown): any => () => answer;
const rejecting = () => Promise.reject(new Error("nobody waits for it"));
// deno-lint-ignore no-explicit-any -- wrong on purpose
const late = (): any => rejecting;
const thrower = () => {
  throw new Error("the caller's own");
};

/** A fault of a queue, and the call that reports it. */
const QUEUES: [
  what: string,
  options: QueueOptions<string>,
  words: string,
][] = [
  [
    "clock without a time",
    { clock: { ...systemClock, monotonic: () => NaN } },
    "clock.monotonic() must return a finite number, not NaN",
  ],
  [
    "clock without a date",
    { clock: { ...systemClock, wall: wrong(undefined) } },
    "clock.wall() must return a finite number, not undefined",
  ],
  [
    "clock that throws",
    { clock: { ...systemClock, wall: thrower } },
    "the caller's own",
  ],
];

for (const [what, options, words] of QUEUES) {
  Deno.test(`MiniQueue.open() with a ${what} is refused, and nothing is lost`, async () => {
    const fs = new MemoryFileSystem();
    {
      await using queue = await MiniQueue.open<string>("/data", { fs });
      await queue.enqueue("a");
    }
    const error = await assertRejects(() =>
      MiniQueue.open("/data", { ...options, fs })
    );
    assert((error as Error).message.includes(words), `${error}`);
    await using again = await MiniQueue.open<string>("/data", { fs });
    assertEquals((await again.receive())?.payload, "a");
  });
}

Deno.test("MiniQueue: a clock that breaks while the queue is open refuses what needs it, and no message is lost", async () => {
  const fs = new MemoryFileSystem();
  let isBroken = false;
  const clock = new FakeClock();
  const broken = {
    wall: () => isBroken ? NaN : clock.wall(),
    monotonic: () => clock.monotonic(),
    sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
  };
  const queue = await MiniQueue.open<string>("/data", { fs, clock: broken });
  await queue.enqueue("a");
  isBroken = true;
  await assertRejects(() => queue.enqueue("b"), TypeError, "clock.wall()");
  await assertRejects(() => queue.receive(), TypeError, "clock.wall()");
  isBroken = false;
  await queue.enqueue("c");
  const received = await queue.receiveBatch(10);
  assertEquals(received.map(({ payload }) => payload), ["a", "c"]);
  await queue.close();
});

Deno.test("MiniQueue: a sleep that is no promise fails who waits, and one that does not wait keeps nobody from their turn", async () => {
  const fs = new MemoryFileSystem();
  {
    const clock = { ...systemClock, sleep: wrong(undefined) };
    await using queue = await MiniQueue.open("/data", { fs, clock });
    await assertRejects(
      () => queue.receive({ waitMs: Infinity }),
      TypeError,
      "clock.sleep() must return a promise",
    );
  }
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  await using queue = await MiniQueue.open<string>("/data", { fs, clock });
  const waiting = queue.receive({ waitMs: Infinity });
  await new Promise((resolve) => setTimeout(resolve));
  await queue.enqueue("at last");
  assertEquals((await waiting)?.payload, "at last");
});

const BACKOFFS: [what: string, backoff: () => unknown, words: string][] = [
  ["throws", thrower, "the caller's own"],
  ["is late", rejecting, "backoff must not return a promise"],
  ["gives nothing", () => undefined, "backoff must not return undefined"],
  ["gives NaN", () => NaN, "backoff must be at least 0, not NaN"],
  ["never ends", () => Infinity, "backoff must be finite"],
];

for (const [what, backoff, words] of BACKOFFS) {
  Deno.test(`MiniQueue.work() with a backoff that ${what} ends, and loses no message`, async () => {
    const clock = new FakeClock();
    const options = { fs: new MemoryFileSystem(), clock };
    await using queue = await MiniQueue.open<string>("/data", {
      ...options,
      backoff: backoff as never,
    });
    await queue.enqueue("a");
    const error = await assertRejects(() => queue.work(thrower));
    assert((error as Error).message.includes(words), `${error}`);
    clock.advance(30_000);
    assertEquals((await queue.receive())?.attempts, 2);
  });
}

Deno.test("MiniQueue.work() tells the handlers that run when it cannot continue", async () => {
  const options = { fs: new MemoryFileSystem(), backoff: () => NaN };
  await using queue = await MiniQueue.open<number>("/data", options);
  await queue.enqueueBatch([{ payload: 1 }, { payload: 2 }]);
  const working = queue.work(({ payload }, { signal }) => {
    if (payload === 2) throw new Error("flawed");
    return new Promise((resolve) => signal.addEventListener("abort", resolve));
  }, { concurrency: 2 });
  await assertRejects(() => working, RangeError);
  assertEquals((await queue.stats()).inFlight, 1);
});

for (
  const [what, onError] of [
    ["throws", thrower],
    ["rejects", late()],
  ] as const
) {
  Deno.test(`MiniQueue: an onError that ${what} ends no work`, async () => {
    const fs = new MemoryFileSystem();
    const clock = new FakeClock();
    let isTold = false;
    await using queue = await MiniQueue.open<string>("/data", {
      fs,
      clock,
      onError: (error) => {
        isTold = true;
        return onError(error);
      },
    });
    await queue.enqueue("a");
    const stop = new AbortController();
    // A handler that has timed out, and does not end when it is told to, is told to onError.
    const never = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const work = queue.work(() => {
      started.resolve();
      return never.promise;
    }, { signal: stop.signal, handlerTimeoutMs: 10, stopTimeoutMs: 10 });
    await started.promise;
    while (!isTold) {
      clock.advance(10);
      await new Promise((resolve) => setTimeout(resolve));
    }
    stop.abort();
    clock.advance(1_000);
    await work;
    never.resolve();
  });
}
