import {
  type FileSystem,
  type MiniError,
  MiniStore,
  type StoreOptions,
} from "@mini/state/store";
import type { Workload, WorkloadLog } from "@mini/state/testing";
import { WallClock } from "./wall_clock.ts";

const PATH = "/data/journal.jsonl";

type Store = MiniStore<string>;
type Log = WorkloadLog<string>;

/** Appends one record and notes what became of it. */
async function append(
  store: Store,
  log: Log,
  item: string,
): Promise<void> {
  await settle(log, log.issue(item), store.append(item));
}

/** Appends one record before it returns, and notes what became of it. */
function appendSync(store: Store, log: Log, item: string): void {
  const unit = log.issue(item);
  try {
    store.appendSync(item);
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code === "NO_SPACE") log.refuse(unit);
    else throw error;
  }
}

async function appendBatch(
  store: Store,
  log: Log,
  items: string[],
): Promise<void> {
  await settle(log, log.issue(...items), store.appendBatch(items));
}

/** A record whose durability nobody waits for: it may be there or not. */
async function appendLazily(
  store: Store,
  log: Log,
  item: string,
): Promise<void> {
  log.issue(item);
  await store.append(item, { durable: false });
}

async function settle(
  log: Log,
  unit: number,
  done: Promise<number>,
): Promise<void> {
  try {
    await done;
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code === "NO_SPACE") log.refuse(unit);
    else throw error;
  }
}

/** Throws where a file may be opened by others than it should, once it has its name. */
async function assertModes(fs: FileSystem, wanted: number): Promise<void> {
  for (const name of await fs.list("/data")) {
    const { mode } = (await fs.stat(`/data/${name}`))!;
    if (mode === wanted || name.endsWith(".tmp")) continue;
    throw new Error(`${name} has the mode ${mode?.toString(8)}`);
  }
}

function workload(
  name: string,
  run: (store: Store, log: Log, reopen: () => Promise<Store>) => Promise<void>,
  options: StoreOptions<string> = {},
): Workload<string> {
  const open = (fs: StoreOptions<string>["fs"] & object) =>
    MiniStore.open<string>(PATH, { ...options, fs });
  return {
    name,
    extra: "extra",
    async run(fs, log) {
      const store = await open(fs);
      await run(store, log, () => open(fs));
    },
    async recover(fs) {
      const store = await open(fs);
      if (options.mode !== undefined) await assertModes(fs, options.mode);
      return await Array.fromAsync(store.replay(), (record) => record.data);
    },
    async append(fs, item) {
      const store = await open(fs);
      await store.append(item);
      await store.close();
    },
  };
}

const long = (index: number) => `${index} ${"x".repeat(150)}`;

const LOSSLESS: readonly Workload<string>[] = [
  workload("open and close", async (store, _log, reopen) => {
    await store.close();
    await (await reopen()).close();
  }),
  workload("appends one after another", async (store, log) => {
    for (const item of ["a", "b", "c"]) await append(store, log, item);
    await store.close();
  }),
  workload("concurrent appends", async (store, log) => {
    const items = Array.from({ length: 12 }, (_, index) => long(index));
    await Promise.all(items.map((item) => append(store, log, item)));
    const more = Array.from({ length: 5 }, (_, index) => long(100 + index));
    await Promise.all(more.map((item) => append(store, log, item)));
    await store.close();
  }),
  workload("batches", async (store, log) => {
    await appendBatch(store, log, ["a", "b", "c"]);
    await Promise.all([
      appendBatch(store, log, [long(1), long(2), long(3), long(4)]),
      append(store, log, "d"),
      appendBatch(store, log, ["e", long(5)]),
    ]);
    await store.close();
  }),
  workload("records nobody waits for", async (store, log) => {
    await append(store, log, "a");
    for (const index of [1, 2, 3, 4]) {
      await appendLazily(store, log, long(index));
    }
    await append(store, log, "b");
    await appendLazily(store, log, "c");
    await store.close();
  }),
  workload("records nobody waits for, and rotation", async (store, log) => {
    await append(store, log, "a");
    await appendLazily(store, log, "b");
    await appendLazily(store, log, long(1));
    await store.rotate();
    // More than a sector, so that the header may be missing alone.
    for (const index of [2, 3, 4, 5]) {
      await appendLazily(store, log, long(index));
    }
    await append(store, log, "c");
    await store.close();
  }),
  workload("rotation", async (store, log) => {
    await append(store, log, "a");
    await append(store, log, "b");
    await store.rotate();
    await append(store, log, "c");
    await Promise.all([append(store, log, "d"), store.rotate()]);
    await append(store, log, "e");
    await store.close();
  }),
  workload("rotation by size under concurrent appends", async (store, log) => {
    for (const round of [0, 1, 2]) {
      const items = [0, 1, 2, 3].map((index) => long(10 * round + index));
      await Promise.all(items.map((item) => append(store, log, item)));
    }
    await store.close();
  }, { maxSegmentBytes: 500 }),
  workload(
    "synchronous appends, appends that wait, and rotation",
    async (store, log) => {
      appendSync(store, log, "a");
      const waiting = Promise.all(
        ["b", long(1)].map((item) => append(store, log, item)),
      );
      waiting.catch(() => {});
      appendSync(store, log, "c");
      await waiting;
      for (const index of [2, 3, 4]) appendSync(store, log, long(index));
      await append(store, log, "d");
      await store.close();
    },
    { maxSegmentBytes: 500 },
  ),
  workload("files that a group may read", async (store, log, reopen) => {
    await append(store, log, "a");
    await store.rotate();
    await append(store, log, "b");
    await store.close();
    const second = await reopen();
    await append(second, log, "c");
    await second.close();
  }, { mode: 0o640 }),
  workload("several lives", async (store, log, reopen) => {
    await append(store, log, "a");
    await store.close();
    const second = await reopen();
    await append(second, log, "b");
    await second.rotate();
    await second.close();
    const third = await reopen();
    await Promise.all(["c", "d", "e"].map((item) => append(third, log, item)));
    await third.close();
  }),
];

/** Compaction, after which only an end of what was written is there. */
function compaction(): Workload<string> {
  const all = ["1", "2", "3", "4", "5", "6"];
  const base = workload("compaction", async (store, log) => {
    for (const item of all) {
      const unit = log.issue(item);
      // One that is refused would shift the numbers of those behind it.
      await store.append(item);
      log.ack(unit);
      if (Number(item) % 2 === 0) await store.rotate();
    }
    await store.compact(2);
    await store.compact(6);
    await append(store, log, "7");
    await store.close();
  });
  return {
    ...base,
    async recover(fs) {
      const store = await MiniStore.open<string>(PATH, { fs });
      const items = await Array.fromAsync(
        store.replay(),
        (record) => record.data,
      );
      // What compaction has removed was there before: it is put back for the comparison.
      return [...all.slice(0, store.firstSequence - 1), ...items];
    },
  };
}

/** Removal of what is beyond `keep`: that many of the newest records are there, without a gap. */
function keeping(name: string, isSync: boolean): Workload<string> {
  const all = ["1", "2", "3"];
  const options = { maxSegmentBytes: 120, keep: { records: 1 } };
  const base = workload(name, async (store, log) => {
    for (const item of all) {
      const unit = log.issue(item);
      if (isSync) store.appendSync(item);
      else await store.append(item);
      log.ack(unit);
    }
    await store.close();
  }, options);
  return {
    ...base,
    async recover(fs) {
      const store = await MiniStore.open<string>(PATH, { ...options, fs });
      const { firstSequence: first, sequence } = store;
      if (first > 1 && sequence - first + 1 < options.keep.records) {
        throw new Error(`only records ${first} to ${sequence} are kept`);
      }
      const items = await Array.fromAsync(
        store.replay(),
        (record) => record.data,
      );
      return [...all.slice(0, first - 1), ...items];
    },
  };
}

/** Times, by a clock that goes back, and that shows an earlier time after each crash. */
function timed(): Workload<string> {
  const start = Date.UTC(2026, 0, 1);
  const options = { maxSegmentBytes: 300, timestamps: true };
  const base = workload("times", async (store, log) => {
    using clock = new WallClock(start);
    for (const ms of [0, -9_000, 3]) {
      clock.ms += ms;
      await append(store, log, long(ms));
    }
    await store.close();
  }, options);
  return {
    ...base,
    async recover(fs) {
      using _clock = new WallClock(start - 1_000);
      const store = await MiniStore.open<string>(PATH, { ...options, fs });
      const items: string[] = [];
      let last = 1;
      for await (const { seq, at, data } of store.replay()) {
        const ms = at?.getTime() ?? 0;
        if (ms < last) throw new Error(`record ${seq} is of ${ms}`);
        last = ms;
        items.push(data);
      }
      return items;
    },
    async append(fs, item) {
      using _clock = new WallClock(start - 1_000);
      await base.append(fs, item);
    },
  };
}

/** Every operation of the store, each in a run short enough to cut everywhere. */
export const STORE_WORKLOADS: readonly Workload<string>[] = [
  ...LOSSLESS,
  compaction(),
  keeping("removal of what is not kept", false),
  keeping("synchronous removal of what is not kept", true),
  timed(),
];
