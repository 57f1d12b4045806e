/** The work that is measured. Runs in a process of its own, under Deno or Node. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Log, Queue } from "./contender.ts";
import { load, serve } from "./load.ts";
import { type Item, payloadBytes, record, records } from "./record.ts";
import {
  type Cost,
  isEnough,
  Meter,
  perSecond,
  type Result,
  type Task,
} from "./task.ts";

/** The work on a log by its name. */
export const LOG_WORK: Record<
  string,
  (open: () => Promise<Log>, task: Task) => Promise<Result>
> = { append, batch, fill, read, load };

/** The work on a queue by its name. */
export const QUEUE_WORK: Record<
  string,
  (open: () => Promise<Queue>, task: Task) => Promise<Result>
> = { enqueue, drain, latency, serve };

async function append(
  open: () => Promise<Log>,
  task: Task,
): Promise<Result> {
  const { dir, callers } = task;
  const log = await open();
  const { count: warmUp } = await perSecond(
    callers,
    { ...task, seconds: WARM_UP_SECONDS },
    (index) => log.append(index, record(index)),
  );
  const cost = await perSecond(
    callers,
    task,
    (index) => log.append(1e7 + index, record(index)),
  );
  await log.close();
  const { count } = cost;
  const perRecord = await bytesIn(dir) / (count + warmUp);
  return { ...cost, overheadBytes: perRecord - payloadBytes(count) };
}

const WARM_UP_SECONDS = 0.2;

async function batch(
  open: () => Promise<Log>,
  task: Task,
): Promise<Result> {
  const { count } = task;
  const log = await open();
  const values = records(0, count);
  const cost = await perSecond(
    1,
    task,
    (index) => log.appendAll(index * count, values),
  );
  await log.close();
  return {
    ...cost,
    rate: cost.rate * count,
    cpuUs: cost.cpuUs / count,
    count: cost.count * count,
  };
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
  task: Task,
): Promise<Result> {
  const { callers } = task;
  const queue = await open();
  const one = (index: number) => queue.enqueue(record(index));
  await perSecond(callers, { ...task, seconds: WARM_UP_SECONDS }, one);
  const cost = await perSecond(callers, task, one, queue.cpuUs);
  await queue.close();
  return cost;
}

async function drain(
  open: () => Promise<Queue>,
  task: Task,
): Promise<Result> {
  const { callers, count } = task;
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
      const warmUp = { ...task, seconds: WARM_UP_SECONDS };
      if (!isEnough(warmUp, cold.ms, drained)) return false;
      warm = new Meter(queue.cpuUs);
      before = drained;
      return false;
    }
    // As many may be under way as there are consumers.
    const isOver = isEnough(task, warm.ms, drained - before) ||
      drained >= count - callers;
    if (isOver) cost ??= warm.cost(drained - before);
    return isOver;
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
