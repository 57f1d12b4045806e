// Handlers whose message is cancelled: what they are told, and what they hold until they end.
import type { MiniQueue, WorkOptions } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { assert, assertEquals } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { drain, fillDisk, TestQueue, turns } from "../support/queue.ts";

/** A queue whose handlers end when the test says so, whatever they are told. */
class Film {
  readonly errors: unknown[] = [];
  readonly test: TestQueue<string> = new TestQueue<string>({
    onError: (error) => this.errors.push(error),
  });
  readonly stop: AbortController = new AbortController();
  readonly handled: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly ends: (() => void)[] = [];
  queue!: MiniQueue<string>;
  working!: Promise<void>;

  async start(options: WorkOptions = {}): Promise<MiniQueue<string>> {
    this.queue = await this.test.open();
    await this.queue.enqueueBatch([
      { payload: "a", group: "g" },
      { payload: "b", group: "g" },
      { payload: "c" },
    ]);
    this.working = this.queue.work(async ({ payload }, { signal }) => {
      this.handled.push(payload);
      this.signals.push(signal);
      await new Promise<void>((resolve) => this.ends.push(resolve));
    }, { stopTimeoutMs: 1_000, signal: this.stop.signal, ...options });
    await turns(200);
    return this.queue;
  }

  async pass(ms: number): Promise<void> {
    await turns(200);
    this.test.clock.advance(ms);
    await turns(200);
  }

  async end(): Promise<string[]> {
    this.stop.abort();
    for (const end of this.ends) end();
    await this.working;
    const left = await drain(this.queue);
    await this.queue.close();
    return left;
  }
}

Deno.test("MiniQueue.cancel() tells the handler why, which counts and holds its group until it ends", async () => {
  const film = new Film();
  const queue = await film.start({ concurrency: 2 });
  assertEquals(film.handled, ["a", "c"]);
  assertEquals(await queue.cancel(1, "too long"), "stopping");
  const [signal] = film.signals;
  const { code, cause, message } = signal!.reason as MiniError;
  assertEquals([code, cause], ["RECEIPT_EXPIRED", "too long"]);
  assert(message.includes("cancelled: too long"), message);
  const { inFlight, ready } = await queue.stats();
  assertEquals([inFlight, ready], [1, 1]);
  film.ends[1]!();
  await film.pass(999);
  assertEquals(await queue.receive(), undefined);
  assertEquals(film.handled, ["a", "c"]);
  film.ends[0]!();
  await film.pass(0);
  assertEquals(film.handled, ["a", "c", "b"]);
  film.ends[2]!();
  await film.pass(0);
  assertEquals(film.errors, []);
  assertEquals(await film.end(), []);
});

Deno.test("MiniQueue.cancel(): a handler that does not end is given up, that is told, and its group is free", async () => {
  const film = new Film();
  const queue = await film.start();
  assertEquals(await queue.cancel(1), "stopping");
  assertEquals(film.signals[0]!.reason.cause, undefined);
  await film.pass(999);
  assertEquals(film.handled, ["a"]);
  await film.pass(1);
  assertEquals(film.handled, ["a", "b"]);
  const [told] = film.errors as Error[];
  assert(told!.message.includes("handler of message 1"), told!.message);
  film.ends[1]!();
  await film.pass(0);
  assertEquals(film.handled, ["a", "b", "c"]);
  film.ends[2]!();
  await film.pass(0);
  assertEquals(await film.end(), []);
});

Deno.test("MiniQueue.cancel() of a message whose handler has timed out holds its group until that has ended", async () => {
  const film = new Film();
  const queue = await film.start({ handlerTimeoutMs: 100 });
  await film.pass(100);
  assertEquals(film.signals[0]!.aborted, true);
  assertEquals(await queue.cancel(1), "stopping");
  await film.pass(0);
  assertEquals(await queue.receive().then((c) => c?.payload), "c");
  assertEquals(await queue.receive(), undefined);
  film.ends[0]!();
  await film.pass(0);
  assertEquals(film.handled, ["a", "b"]);
  film.ends[1]!();
  await film.pass(0);
  assertEquals(film.errors, []);
  assertEquals(await film.end(), []);
});

Deno.test("MiniQueue.work() that is stopped waits for a handler that was told of a cancellation, and then its group is free", async () => {
  const film = new Film();
  const queue = await film.start({ stopTimeoutMs: Infinity });
  assertEquals(await queue.cancel(1), "stopping");
  film.stop.abort();
  await film.pass(60_000);
  film.ends[0]!();
  assertEquals(await film.end(), ["b", "c"]);
});

Deno.test("MiniQueue.work() that has stopped waiting for a cancelled handler frees its group", async () => {
  const film = new Film();
  const queue = await film.start();
  film.stop.abort();
  await film.pass(500);
  assertEquals(await queue.cancel(1), "stopping");
  await film.pass(500);
  await film.working;
  assertEquals(await drain(queue), ["b", "c"]);
  assertEquals(await film.end(), []);
});

Deno.test("MiniQueue.cancel() that fails tells the handler nothing, and what it has done is done", async () => {
  const film = new Film();
  const queue = await film.start();
  fillDisk(film.test.fs);
  const failing = errorOf(queue.cancel(1));
  // It ends while the cancellation is being logged.
  film.ends[0]!();
  assertEquals((await failing).code, "NO_SPACE");
  await film.pass(0);
  assertEquals(film.signals[0]!.aborted, false);
  assertEquals(film.handled, ["a", "b"]);
  film.ends[1]!();
  await film.pass(0);
  film.ends[2]!();
  await film.pass(0);
  assertEquals(await film.end(), []);
});

Deno.test("MiniQueue.cancel() of what its handler gave back itself does not disturb the next handler", async () => {
  const film = new Film();
  await using queue = await film.test.open();
  await queue.enqueue("a");
  const ends: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const working = queue.work(async (message, { signal }) => {
    signals.push(signal);
    if (message.attempts === 1) await message.nack();
    await new Promise<void>((resolve) => ends.push(resolve));
  }, { concurrency: 2, signal: film.stop.signal });
  await film.pass(0);
  // The first one ends, the second one still has the message.
  ends[0]!();
  await film.pass(0);
  assertEquals(await queue.cancel(1), "stopping");
  assertEquals(signals.map(({ aborted }) => aborted), [false, true]);
  film.stop.abort();
  ends[1]!();
  await working;
});

Deno.test("MiniQueue.cancel(): whenever it is called, a handler without its message is told or never starts", async () => {
  for (let delay = 0; delay < 60; delay++) {
    const test = new TestQueue<string>();
    await using queue = await test.open();
    await queue.enqueueBatch([{ payload: "a", group: "g" }, {
      payload: "b",
      group: "g",
    }]);
    const stop = new AbortController();
    const log: string[] = [];
    const working = queue.work(async ({ payload }, { signal }) => {
      log.push(payload);
      if (payload === "b") return stop.abort();
      await new Promise((resolve) => signal.onabort = resolve);
      log.push("told");
    }, { signal: stop.signal });
    await turns(delay);
    const found = await queue.cancel(1);
    await working;
    const told = found === "stopping" ? ["a", "told"] : [];
    assertEquals(log, [...told, "b"], `after ${delay} turns`);
  }
});

Deno.test("MiniQueue.purge(): whenever it is called, a handler without its message is told or never starts", async () => {
  for (let delay = 0; delay < 60; delay++) {
    const test = new TestQueue<string>();
    await using queue = await test.open();
    await queue.enqueue("a");
    const stop = new AbortController();
    let [running, told] = [0, 0];
    const working = queue.work(async (_, { signal }) => {
      running++;
      await new Promise((resolve) => signal.onabort = resolve);
      told++;
    }, { signal: stop.signal });
    await turns(delay);
    await queue.purge("all");
    await turns(200);
    assertEquals(told, running, `after ${delay} turns`);
    stop.abort();
    await working;
  }
});
