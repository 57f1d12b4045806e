/** How the cost of what we do grows with the size of what is there. */
import { join } from "@std/path";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { type Item, record } from "./record.ts";
import { say } from "./report.ts";
import { heapMiB } from "./work.ts";

/** A curve: what something costs at each size. */
export interface Curve {
  readonly what: string;
  readonly unit: string;
  /** The thing that has this size. */
  readonly of: string;
  readonly points: readonly { readonly size: number; readonly cost: number }[];
}

/** Less than this cannot be told from the noise of the heap. */
const LEAST_MIB = 0.1;

const OPERATIONS = 5_000;
const CALLERS = 64;

/** Measures all curves; a quick run ends at smaller sizes. */
export async function measureGrowth(
  scratch: string,
  isQuick: boolean,
): Promise<Curve[]> {
  const less = isQuick ? 2 : 0;
  const dir = (name: string) => join(scratch, `growth-${name}`);
  return [
    ...await ofLog(dir("log"), sizes(3, 7 - less)),
    await ofTail(dir("tail"), sizes(2, 6 - less)),
    ...await ofQueue(dir("queue"), sizes(2, 6 - less)),
    ...await ofGroups(dir("groups"), sizes(2, 5 - less), isQuick),
    await ofMemory(dir("memory"), sizes(3, 6 - less)),
  ];
}

/** Prints curves. */
export function printGrowth(curves: readonly Curve[]): void {
  for (const { what, unit, of, points } of curves) {
    const each = points.map(({ size, cost }) =>
      `${cost.toPrecision(3)} at ${size.toLocaleString("en")}`
    );
    say(`\n${what}, ${unit} by ${of}\n  ${each.join("; ")}`);
  }
}

function sizes(from: number, to: number): number[] {
  return Array.from(
    { length: to - from + 1 },
    (_, index) => 10 ** (from + index),
  );
}

/** Microseconds for each of many operations by a number of callers. */
async function microseconds(
  operation: (index: number) => Promise<unknown>,
): Promise<number> {
  let left = OPERATIONS;
  const start = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (left > 0) await operation(left--);
  }));
  return (performance.now() - start) / OPERATIONS * 1000;
}

async function milliseconds(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

async function ofLog(dir: string, sizes: readonly number[]): Promise<Curve[]> {
  const appends = [];
  const reads = [];
  const path = join(dir, "journal.jsonl");
  for (const size of sizes) {
    {
      await using store = await MiniStore.open<Item>(path, { durable: false });
      for (let at = store.sequence; at < size; at++) {
        void store.append(record(at));
        if (at % 10_000 === 0) await store.sync();
      }
    }
    await using store = await MiniStore.open<Item>(path);
    await microseconds((index) => store.append(record(index)));
    const append = await microseconds((index) => store.append(record(index)));
    appends.push({ size, cost: append });
    const from = store.sequence - 1_000;
    const read = await milliseconds(() =>
      Array.fromAsync(store.replay({ from }))
    );
    reads.push({ size, cost: read });
  }
  const of = "records in the log";
  return [
    { what: "a durable append, 64 callers", unit: "µs", of, points: appends },
    { what: "reading the last 1,000 records", unit: "ms", of, points: reads },
  ];
}

function openState(dir: string): Promise<StateManager<Item[], Item>> {
  return StateManager.open<Item[], Item>(dir, {
    initial: () => [],
    apply: (items, item) => {
      items[item.value as number] = item;
    },
    snapshotEvery: "never",
  });
}

/** A state of 1,000 entries, with ever more records after its snapshot. */
async function ofTail(dir: string, sizes: readonly number[]): Promise<Curve> {
  const points = [];
  for (const size of sizes) {
    const place = join(dir, String(size));
    {
      await using state = await openState(place);
      await state.compact();
      for (let at = 0; at < size; at += 1_000) {
        const some = Array.from(
          { length: Math.min(1_000, size - at) },
          (_, index) => state.apply({ key: "reading", value: index }),
        );
        await Promise.all(some);
      }
    }
    const cost = await milliseconds(async () => {
      await (await openState(place)).close();
    });
    points.push({ size, cost });
  }
  const of = "records after the snapshot";
  return { what: "opening a state", unit: "ms", of, points };
}

async function ofQueue(
  dir: string,
  sizes: readonly number[],
): Promise<Curve[]> {
  const enqueues = [];
  const attempts = [];
  await using queue = await MiniQueue.open<Item>(dir);
  let waiting = 0;
  for (const size of sizes) {
    await enqueueMany(queue, waiting, size);
    waiting = size;
    await microseconds((index) => queue.enqueue(record(index)));
    const enqueue = await microseconds((index) => queue.enqueue(record(index)));
    const take = async () => await (await queue.receive())!.ack();
    await microseconds(take);
    enqueues.push({ size, cost: enqueue });
    attempts.push({ size, cost: await microseconds(take) });
  }
  const of = "messages that wait";
  return [
    { what: "enqueue, 64 callers", unit: "µs", of, points: enqueues },
    {
      what: "receive and acknowledge, 64 callers",
      unit: "µs",
      of,
      points: attempts,
    },
  ];
}

/** Enqueues messages from a number to another, in as many groups as there shall be. */
async function enqueueMany(
  queue: MiniQueue<Item>,
  from: number,
  to: number,
  groups?: number,
): Promise<void> {
  for (let at = from; at < to; at += 10_000) {
    const length = Math.min(10_000, to - at);
    const some = Array.from({ length }, (_, index) => ({
      payload: record(at + index),
      ...groups === undefined ? {} : { group: `${(at + index) % groups}` },
    }));
    await queue.enqueueBatch(some);
  }
}

/** As many messages always, in ever more groups, each of which has one under way at a time. */
async function ofGroups(
  dir: string,
  sizes: readonly number[],
  isQuick: boolean,
): Promise<Curve[]> {
  const messages = isQuick ? 20_000 : 200_000;
  const enqueues = [];
  const attempts = [];
  for (const size of sizes) {
    await using queue = await MiniQueue.open<Item>(join(dir, String(size)));
    await enqueueMany(queue, 0, messages, size);
    const add = (index: number) =>
      queue.enqueue(record(index), { group: `${index % size}` });
    await microseconds(add);
    enqueues.push({ size, cost: await microseconds(add) });
    const take = async () =>
      await (await queue.receive({ waitMs: 60_000 }))!.ack();
    await microseconds(take);
    attempts.push({ size, cost: await microseconds(take) });
  }
  const of = `groups that ${messages.toLocaleString("en")} messages are in`;
  const unit = "µs";
  return [
    { what: "enqueue, 64 callers", unit, of, points: enqueues },
    {
      what: "receive and acknowledge, 64 callers",
      unit,
      of,
      points: attempts,
    },
  ];
}

/** A state of ever more keys, each written ten times. */
async function ofMemory(dir: string, sizes: readonly number[]): Promise<Curve> {
  const points = [];
  for (const size of sizes) {
    const before = await heapMiB();
    await using state = await StateManager.open<Map<number, Item>, Item>(
      join(dir, String(size)),
      {
        initial: () => new Map(),
        codec: {
          encode: (items) => [...items],
          decode: (json) => new Map(json as [number, Item][]),
        },
        apply: (items, item) => {
          items.set(item.value as number, item);
        },
      },
    );
    for (let at = 0; at < 10 * size; at += 1_000) {
      const some = Array.from(
        { length: 1_000 },
        (_, index) => ({ key: "reading", value: (at + index) % size }),
      );
      await state.applyBatch(some);
    }
    const grown = await heapMiB() - before;
    points.push({ size, cost: Math.max(LEAST_MIB, grown) });
  }
  const of = "keys in the state";
  return { what: "memory", unit: "MiB", of, points };
}
