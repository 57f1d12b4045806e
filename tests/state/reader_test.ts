// A view on a log that its caller reads, or a state on one that its caller keeps.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { StateManager, StateView } from "@mini/state/state";
import { type FollowOptions, MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { hastyTimers } from "../support/timers.ts";
import {
  eventually,
  fillOnceRecovered,
  openView,
  withoutHints,
} from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";
const { initial, apply } = COUNTER;

/** Reads a log, and knows no more of it than at the last look, which takes a turn. */
function readerOf(log: MemoryLog) {
  const { sequence, firstSequence } = log;
  const reader = {
    id: undefined,
    sequence,
    firstSequence,
    following: 0,
    async refresh() {
      await new Promise((resolve) => setTimeout(resolve, 0));
      reader.sequence = log.sequence;
      reader.firstSequence = log.firstSequence;
    },
    replay: ({ from = 1, to = Infinity } = {}) =>
      log.replay({ from, to: Math.min(to, reader.sequence) }),
    async *follow(options: FollowOptions = {}) {
      reader.following++;
      try {
        yield* log.follow(options);
      } finally {
        reader.following--;
      }
    },
    close: () => log.close(),
  };
  return reader;
}

/** Where there are no snapshots. */
const NONE = {
  list: () => Promise.resolve([]),
  restore: () => Promise.resolve(undefined),
};

async function logOf(...records: unknown[]): Promise<MemoryLog> {
  const log = new MemoryLog();
  for (const data of records) await log.append(data);
  return log;
}

Deno.test("StateView looks at its log after the snapshots that prove what was applied", async () => {
  const log = await logOf({ apply: { by: 1 } }, {
    apply: { by: 2, fail: true },
  });
  const snapshots = {
    ...NONE,
    async list() {
      if (log.sequence === 2) {
        await log.append({ abort: 2 });
        await log.append({ apply: { by: 4 } });
      }
      return [{ seq: 4, sizeBytes: 0 }];
    },
  };
  const source = { log: readerOf(log), snapshots };
  await using view = await StateView.open(source, { initial, apply });
  assertEquals([view.state.value, view.sequence], [5, 4]);
});

Deno.test("StateView.at() begins with a newer snapshot where compaction has removed what it was about to read", async () => {
  const log = await logOf(...[1, 2, 4].map((by) => ({ apply: { by } })));
  let isAsked = false;
  const snapshots = {
    ...NONE,
    async restore() {
      const found = { state: { value: 3, log: [] }, seq: 2 };
      if (log.firstSequence > 1) return found;
      if (isAsked) await log.compact(2);
      return undefined;
    },
  };
  const source = { log: readerOf(log), snapshots };
  await using view = await StateView.open(source, { initial, apply });
  isAsked = true;
  assertEquals((await view.at(3)).value, 7);
  assertEquals(log.firstSequence, 3);
});

Deno.test("StateView that cannot make its state of an empty log says why, and reads no more", async () => {
  const log = await logOf();
  const reader = readerOf(log);
  const snapshots = {
    ...NONE,
    restore: () => Promise.reject(new RangeError("out of reach")),
  };
  await assertRejects(
    () => StateView.open({ log: reader, snapshots }, { initial, apply }),
    RangeError,
    "out of reach",
  );
  assertEquals(reader.following, 0);
});

Deno.test("StateManager.open() refuses a log whose only record is gone", async () => {
  const log = await logOf({ apply: { by: 1 } });
  await log.compact(1);
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Counter>("/own", { fs });
  const opening = StateManager.open({ ...COUNTER, log, snapshots });
  assertEquals((await errorOf(opening)).code, "CORRUPT");
});

Deno.test("StateManager.open() and StateView.open() say why the snapshots cannot be listed", async () => {
  const log = await logOf({ apply: { by: 1 } });
  const snapshots = {
    ...NONE,
    create: (_: Counter, seq: number) => Promise.resolve({ seq, sizeBytes: 0 }),
    list: () => Promise.reject(new RangeError("out of reach")),
  };
  const opens = [
    () => StateView.open({ log, snapshots }, { initial, apply }),
    () => StateManager.open({ ...COUNTER, log, snapshots }),
  ];
  for (const open of opens) {
    await assertRejects<unknown>(open, RangeError, "out of reach");
  }
});

Deno.test("StateView that cannot take in a record reads no more", async () => {
  const log = await logOf({ apply: { by: 1 } });
  const reader = readerOf(log);
  const source = { log: reader, snapshots: NONE };
  await using view = await StateView.open(source, { initial, apply });
  await log.append("no mutation");
  await eventually(() => view.failure !== undefined);
  assertEquals([reader.following, view.state], [0, { value: 1, log: [] }]);
});

Deno.test("StateView.open() does not try again where its log cannot be read", async () => {
  const log = await logOf({ apply: { by: 1 } });
  log.beforeReplay = () => {
    throw new MiniError("IO", "the disk is broken");
  };
  using timers = hastyTimers();
  const opening = StateView.open({ log, snapshots: NONE }, { initial, apply });
  assertEquals((await errorOf(opening)).code, "IO");
  assertEquals(timers.asked, []);
});

Deno.test("StateView.open() that fails has closed its files", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append("no mutation");
  await log.close();
  let openFiles = 0;
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "open" && fs.content(path)) openFiles++;
    if (operation === "close") openFiles--;
    return undefined;
  };
  assertEquals((await errorOf(openView(fs))).code, "UNSUPPORTED_FORMAT");
  assertEquals(openFiles, 0);
});

Deno.test("StateManager.open() and StateView.open() read a log thrice, however many aborts it holds of what apply does not throw for", async () => {
  const adds = [1, 2, 4, 8].map((by) => ({ apply: { by } }));
  const log = await logOf(...adds, { abort: 1 }, { abort: 2 }, { abort: 3 });
  let reads = 0;
  let failing = 0;
  log.beforeReplay = () => {
    if (++reads === failing) throw new MiniError("IO", "the disk is broken");
  };
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Counter>("/own", { fs });
  const open = () => StateManager.open({ ...COUNTER, log, snapshots });
  const counter = await open();
  assertEquals([counter.state.value, reads], [8, 3]);
  await counter.close();
  log.reopen();
  reads = 0;
  const source = { log: readerOf(log), snapshots: NONE };
  const view = await StateView.open(source, { initial, apply });
  assertEquals([view.state.value, reads], [8, 3]);
  await view.close();
  reads = 0;
  failing = 2;
  log.reopen();
  assertEquals((await errorOf(open())).code, "IO");
});

/** A view of the counter in "/data" that can be promoted, and the log that it reads. */
async function promotable(fs: MemoryFileSystem) {
  const log = await MiniStore.openReader<unknown>(JOURNAL, { fs });
  const follow = log.follow.bind(log);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const read = { following: 0, tries: 0, break: broken.reject };
  log.follow = async function* (options) {
    read.following++;
    read.tries++;
    const records = follow(options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = records.next();
        const { done, value } = await Promise.race([next, broken.promise]);
        if (done) return;
        yield value;
      }
    } finally {
      read.following--;
    }
  };
  const view = await StateView.open<Counter, { by: number }>({
    log,
    snapshots: new SnapStore<Counter>("/data", { fs, readOnly: true }),
    own: async () => ({
      log: await MiniStore.open<unknown>(JOURNAL, { fs }),
      snapshots: new SnapStore<Counter>("/data", { fs }),
    }),
  }, { ...COUNTER, onReplayThrow: "abort" });
  return { view, log, read };
}

Deno.test("StateView.promote() hands over no state that is not that of the log, though it stands at the same record", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  const before = fs.content(JOURNAL)!.slice();
  await killed.apply({ by: 2 });
  const { view, log, read } = await promotable(fs);
  assertEquals([view.state.value, view.sequence], [3, 2]);
  read.break(new MiniError("REWRITTEN", "it is another"));
  fs.restart();
  fs.put(JOURNAL, before);
  const other = await openCounter("/data", { fs });
  await other.apply({ by: 4 });
  await other.close();
  await eventually(() => read.tries > 1);
  await using counter = await view.promote();
  assertEquals([counter.state.value, counter.sequence], [5, 2]);
  await log.close();
});

Deno.test("StateView.promote() that fails after it was handed the state leaves one who reads the log", async () => {
  const fs = new MemoryFileSystem();
  const killed = await MiniStore.open<unknown>(JOURNAL, { fs });
  const applied = () => killed.sequence;
  await killed.append({ apply: { by: 1 } }, { applied });
  await killed.append({ apply: { by: 2, fail: true } }, { applied });
  await killed.append({ apply: { by: 4 } }, { applied });
  const { view, log, read } = await promotable(fs);
  assertEquals([view.state.value, view.sequence], [5, 3]);
  fs.restart();
  fillOnceRecovered(fs);
  assertEquals((await errorOf(view.promote())).code, "NO_SPACE");
  fs.hooks = {};
  assertEquals(read.following, 1);
  // What the view has found is recorded as found.
  await using counter = await view.promote();
  const records = await Array.fromAsync(MiniStore.replay(JOURNAL, { fs }));
  assertEquals(records.at(-1)?.data, { abort: 2, found: true });
  assertEquals(counter.state.value, 5);
  await log.close();
});

Deno.test("StateView.promote() does not wait until its log looks by itself", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  const view = await openView(withoutHints(fs));
  fs.restart();
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  try {
    await using counter = await view.promote();
    assertEquals(counter.state.value, 1);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("StateView.promote() pauses between two tries of the lock", async () => {
  const fs = new MemoryFileSystem();
  const writer = await openCounter("/data", { fs });
  await writer.apply({ by: 1 });
  const view = await openView(fs);
  using timers = hastyTimers();
  const promoted = view.promote({ waitMs: 60_000 });
  let turns = 0;
  await eventually(() => ++turns > 20);
  await writer.close();
  await using counter = await promoted;
  assertEquals(counter.state.value, 1);
  assert(timers.asked.includes(100), "it paused");
});

Deno.test("StateManager.watch() gives the last mutation that the state has, and then throws why the log is lost", async () => {
  const log = await logOf();
  const failed = Promise.withResolvers<MiniError>();
  Object.assign(log, { failed: failed.promise });
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs, log });
  await counter.apply({ by: 1 });
  const watching = counter.watch({ from: 1 })[Symbol.asyncIterator]();
  const lost = new MiniError("POISONED", "the disk is broken");
  const { changed } = counter;
  failed.resolve(lost);
  await changed;
  assertEquals((await watching.next()).value?.seq, 1);
  assertEquals(await errorOf(watching.next() as Promise<never>), lost);
  await counter.close();
});
