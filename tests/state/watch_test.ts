import { assertEquals } from "@std/assert";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";

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

Deno.test("StateManager.applyAll() of nothing is refused as any other would be", async () => {
  const counter = await openCounter("/data", { fs: new MemoryFileSystem() });
  const expectedSequence = 99;
  const conflict = counter.applyAll([], { expectedSequence });
  assertEquals((await errorOf(conflict)).code, "CONFLICT");
  assertEquals(await counter.applyAll([]), 0);
  await counter.close();
  assertEquals((await errorOf(counter.applyAll([]))).code, "CLOSED");
});

Deno.test("StateManager: a snapshotEvery that throws does not make an apply look failed", async () => {
  await using counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
    snapshotEvery: () => {
      throw new Error("boom");
    },
  });
  assertEquals(await counter.apply({ by: 1 }), 1);
  assertEquals((counter.snapshotFailure as Error).message, "boom");
});
