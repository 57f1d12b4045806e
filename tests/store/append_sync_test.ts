import { assert, assertEquals } from "@std/assert";
import { type MiniError, MiniStore } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { openAndRead } from "../support/journal.ts";
import { Listener } from "../support/listener.ts";
import { left, open, PATH, thrown } from "../support/sync_append.ts";
import { syncedPaths } from "../support/syncs.ts";
import { WallClock } from "../support/wall_clock.ts";

Deno.test("MiniStore.appendSync() returns the number once the record is durable, and appends the lines of append()", async () => {
  await using directory = new TestDirectory();
  const texts: string[] = [];
  const records = ["a", { b: [1, null] }, "c"];
  for (const isSync of [true, false]) {
    const path = directory.at(`${isSync}.jsonl`);
    const store = await MiniStore.open<unknown>(path);
    const { id } = store;
    for (const [index, record] of records.entries()) {
      const synced = await syncedPaths(async () => {
        const seq = isSync
          ? store.appendSync(record)
          : await store.append(record);
        assertEquals([seq, store.sequence], [index + 1, index + 1]);
        assertEquals(store.durableSequence, seq);
      });
      assertEquals(synced.length, 1);
    }
    await store.close();
    const text = await Deno.readTextFile(path);
    // The checksums differ as the ids of the logs do.
    texts.push(
      text.replaceAll(/"crc":"\w+"/g, '"crc":""').replace(id!, "id"),
    );
    const opened = await openAndRead(path);
    assertEquals(opened, { data: records, outcome: "clean" });
  }
  assertEquals(texts[0], texts[1]);
});

Deno.test("MiniStore.appendSync() survives every power cut once it has returned", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  store.appendSync("a");
  store.appendSync("b");
  for (const state of crashStates(fs.snapshot())) {
    assertEquals(await left(state.fs), ["a", "b"], state.label);
  }
  await store.close();
});

Deno.test("MiniStore.appendSync() takes along what waits, in order", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  const resolved: number[] = [];
  const waiting = [
    store.append("a"),
    store.appendBatch(["b", "c"]),
    store.append("d", { durable: false }),
  ].map((append) => append.then((seq) => resolved.push(seq)));
  const syncs: string[] = [];
  fs.hooks.before = ({ operation }) => void syncs.push(operation);
  assertEquals(store.appendSync("e"), 5);
  assertEquals(syncs.filter((name) => name === "sync").length, 1);
  assertEquals(resolved, []);
  await Promise.all(waiting);
  assertEquals(resolved, [1, 3, 4]);
  assertEquals(await store.append("f"), 6);
  await store.close();
  assertEquals(await left(fs), ["a", "b", "c", "d", "e", "f"]);
});

Deno.test("MiniStore.appendSync() writes commits that wait one after another, where they are too large for one", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  const large = "x".repeat(3_000_000);
  const waiting = [store.append(large), store.append(large)];
  assertEquals(store.appendSync("after"), 3);
  assertEquals(await Promise.all(waiting), [1, 2]);
  await store.close();
});

Deno.test("MiniStore.appendSync() throws BUSY while a commit is under way, and loses nothing", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  let error: MiniError | undefined;
  fs.hooks.before = ({ operation }) => {
    if (operation === "sync") error ??= thrown(() => store.appendSync("b"));
    return undefined;
  };
  assertEquals(await store.append("a"), 1);
  assertEquals([error?.code, error?.path], ["BUSY", PATH]);
  assert(error?.message.includes("nothing was written"), error?.message);
  assertEquals(store.appendSync("c"), 2, "the number is used");
  await store.close();
  assertEquals(await left(fs), ["a", "c"]);
});

Deno.test("MiniStore.appendSync() follows append() as soon as that has resolved", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  for (let seq = 1; seq < 20; seq += 2) {
    assertEquals(await store.append(seq), seq);
    assertEquals(store.appendSync(seq + 1), seq + 1);
  }
  await store.sync();
  assertEquals(store.appendSync("after sync()"), 21);
  await store.rotate();
  assertEquals(store.appendSync("after rotate()"), 22);
  await store.compact(1);
  assertEquals(store.appendSync("after compact()"), 23);
  await store.close();
});

Deno.test("MiniStore.appendSync() throws BUSY in the midst of a rotation", async () => {
  const holding = new HoldingFileSystem(new MemoryFileSystem());
  const store = await open(holding.fs);
  await store.append("a");
  const renamed = holding.hold("rename");
  const rotated = store.rotate();
  await renamed.reached;
  assertEquals(thrown(() => store.appendSync("b")).code, "BUSY");
  renamed.release();
  await rotated;
  await store.close();
});

Deno.test("MiniStore.appendSync() throws BUSY after a call of another task, which comes first", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  store.appendSync("a");
  const tasks = {
    rotate: () => store.rotate(),
    compact: () => store.compact(1),
    sync: () => store.sync(),
    resetTo: () => store.resetTo(10),
  };
  for (const [name, run] of Object.entries(tasks)) {
    const done = run();
    assertEquals(thrown(() => store.appendSync("b")).code, "BUSY", name);
    await done;
  }
  assertEquals(store.appendSync("c"), 11);
  const closed = store.close();
  assertEquals(thrown(() => store.appendSync("d")).code, "CLOSED");
  await closed;
  assertEquals(await left(fs), ["c"]);
});

Deno.test("MiniStore.appendSync() throws BUSY while an append before it makes the segment rotate", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { maxSegmentBytes: 1 });
  assertEquals(await store.append("a"), 1);
  assertEquals(thrown(() => store.appendSync("b")).code, "BUSY");
  await store.sync();
  assertEquals(store.appendSync("c"), 2);
  await store.close();
  assertEquals(await left(fs), ["a", "c"]);
});

Deno.test("MiniStore.appendSync() rotates, and removes what is beyond keep, before it returns", async () => {
  const fs = new MemoryFileSystem();
  const options = { maxSegmentBytes: 150, keep: { records: 4 } };
  const store = await open(fs, options);
  for (let seq = 1; seq <= 20; seq++) {
    assertEquals(store.appendSync("x".repeat(60)), seq);
  }
  const { firstSequence } = store;
  assert(firstSequence > 1 && firstSequence <= 17, `${firstSequence}`);
  assert(store.metrics().rotations >= 5);
  assertEquals([store.rotationFailure, store.keepFailure], [
    undefined,
    undefined,
  ]);
  // No close(): as after a kill.
  assertEquals((await left(fs)).length, 21 - firstSequence);
});

Deno.test("MiniStore.appendSync() removes by age what opening has read, and leaves the rest to append()", async () => {
  using clock = new WallClock(Date.UTC(2026, 0, 1));
  for (const verifyFrom of [1, 1_000]) {
    const fs = new MemoryFileSystem();
    const options = { maxSegmentBytes: 1, timestamps: true, verifyFrom };
    const before = await open(fs, options);
    for (const record of ["old", "older than new"]) before.appendSync(record);
    await before.close();
    clock.ms += 60_000;
    const keep = { ageMs: 1_000 };
    const store = await open(fs, { ...options, keep });
    store.appendSync("new");
    assertEquals(store.firstSequence, verifyFrom === 1 ? 3 : 1);
    await store.append("newer");
    await store.sync();
    assertEquals(store.firstSequence, 3);
    await store.close();
  }
});

Deno.test("MiniStore.appendSync() with durable: false writes and does not sync", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { durable: false });
  assertEquals(store.appendSync("a"), 1);
  assertEquals([store.sequence, store.durableSequence], [1, 0]);
  assertEquals(store.appendSync("b", { durable: true }), 2);
  assertEquals(store.durableSequence, 2);
  await store.close();
});

Deno.test("MiniStore.appendSync() lets those who follow read on", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs);
  const followed = Array.fromAsync(store.follow(), ({ data }) => data);
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  store.appendSync("a");
  await store.append("b");
  store.appendSync("c");
  await store.close();
  assertEquals(await followed, ["a", "b", "c"]);
});

Deno.test("MiniStore.appendSync() syncs the names that its rotation changes", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await using store = await MiniStore.open<string>(path, {
    maxSegmentBytes: 1,
  });
  const synced = await syncedPaths(() => store.appendSync("a"));
  // The record, the header of the next segment, and twice the directory.
  assertEquals(synced.filter((path) => path !== directory.path).length, 2);
  assertEquals(synced.slice(-2), [directory.path, directory.path]);
});

Deno.test("MiniStore.appendSync() is told and counted before it returns", async () => {
  const fs = new MemoryFileSystem();
  const store = await open(fs, { maxSegmentBytes: 150, keep: { records: 1 } });
  using listener = new Listener(["append", "commit", "rotate", "compact"], [
    "no-space",
  ]);
  const waiting = store.append("a");
  store.appendSync("x".repeat(100));
  store.appendSync("x".repeat(100));
  assertEquals(listener.of("append asyncEnd").map(({ seq }) => seq), [1, 2, 3]);
  const commits = listener.of("commit asyncEnd");
  assertEquals(commits.map(({ first, last }) => [first, last]), [[1, 2], [
    3,
    3,
  ]]);
  assertEquals(commits.map(({ callers }) => callers), [2, 1]);
  assertEquals(listener.of("rotate asyncEnd").length, 2);
  assertEquals(listener.of("compact asyncEnd").length, 1);
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  const error = thrown(() => store.appendSync("b"));
  for (const name of ["append error", "commit error", "no-space"]) {
    assertEquals(listener.of(name).map(({ error }) => error), [error], name);
  }
  fs.hooks = {};
  const { records, failures, rotations, callers, waiting: left } = store
    .metrics();
  assertEquals([records, failures, rotations, left], [3, 1, 2, 0]);
  assertEquals([callers.count, callers.sum], [2, 3]);
  await waiting;
  await store.close();
});
