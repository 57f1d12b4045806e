/**
 * Load that comes at a rate, whether or not what came before it is done, as a
 * server has it. How long something takes counts from when it was due: a log that
 * falls behind pays for it.
 */
import { Worker } from "node:worker_threads";
import type { Log, Queue } from "./contender.ts";
import { type Item, record } from "./record.ts";
import { SHARES } from "./results.ts";
import { perSecond, type Result, type Task } from "./task.ts";

/** The callers, each with one operation at a time, whose rate is the capacity. */
const CALLERS = 64;
/** An operation that is not done so long after the last was due counts as done then. */
const PATIENCE_MS = 5_000;

/** Appends to a log at a rate. */
export async function load(
  open: () => Promise<Log>,
  task: Task,
): Promise<Result> {
  const log = await open();
  let number = 0;
  const result = await underLoad(task, () => {
    number++;
    return log.append(number, record(number));
  });
  await log.close();
  return result;
}

/** Enqueues at a rate, beside 64 consumers: from enqueueing a message to when it is acknowledged. */
export async function serve(
  open: () => Promise<Queue>,
  task: Task,
): Promise<Result> {
  const queue = await open();
  const waiting = new Map<number, () => void>();
  const numberOf = (item: unknown) => ((item as Item).value as Sized).size;
  await queue.serve(CALLERS, (item) => {
    const number = numberOf(item);
    waiting.get(number)?.();
    waiting.delete(number);
  });
  let number = 0;
  return await underLoad(task, async () => {
    const item = record(++number);
    const done = new Promise<void>((resolve) => waiting.set(number, resolve));
    await queue.enqueue(item);
    await done;
  });
}

interface Sized {
  readonly size: number;
}

async function underLoad(
  { seconds, seed = 1 }: Task,
  one: () => unknown,
): Promise<Result> {
  await perSecond(CALLERS, { seconds: seconds / 10 }, one);
  const { rate } = await perSecond(CALLERS, { seconds: seconds / 4 }, one);
  const result: Result = { rate };
  for (const share of SHARES) {
    const arrivals = { perSecond: rate * share / 100, seconds, seed };
    const times = await atRate(arrivals, one);
    times.sort((a, b) => a - b);
    const at = (part: number) => times[Math.floor(times.length * part)]!;
    result[`samplesAt${share}`] = times.length;
    result[`p50At${share}`] = at(0.5);
    result[`p99At${share}`] = at(0.99);
    result[`p999At${share}`] = at(0.999);
  }
  return result;
}

interface Arrivals {
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

/** The milliseconds that each took from when it was due. */
async function atRate(arrivals: Arrivals, one: () => unknown) {
  /** Until it is done, when it was due, below zero. */
  const times: Float64Array<ArrayBuffer> = new Float64Array(
    Math.ceil(arrivals.perSecond * arrivals.seconds * 1.2) + 1_000,
  );
  let begun = 0;
  let left = 0;
  let isOver = false;
  await new Promise<void>((resolve, reject) => {
    const take = async (due: number) => {
      const index = begun++;
      times[index] = -due;
      left++;
      await one();
      times[index] = now() - due;
      left--;
      if (isOver && left === 0) resolve();
    };
    const source = new Worker(new URL(sourceOf(tell)), {
      workerData: arrivals,
    });
    source.on("error", reject);
    source.on("message", (dues: readonly number[]) => {
      for (const due of dues) take(due).catch(reject);
      if (dues.length > 0) return;
      isOver = true;
      if (left === 0) resolve();
      setTimeout(resolve, PATIENCE_MS);
    });
  });
  const end = now();
  return times.slice(0, begun).map((time) => time < 0 ? end + time : time);
}

/** Milliseconds on a clock that all threads share. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** A module that tells when something is due, from a thread of its own, as a network would. */
function sourceOf(tell: unknown): string {
  const module = `import { parentPort, workerData } from "node:worker_threads";
(${tell})(workerData, (dues) => parentPort.postMessage(dues));`;
  return `data:text/javascript,${encodeURIComponent(module)}`;
}

/** Tells the times that are due, at random (a Poisson process), and an empty list in the end. Its text is run elsewhere: it uses nothing from here. */
function tell(
  { perSecond, seconds, seed }: Arrivals,
  due: (times: number[]) => void,
): void {
  let state = seed;
  /** Mulberry32. */
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const clock = () => performance.timeOrigin + performance.now();
  const start = clock();
  const gap = () => -Math.log(1 - random()) * 1000 / perSecond;
  let next = start + gap();
  while (next < start + seconds * 1000) {
    const present = clock();
    const times: number[] = [];
    for (; next <= present; next += gap()) times.push(next);
    if (times.length > 0) due(times);
    const wait = next - clock();
    if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  }
  due([]);
}
