// A state on a log and on snapshots that its caller gives.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import {
  type Snapshots,
  StateManager,
  type StateOptions,
} from "@mini/state/state";
import { type LogRecord, MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Add,
  COUNTER,
  type Counter,
  openCounter,
} from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";

Deno.test("StateManager works on other snapshots", async () => {
  await using directory = new TestDirectory();
  let kept:
    | { state: { value: number; log: string[] }; seq: number }
    | undefined;
  const snapshots: Snapshots<{ value: number; log: string[] }> = {
    create(state, seq) {
      kept = { state: structuredClone(state), seq };
      return Promise.resolve({ seq, sizeBytes: 0 });
    },
    restore: () => Promise.resolve(kept && structuredClone(kept)),
    list: () => Promise.resolve(kept ? [{ seq: kept.seq, sizeBytes: 0 }] : []),
  };
  {
    await using counter = await openCounter(directory.path, { snapshots });
    await counter.apply({ by: 1 });
    await counter.compact();
    await counter.apply({ by: 2 });
  }
  await using again = await openCounter(directory.path, { snapshots });
  assertEquals([again.state.value, again.recovery.replayed], [3, 1]);
});

Deno.test("StateManager.compact() keeps the log where the snapshots of the caller's own keep none", async () => {
  const log = new MemoryLog();
  const snapshots: Snapshots<{ value: number; log: string[] }> = {
    create: (_, seq) => Promise.resolve({ path: "", seq, sizeBytes: 0 }),
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
  };
  const options = { ...COUNTER, log, snapshots };
  {
    await using counter = await StateManager.open(options);
    assertEquals([counter.dir, counter.journalPath], [undefined, undefined]);
    await counter.apply({ by: 1 });
    assertEquals((await counter.compact()).firstSequence, 1);
  }
  log.reopen();
  await using again = await StateManager.open(options);
  assertEquals([again.state.value, again.recovery.replayed], [1, 1]);
});

Deno.test("StateManager.open() refuses options that it would not use, and names them", async () => {
  const fs = new MemoryFileSystem();
  const log = new MemoryLog();
  const snapshots = new SnapStore<Counter>("/snapshots", { fs });
  const refused: [Partial<StateOptions<Counter, Add>>, string][] = [
    [
      { log, maxSegmentBytes: 1, journal: "a", fs },
      "use journal, maxSegmentBytes",
    ],
    [{ log, kind: "state" }, "use kind: it is given log"],
    [{ snapshots, keepSnapshots: 1, fs }, "use keepSnapshots"],
    [{ log, snapshots }, "use the directory: it is given log and snapshots"],
  ];
  for (const [options, words] of refused) {
    await assertRejects(
      () => openCounter("/data", options),
      TypeError,
      words,
    );
  }
  const both = { ...COUNTER, log, snapshots, fs, mode: 0o600 };
  await assertRejects(
    () => StateManager.open(both),
    TypeError,
    "would not use fs, mode: it is given log and snapshots",
  );
  for (const options of [{}, { log }, { snapshots }]) {
    await assertRejects(
      () => StateManager.open({ ...COUNTER, ...options } as typeof both),
      TypeError,
      "needs a directory, or both log and snapshots",
    );
  }
  assertEquals(fs.calls, 0);
});

Deno.test("StateManager.open() closes the log that it is given if it fails, whatever the reason", async () => {
  const fs = new MemoryFileSystem();
  const snapshots = new SnapStore<Counter>("/snapshots", { fs });
  const broken: Snapshots<Counter> = {
    create: () => Promise.reject(new Error("broken")),
    restore: () => Promise.reject(new Error("broken")),
    list: () => Promise.resolve([]),
  };
  const failing: Record<string, Partial<StateOptions<Counter, Add>>> = {
    "unknown option": { snapshots, a: 1 } as never,
    "no snapshots": {},
    "unused option": { snapshots, kind: "state" },
    "initial throws": {
      snapshots,
      initial: () => {
        throw new Error("initial");
      },
    },
    "snapshots that cannot be read": { snapshots: broken },
  };
  for (const [reason, options] of Object.entries(failing)) {
    const log = new ClosingLog();
    await log.append({ by: 1 });
    await assertRejects(() =>
      StateManager.open({ ...COUNTER, log, ...options } as never)
    );
    assertEquals([log.isClosed, log.appliedAtEnd], [true, 0], reason);
  }
  const log = new ClosingLog();
  await assertRejects(() => openCounter("/data", { log, fs, kind: "state" }));
  assertEquals(log.isClosed, true);
});

Deno.test("StateManager.open() throws why it fails, also if the log cannot be closed", async () => {
  const unable = new ClosingLog();
  unable.close = () => Promise.reject(new Error("cannot close"));
  for (const log of [unable, {}, null]) {
    await assertRejects(
      () => StateManager.open({ ...COUNTER, log } as never),
      TypeError,
    );
  }
});

/** A log that remembers what it was told when it was closed. */
class ClosingLog extends MemoryLog {
  appliedAtEnd: number | undefined;

  override close(options?: { applied?: number }): Promise<void> {
    this.appliedAtEnd = options?.applied;
    return super.close();
  }
}

/** A log that can be lost while nobody appends. */
class LosableLog extends MemoryLog {
  readonly recovery = { outcome: "torn" } as const;
  readonly #lost = Promise.withResolvers<MiniError>();
  readonly failed = this.#lost.promise;

  lose(error: MiniError): void {
    this.#lost.resolve(error);
  }

  override async *follow(
    { from = 1, signal }: { from?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    yield* this.replay({ from });
    signal!.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    signal!.addEventListener("abort", () => aborted.reject(signal!.reason));
    await aborted.promise;
  }
}

Deno.test("StateManager reports how a log of the caller's was recovered", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    log: new LosableLog(),
  });
  assertEquals(counter.recovery.outcome, "torn");
});

Deno.test("StateManager fails with a log that is lost while nobody appends, and wakes who waits", async () => {
  const fs = new MemoryFileSystem();
  const log = new LosableLog();
  const counter = await openCounter("/data", { fs, log });
  await counter.apply({ by: 1 });
  const slow = counter.watch({ from: 1 })[Symbol.asyncIterator]();
  const idle = errorOf(Array.fromAsync(counter.watch()));
  const { changed } = counter;
  const lost = new MiniError("POISONED", "another writer has taken over");
  log.lose(lost);
  await changed;
  assertEquals([counter.failure, await idle], [lost, lost]);
  assertEquals((await slow.next()).value, { seq: 1, mutation: { by: 1 } });
  assertEquals(await errorOf(slow.next() as Promise<never>), lost);
  assertEquals(await errorOf(counter.apply({ by: 2 })), lost);
  assertEquals(counter.state.value, 1);
  const late = Array.fromAsync(counter.watch());
  assertEquals(await errorOf(late), lost);
  await counter.close();
});

Deno.test("StateManager does not show a state that another writer may have changed", async () => {
  const fs = new MemoryFileSystem();
  const log = new LosableLog();
  const counter = await openCounter("/data", { fs, log });
  await counter.apply({ by: 1 });
  const parts = counter.select(({ value }) => value)[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value, 1);
  const { changed } = counter;
  const lost = new MiniError("DEPOSED", "another writer has taken over");
  log.lose(lost);
  await changed;
  assertThrows(() => counter.state, MiniError, "another writer has taken over");
  assertEquals(await errorOf(parts.next() as Promise<never>), lost);
  assertEquals(await errorOf(counter.apply({ by: 2 })), lost);
  assertEquals(await errorOf(counter.createSnapshot()), lost);
  await counter.close();
});

for (const call of ["sync", "rotate", "compact"] as const) {
  for (const retain of [undefined, { records: 0 }]) {
    const by = retain === undefined ? "compact()" : "a snapshot of its own";
    Deno.test(`StateManager fails when ${call} of its log says so to ${by}`, async () => {
      const fs = new MemoryFileSystem();
      const log = new MemoryLog();
      const own = { log, snapshots: new SnapStore<Counter>("/own", { fs }) };
      const counter = await StateManager.open({
        ...COUNTER,
        ...own,
        ...(retain && { retain, snapshotEvery: 1 }),
      });
      const lost = new MiniError("DEPOSED", "another writer has taken over");
      Object.assign(log, { [call]: () => Promise.reject(lost) });
      const failed = counter.changed;
      if (retain === undefined) {
        assertEquals(await errorOf(counter.compact()), lost);
      } else {
        await counter.apply({ by: 1 });
        assertEquals(counter.snapshotFailure, lost);
      }
      await failed;
      assertEquals(counter.failure, lost);
      assertEquals(log.records.length, retain ? 1 : 0);
      await counter.close();
    });
  }
}

Deno.test("StateManager fails when its log says that another writer has taken over", async () => {
  const fs = new MemoryFileSystem();
  const log = new MemoryLog();
  const counter = await openCounter("/data", { fs, log });
  const lost = new MiniError("DEPOSED", "another writer has taken over");
  log.append = () => Promise.reject(lost);
  assertEquals(await errorOf(counter.apply({ by: 1 })), lost);
  assertEquals(counter.failure, lost);
  await counter.close();
});
