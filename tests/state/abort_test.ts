import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type SnapshotInfo, StateManager } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";

Deno.test("StateManager.apply() that throws is recorded as aborted and has no effect, live and on replay", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    const settled = await Promise.allSettled([
      counter.apply({ by: 1, note: "a" }),
      counter.apply({ by: 100, note: "half", fail: true }),
      counter.apply({ by: 2, note: "b" }),
      counter.applyBatch([{ by: 200 }, { by: 300, fail: true }]),
      counter.apply({ by: 4, note: "c" }),
    ]);
    assertEquals(settled.map(({ status }) => status), [
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    const { reason } = settled[1] as PromiseRejectedResult;
    assertEquals([reason.code, reason.seq, reason.cause.message], [
      "ABORTED_MUTATION",
      2,
      "cannot add 100",
    ]);
    assertEquals(counter.state, { value: 7, log: ["a", "b", "c"] });
    assertEquals(await counter.apply({ by: 10 }), 8);
  }
  await using again = await openCounter(directory.path);
  assertEquals(again.state, { value: 17, log: ["a", "b", "c"] });
  assertEquals(again.recovery.aborted, [2, 4]);
  await again.apply({ by: 1 });
});

Deno.test("StateManager.apply() that throws is recorded as aborted for good, whatever a power cut undoes", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  await errorOf(counter.apply({ by: 2, fail: true }));
  const replayed = MiniStore.replay(counter.journalPath!, { fs });
  const records = await Array.fromAsync(replayed, ({ data }) => data);
  assertEquals(records.at(-1), { abort: 2 });
  for (const { fs: left, label } of crashStates(fs.snapshot())) {
    await using again = await openCounter("/data", { fs: left });
    const { aborted, undecided } = again.recovery;
    assertEquals([aborted, undecided], [[2], []], label);
  }
  await counter.close();
});

Deno.test("StateManager keeps a recorded abort when apply no longer throws", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await errorOf(counter.apply({ by: 100, fail: true }));
    await counter.apply({ by: 2 });
  }
  const apply = (state: Counter, { by }: { by: number }) => {
    state.value += by;
  };
  await using again = await openCounter(directory.path, { apply });
  assertEquals([again.state.value, again.recovery.aborted], [3, [2]]);
});

Deno.test("StateManager.open() applies no first record that is aborted, though apply does not throw for it", async () => {
  const fs = new MemoryFileSystem();
  const log = new MemoryLog();
  await log.append({ apply: { by: 1 } });
  await log.append({ abort: 1 });
  await using counter = await openCounter("/data", { fs, log });
  const { aborted } = counter.recovery;
  assertEquals([counter.state.value, aborted], [0, [1]]);
});

Deno.test("StateManager.at() knows of an abort before its snapshot when apply no longer throws", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    await errorOf(counter.apply({ by: 2, fail: true }));
    await counter.apply({ by: 4 });
    await counter.createSnapshot();
  }
  const apply = (state: Counter, { by }: { by: number }) => {
    state.value += by;
  };
  await using again = await openCounter("/data", { fs, apply });
  const values = [];
  for (const seq of [1, 2, 3, 4]) values.push((await again.at(seq)).value);
  assertEquals(values, [1, 1, 1, 5]);
});

Deno.test("StateManager.apply() after a snapshot may throw as well, and compaction may have gone before", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    await counter.apply({ by: 2 });
    await counter.compact();
    assertEquals(
      (await errorOf(counter.apply({ by: 100, fail: true }))).code,
      "ABORTED_MUTATION",
    );
    assertEquals(counter.state.value, 3);
    await counter.createSnapshot();
    await counter.apply({ by: 4 });
  }
  await using again = await openCounter(directory.path);
  assertEquals(again.state.value, 7);
});

Deno.test("StateManager.apply() that returns a promise is a TypeError, and has no effect", async () => {
  await using directory = new TestDirectory();
  await using manager = await StateManager.open(directory.path, {
    initial: () => ({ value: 0 }),
    apply: ((state: { value: number }) => {
      state.value++;
      return Promise.reject(new Error("late"));
    }) as unknown as (state: { value: number }, by: number) => void,
  });
  await assertRejects(() => manager.apply(1), TypeError, "promise");
  assertEquals(manager.state.value, 0);
});

Deno.test("StateManager called back from apply or decide is an error at once, not a deadlock", async () => {
  await using directory = new TestDirectory();
  const found: string[] = [];
  const manager: StateManager<{ value: number }, number> = await StateManager
    .open(directory.path, {
      initial: () => ({ value: 0 }),
      apply: (state, by: number) => {
        state.value += by;
        if (by !== 7) return;
        for (
          const call of [
            () => manager.apply(1),
            () => manager.compact(),
            () => manager.at(0),
            () => manager.close(),
          ]
        ) {
          call().catch((error: Error) => found.push(error.message));
        }
      },
    });
  await manager.apply(7);
  await manager.transact(() => {
    manager.apply(1).catch((error: Error) => found.push(error.message));
    return undefined;
  });
  assertEquals(found.length, 5);
  assert(found.every((message) => message.includes("call back")));
  assertEquals(manager.state.value, 7);
  await manager.close();
});

Deno.test("StateManager shows no state when apply has thrown and the disk cannot be read, and loses nothing", async () => {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...COUNTER, fs });
  await manager.apply({ by: 1 });
  const parts = manager.select(({ value }) => value)[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value, 1);
  const ended = errorOf(parts.next() as Promise<never>);
  fs.hooks.before = ({ operation }) =>
    operation === "read" ? { code: "EIO" } : undefined;
  const failed = manager.apply({ by: 100, fail: true });
  const later = manager.apply({ by: 2 });
  assertEquals((await errorOf(failed)).code, "POISONED");
  assertEquals((await errorOf(later)).code, "POISONED");
  assertEquals((await ended).code, "POISONED");
  assertThrows(() => manager.state, Error, "close the state and open it again");
  fs.hooks = {};
  assertEquals((await errorOf(manager.createSnapshot())).code, "POISONED");
  await manager.close();
  await using again = await StateManager.open("/data", { ...COUNTER, fs });
  assertEquals(again.state.value, 3);
});

Deno.test("StateManager takes state and number of a snapshot in one step, also one that takes its time", async () => {
  await using directory = new TestDirectory();
  const log = new MemoryLog();
  await using counter = await openCounter(directory.path, { log });
  await counter.apply({ by: 1 });
  const snapshot = Promise.withResolvers<SnapshotInfo>();
  // The state is being rebuilt, and the next record waits for that.
  log.beforeReplay = () => snapshot.resolve(counter.createSnapshot());
  await Promise.all([
    errorOf(counter.apply({ by: 100, fail: true })),
    counter.apply({ by: 2 }),
  ]);
  const { path } = await snapshot.promise;
  const { seq, state } = JSON.parse(await Deno.readTextFile(path!));
  // The third record is in it; the fourth only says that the second had no effect.
  assertEquals([seq >= 3, state.value], [true, 3]);
});

Deno.test("StateManager says that an abort could not be recorded where the log is lost meanwhile", async () => {
  const log = new MemoryLog();
  const counter = await openCounter("/data", {
    fs: new MemoryFileSystem(),
    log,
  });
  await counter.apply({ by: 1 });
  const later: Promise<MiniError>[] = [];
  log.beforeReplay = async () => {
    log.append = () =>
      Promise.reject(new MiniError("POISONED", "the log is lost"));
    later.push(errorOf(counter.apply({ by: 1 })));
    while (counter.failure === undefined) await undefined;
  };
  const error = await errorOf(counter.apply({ by: 1, fail: true }));
  assertEquals(error.code, "ABORTED_MUTATION");
  assert(error.message.includes("could not be recorded"), error.message);
  assertEquals((await later[0])?.code, "POISONED");
  assertEquals((await errorOf(counter.createSnapshot())).code, "POISONED");
  assertEquals(counter.state.value, 1);
});
