/** The work that is measured. Runs in a process of its own, under Deno or Node. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Log, Queue } from "./contender.ts";
import { type Item, payloadBytes, record, records } from "./record.ts";

/** The result: how many a second, and other counts. */
export type Result = Record<string, number>;

/** A task: the name of a work, and its numbers. */
export interface Task {
  readonly work: string;
  readonly dir: string;
  readonly callers: number;
  readonly count: number;
  readonly seconds: number;
  /** Whether all that is told is listened to. */
  readonly isObserved?: boolean;
}

/** The work on a log by its name. */
export const LOG_WORK: Record<
  string,
  (open: () => Promise<Log>, task: Task) => Promise<Result>
> = { append, batch, fill, read };

/** The work on a queue by its name. */
export const QUEUE_WORK: Record<
  string,
  (open: () => Promise<Queue>, task: Task) => Promise<Result>
> = { enqueue, drain, latency };

async function append(
  open: () => Promise<Log>,
  { dir, callers, seconds }: Task,
): Promise<Result> {
  const log = await open();
  await perSecond(
    callers,
    WARM_UP_SECONDS,
    (index) => log.append(index, record(index)),
  );
  const { count, ...cost } = await perSecond(
    callers,
    seconds,
    (index) => log.append(1e7 + index, record(index)),
  );
  await log.close();
  const perRecord = await bytesIn(dir) / (count + warmUp);
  return { ...cost, overheadBytes: perRecord - payloadBytes(count) };
}

const WARM_UP_SECONDS = 0.2;

/** How many were appended before the clock was started. */
let warmUp = 0;

async function perSecond(
  callers: number,
  seconds: number,
  operation: (index: number) => unknown,
): Promise<Cost & { count: number }> {
  let count = 0;
  const meter = new Meter();
  const end = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() < end) await operation(++count);
  }));
  warmUp = seconds === WARM_UP_SECONDS ? count : warmUp;
  return { ...meter.cost(count), count };
}

/** How many a second, and the microseconds of CPU time that each has cost the process. */
export type Cost = { rate: number; cpuUs: number };

/** Measures from where it is made. */
export class Meter {
  readonly #start = performance.now();
  readonly #cpu = process.cpuUsage();

  /** Milliseconds so far. */
  get ms(): number {
    return performance.now() - this.#start;
  }

  /** The cost of each of `count`. */
  cost(count: number): Cost {
    const { ms } = this;
    const { user, system } = process.cpuUsage(this.#cpu);
    return { rate: count / ms * 1000, cpuUs: (user + system) / count };
  }
}

async function batch(
  open: () => Promise<Log>,
  { count, seconds }: Task,
): Promise<Result> {
  const log = await open();
  const values = records(0, count);
  const { rate, cpuUs } = await perSecond(
    1,
    seconds,
    (index) => log.appendAll(index * count, values),
  );
  await log.close();
  return { rate: rate * count, cpuUs: cpuUs / count };
}

/** Makes the log that others read. */
async function fill(
  open: () => Promise<Log>,
  { count }: Task,
): Promise<Result> {
  const log = await open();
  for (let at = 0; at < count; at += 1_000) {
    await log.fill(at + 1, records(at, Math.min(1_000, count - at)));
  }
  await log.close();
  return {};
}

/** Reads a log into a map of keys, from opening it on. */
async function read(
  open: () => Promise<Log>,
  { count }: Task,
): Promise<Result> {
  const before = await memory();
  const stalls = new Stalls();
  const meter = new Meter();
  const log = await open();
  const map = new Map<string, unknown>();
  let read = 0;
  await log.readAll((item) => {
    const { key, value } = item as Item;
    map.set(key, value);
    read++;
  });
  const { ms } = meter;
  const cost = meter.cost(count);
  const stallMs = stalls.end();
  if (read > 0 && read < count) {
    throw new Error(`${read} of ${count} were read`);
  }
  const { peak } = await memory();
  const state = await heapMiB() - before.heap;
  await log.close();
  return {
    ...cost,
    ms,
    keys: map.size,
    stallMs,
    peakMiB: peak,
    beyondMiB: peak - before.peak - state,
  };
}

async function enqueue(
  open: () => Promise<Queue>,
  { callers, seconds }: Task,
): Promise<Result> {
  const queue = await open();
  const one = (index: number) => queue.enqueue(record(index));
  await perSecond(callers, WARM_UP_SECONDS, one);
  const { rate, cpuUs } = await perSecond(callers, seconds, one);
  await queue.close();
  return { rate, cpuUs };
}

async function drain(
  open: () => Promise<Queue>,
  { callers, count, seconds }: Task,
): Promise<Result> {
  const queue = await open();
  await queue.fill(records(0, count));
  let drained = 0;
  let warm: Meter | undefined;
  let before = 0;
  let cost: Cost | undefined;
  const cold = new Meter();
  await queue.drain(callers, () => {
    drained++;
    if (warm === undefined) {
      if (cold.ms < WARM_UP_SECONDS * 1000) return false;
      warm = new Meter();
      before = drained;
      return false;
    }
    // As many may be under way as there are consumers.
    const isEnough = warm.ms > seconds * 1000 || drained >= count - callers;
    if (isEnough) cost ??= warm.cost(drained - before);
    return isEnough;
  });
  await queue.close();
  return cost!;
}

/** From before a message is enqueued until a consumer that waits has it. */
async function latency(
  open: () => Promise<Queue>,
  { count }: Task,
): Promise<Result> {
  const queue = await open();
  let arrived = () => {};
  await queue.listen(() => arrived());
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const received = new Promise<void>((resolve) => arrived = resolve);
    const start = performance.now();
    await queue.enqueue(record(index));
    await received;
    times.push(performance.now() - start);
  }
  await queue.close();
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)]!;
  return { rate: 1000 / at(0.5), p50: at(0.5), p99: at(0.99) };
}

/** The longest time for which nothing else had its turn. */
export class Stalls {
  #longest = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#look(), 1);

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  /** Gives it, in milliseconds. */
  end(): number {
    this.#look();
    clearInterval(this.#timer);
    return this.#longest;
  }
}

/** MiB in use once everything that is garbage is gone. */
export async function heapMiB(): Promise<number> {
  (globalThis as { gc?: () => void }).gc?.();
  return (await memory()).heap;
}

/** MiB: the most that the process has had, and what its heap has now. */
export async function memory(): Promise<{ peak: number; heap: number }> {
  const { heapUsed, rss } = process.memoryUsage();
  // Only Linux says so.
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const [, kib] = /VmHWM:\s+(\d+)/.exec(status) ?? [];
  const peak = kib === undefined ? rss : Number(kib) * 1024;
  return { peak: peak / 2 ** 20, heap: heapUsed / 2 ** 20 };
}

/** The bytes of every file in a directory and below. */
export async function bytesIn(dir: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(dir, { recursive: true })) {
    const found = await stat(join(dir, entry));
    if (found.isFile()) sum += found.size;
  }
  return sum;
}
