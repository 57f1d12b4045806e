import { assertEquals, assertRejects } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { type Snapshots, StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";

/** Snapshots that are not made before `kept` resolves. */
function heldSnapshots() {
  const kept = Promise.withResolvers<void>();
  const snapshots: Snapshots<Counter> = {
    create: async (_, seq) => {
      await kept.promise;
      return { path: "", seq, sizeBytes: 0 };
    },
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
  };
  return { snapshots, kept };
}

Deno.test("StateManager.at() and history() work again after a read has failed once", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 2 });
  fs.hooks.before = ({ operation, path }) =>
    operation === "open" && path.endsWith(".jsonl")
      ? { code: "EMFILE" }
      : undefined;
  assertEquals((await errorOf(counter.at(2))).code, "IO");
  fs.hooks = {};
  assertEquals((await counter.at(2)).value, 3);
  assertEquals((await Array.fromAsync(counter.history())).length, 2);
});

Deno.test("StateManager.at() beside compaction starts from the newer snapshot", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, keepSnapshots: 1 });
  for (let round = 0; round < 50; round++) {
    await counter.apply({ by: 1 });
    const now = counter.sequence;
    const [state] = await Promise.all([counter.at(now), counter.compact()]);
    assertEquals(state.value, now);
  }
});

Deno.test("StateManager.watch() and at() of what is new need nothing of what is old and damaged", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, maxSegmentBytes: 1 };
  {
    await using counter = await openCounter("/data", options);
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
  }
  const path = `/data/journal.${"0".padStart(20, "0")}.jsonl`;
  const bytes = fs.content(path)!;
  bytes[bytes.length - 5]! ^= 1;
  fs.put(path, bytes);
  await using counter = await openCounter("/data", options);
  const watching = counter.watch()[Symbol.asyncIterator]();
  const seen = watching.next();
  await counter.apply({ by: 4 });
  assertEquals((await seen).value?.mutation, { by: 4 });
  assertEquals((await counter.at(3)).value, 7);
  await watching.return?.();
});

Deno.test("StateManager.watch() rejects when the state has failed, and gives nothing that it never had", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  const watching = counter.watch({ from: 1 })[Symbol.asyncIterator]();
  assertEquals((await watching.next()).value?.seq, 1);
  const seen = watching.next();
  fs.hooks.before = ({ operation, path }) =>
    operation === "list" && path === "/data" ? { code: "EMFILE" } : undefined;
  const failed = await errorOf(counter.apply({ by: 2, fail: true }));
  fs.hooks = {};
  assertEquals(failed.code, "POISONED");
  assertEquals((await errorOf(seen)).code, "POISONED");
  await counter.close();
});

Deno.test("StateManager.watch() gives all that was acknowledged before the log failed, then the failure", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  const { snapshots, kept } = heldSnapshots();
  const counter = await StateManager.open({ ...COUNTER, log, snapshots });
  await counter.apply({ by: 1 });
  const watching = counter.watch({ from: 1 })[Symbol.asyncIterator]();
  assertEquals((await watching.next()).value?.seq, 1);
  const seen = watching.next();
  const created = counter.createSnapshot();
  const applied = counter.apply({ by: 2 });
  while (log.sequence < 2) await new Promise((done) => setTimeout(done));
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const failed = errorOf(counter.apply({ by: 4 }));
  await log.failed;
  while (counter.failure === undefined) await undefined;
  fs.hooks = {};
  kept.resolve();
  assertEquals([(await created).seq, await applied], [1, 2]);
  assertEquals((await seen).value, { seq: 2, mutation: { by: 2 } });
  assertEquals((await errorOf(watching.next())).code, "POISONED");
  assertEquals([(await failed).code, counter.state.value], ["POISONED", 3]);
  await counter.close();
});

Deno.test("StateManager.watch() ends with the reason of its signal, also while the state takes in a record", async () => {
  const reason = new Error("enough");
  const { snapshots, kept } = heldSnapshots();
  const log = new MemoryLog();
  await using counter = await StateManager.open({ ...COUNTER, log, snapshots });
  const stop = new AbortController();
  const watching = counter.watch({ signal: stop.signal })
    [Symbol.asyncIterator]();
  const created = counter.createSnapshot();
  const applied = counter.apply({ by: 1 });
  const seen = assertRejects(() => watching.next(), Error, "enough");
  for (let turn = 0; turn < 50; turn++) await undefined;
  assertEquals([log.sequence, counter.sequence], [1, 0]);
  stop.abort(reason);
  await seen;
  kept.resolve();
  assertEquals([(await created).seq, await applied], [0, 1]);
});

Deno.test("StateManager.watch() ends on close, also where the log holds what the state never took in", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  const counter = await openCounter("/data", { fs, log });
  const watching = counter.watch()[Symbol.asyncIterator]();
  const seen = watching.next();
  await counter.apply({ by: 1 });
  assertEquals((await seen).value, { seq: 1, mutation: { by: 1 } });
  await log.append({ apply: { by: 2 } });
  const next = watching.next();
  await counter.close();
  assertEquals(await next, { done: true, value: undefined });
});

Deno.test("StateManager.close() waits for snapshots, compaction and time travel under way", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  const tasks = Promise.all([
    counter.createSnapshot(),
    counter.compact(),
    counter.at(1),
  ]);
  let isClosed = false;
  const closed = counter.close().then(() => isClosed = true);
  await tasks.then(() => assertEquals(isClosed, false));
  await closed;
  await using again = await openCounter("/data", { fs });
  assertEquals(again.recovery.snapshotSequence, 1);
});

Deno.test("StateManager.applyBatch() of nothing is refused as any other would be", async () => {
  const counter = await openCounter("/data", { fs: new MemoryFileSystem() });
  const expectedSequence = 99;
  const conflict = counter.applyBatch([], { expectedSequence });
  assertEquals((await errorOf(conflict)).code, "CONFLICT");
  assertEquals(await counter.applyBatch([]), 0);
  await counter.close();
  assertEquals((await errorOf(counter.applyBatch([]))).code, "CLOSED");
});

Deno.test("StateManager: a snapshotEvery that throws does not make an apply look failed", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
    snapshotEvery: (state) => {
      if (state.value === 0) return 2;
      throw new Error("boom");
    },
  });
  assertEquals(counter.snapshotFailure, undefined);
  assertEquals(await counter.apply({ by: 1 }), 1);
  assertEquals((counter.snapshotFailure as Error).message, "boom");
});

for (const every of [0, 0.5, NaN]) {
  Deno.test(`StateManager: a snapshotEvery that says ${every} does not make an apply look failed`, async () => {
    const fs = new MemoryFileSystem();
    const options = { fs, snapshotEvery: () => every };
    await using counter = await openCounter("/data", options);
    assertEquals(await counter.apply({ by: 1 }), 1);
    assertEquals(counter.snapshotFailure instanceof RangeError, true);
  });
}

Deno.test("StateManager.close() waits for the snapshot that an apply has set off, and for its compaction", async () => {
  const fs = new MemoryFileSystem();
  const retain = { records: 0 };
  const options = { fs, snapshotEvery: 1, keepSnapshots: 1, retain };
  const counter = await openCounter("/data", options);
  const applied = counter.apply({ by: 1 });
  await counter.close();
  const { calls } = fs;
  assertEquals(await applied, 1);
  assertEquals([counter.snapshotFailure, fs.calls], [undefined, calls]);
  await using again = await openCounter("/data", options);
  const { snapshotSequence, replayed } = again.recovery;
  assertEquals([snapshotSequence, replayed], [1, 0]);
  assertEquals(await Array.fromAsync(again.history()), []);
});

for (const read of ["watch", "history"] as const) {
  Deno.test(`StateManager.${read}() gives what there was when it was closed, also behind a snapshot`, async () => {
    const fs = new MemoryFileSystem();
    {
      await using counter = await openCounter("/data", { fs });
      await counter.apply({ by: 1 });
      await errorOf(counter.apply({ by: 2, fail: true }));
      await counter.apply({ by: 3 });
      await counter.createSnapshot();
      await counter.apply({ by: 4 });
    }
    const counter = await openCounter("/data", { fs });
    const seen = Array.fromAsync(counter[read]({ from: 1 }));
    await counter.close();
    assertEquals((await seen).map(({ mutation }) => mutation.by), [1, 3, 4]);
  });
}

Deno.test("StateManager.at() starts from the newer snapshot also while the removal of what is older is under way", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  const { fs } = holding;
  const kept = new SnapStore<Counter>("/data", { fs, keep: 1 });
  let compacting = () => Promise.resolve();
  const snapshots: Snapshots<Counter> = {
    create: (state, seq, options) => kept.create(state, seq, options),
    restore: async (upTo) => {
      const found = await kept.restore(upTo);
      await compacting();
      return found;
    },
    list: () => kept.list(),
  };
  await using counter = await openCounter("/data", { fs, snapshots });
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  await counter.apply({ by: 2 });
  const snapshot = holding.hold("remove");
  let segment = snapshot;
  let compacted: Promise<unknown> | undefined;
  compacting = async () => {
    compacted ??= counter.compact();
    await snapshot.reached;
    if (segment === snapshot) segment = holding.hold("remove");
    snapshot.release();
    await segment.reached;
  };
  assertEquals((await counter.at(2)).value, 3);
  segment.release();
  await compacted;
});

Deno.test("StateManager tells of a log that is lost while nobody appends", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  const counter = await openCounter("/data", { fs, log });
  await counter.apply({ by: 1 });
  const { changed } = counter;
  fs.hooks.before = ({ operation }) =>
    operation === "syncDirectory" ? { code: "EIO" } : undefined;
  const error = await errorOf(log.rotate());
  await changed;
  assertEquals(error.code, "POISONED");
  assertEquals([counter.failure, await log.failed], [error, error]);
  assertEquals(await errorOf(counter.apply({ by: 2 })), error);
  fs.hooks = {};
  await counter.close();
});
