// Snapshots that a state makes by itself.
import { assert, assertEquals } from "@std/assert";
import { type SnapshotInfo, SnapStore } from "@mini/state/snap";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";

Deno.test("StateManager makes snapshots by itself also while mutations are aborted all the time", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    snapshotEvery: 50,
    keepSnapshots: 1,
  });
  const callers = Array.from({ length: 16 }, async (_, caller) => {
    for (let turn = 0; turn < 30; turn++) {
      const fail = (caller + turn) % 4 === 0;
      await counter.apply({ by: 1, fail }).catch(() => {});
    }
  });
  await counter.apply({ by: 0 });
  // What is asked for need not wait until nobody writes.
  const { seq } = await counter.createSnapshot();
  assert(seq < counter.sequence);
  await Promise.all(callers);
  const newest = fs.names("/data").filter((name) => name.startsWith("snapshot"))
    .at(-1)!;
  assert(counter.sequence - Number(/\d+/.exec(newest)![0]) < 150, newest);
  assertEquals(counter.snapshotFailure, undefined);
});

for (const isRecorded of [true, false]) {
  const what = isRecorded
    ? "a snapshot by itself once an abort is recorded"
    : "no snapshot by itself before an abort is recorded";
  Deno.test(`StateManager makes ${what}`, async () => {
    const log = new MemoryLog();
    const append = log.append.bind(log);
    log.append = async (data) => {
      if (Object.hasOwn(data as object, "abort")) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (!isRecorded) throw new MiniError("NO_SPACE", "the disk is full");
      }
      return await append(data);
    };
    const fs = new MemoryFileSystem();
    const snapshots = new SnapStore<Counter>("/own", { fs });
    const own = { log, snapshots, snapshotEvery: 2 };
    await using counter = await StateManager.open({ ...COUNTER, ...own });
    const [failed] = await Promise.all([
      errorOf(counter.apply({ by: 1, fail: true })),
      counter.apply({ by: 2 }),
    ]);
    assertEquals(failed.code, "ABORTED_MUTATION");
    const made = (await snapshots.list()).map(({ seq }) => seq);
    assertEquals(made, isRecorded ? [2] : []);
  });
}

Deno.test("StateManager.open() does not judge what snapshots of the caller's keep", async () => {
  const fs = new MemoryFileSystem();
  const kept: (SnapshotInfo & { state: Map<string, number> })[] = [];
  const options: StateOptions<Map<string, number>, string> = {
    fs,
    initial: () => new Map(),
    apply: (state, name) => {
      state.set(name, (state.get(name) ?? 0) + 1);
    },
    snapshots: {
      create(state, seq) {
        kept.push({ seq, state: new Map(state), path: `${seq}`, sizeBytes: 0 });
        return Promise.resolve(kept.at(-1)!);
      },
      restore: () => Promise.resolve(structuredClone(kept.at(-1))),
      list: () => Promise.resolve(kept),
    },
  };
  {
    await using manager = await StateManager.open("/data", options);
    for (const name of ["a", "b", "a"]) await manager.apply(name);
  }
  await using again = await StateManager.open("/data", {
    ...options,
    snapshotEvery: 2,
  });
  assertEquals(again.recovery.snapshotFailure, undefined);
  await again.apply("c");
  assertEquals([kept.length, again.snapshotFailure], [1, undefined]);
});

Deno.test("StateManager makes a snapshot that is due once the abort before it is on record", async () => {
  const fs = new MemoryFileSystem();
  const snapshots = () =>
    fs.names("/data").filter((name) => name.startsWith("snapshot")).length;
  await using counter = await openCounter("/data", { fs, snapshotEvery: 2 });
  let writes = 0;
  fs.hooks.before = ({ operation }) =>
    operation === "write" && ++writes >= 2 ? { code: "ENOSPC" } : undefined;
  await Promise.allSettled([
    counter.apply({ by: 1, fail: true }),
    counter.apply({ by: 1 }),
  ]);
  fs.hooks = {};
  assertEquals([counter.state.value, snapshots()], [1, 0]);
  await counter.apply({ by: 1 });
  assertEquals([counter.state.value, snapshots()], [2, 1]);
});
