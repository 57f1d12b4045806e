// How much of the past of a state stays.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type SnapshotInfo, type Snapshots, SnapStore } from "@mini/state/snap";
import { type Retention, StateManager } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Counter, openCounter } from "../support/counter.ts";
import { MemoryLog } from "../support/memory_log.ts";

type Manager = StateManager<Counter, { readonly by: number }>;

function snapshotsIn(fs: MemoryFileSystem): number[] {
  return fs.names("/data").filter((name) => name.endsWith(".json"))
    .map((name) => Number(/\d+/.exec(name)![0]));
}

/** Applies 1, several times. */
async function add(counter: Manager, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await counter.apply({ by: 1 });
}

/** Checks that the past reaches back to the state after record `start`. */
async function assertReaches(counter: Manager, start: number): Promise<void> {
  for (let seq = start; seq <= counter.sequence; seq++) {
    assertEquals((await counter.at(seq)).value, seq, `at ${seq}`);
  }
  const from = start + 1;
  const seen = Array.fromAsync(counter.history({ from }), ({ seq }) => seq);
  assertEquals((await seen).length, counter.sequence - start);
}

async function assertGone(counter: Manager, seq: number): Promise<void> {
  const code = await counter.at(seq).catch(({ code }: MiniError) => code);
  assertEquals(code, "COMPACTED", `at ${seq}`);
}

for (const retain of [undefined, "all"] as const) {
  Deno.test(`StateManager with retain ${retain}: snapshots that make themselves remove no record`, async () => {
    const fs = new MemoryFileSystem();
    await using counter = await openCounter("/data", {
      fs,
      snapshotEvery: 3,
      ...(retain && { retain }),
    });
    await add(counter, 20);
    assertEquals([counter.firstSequence, snapshotsIn(fs)], [1, [15, 18]]);
    await assertReaches(counter, 0);
  });
}

Deno.test("StateManager.compact() removes everything before the oldest kept snapshot, and later snapshots nothing more", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  for (let round = 0; round < 3; round++) {
    await add(counter, 10);
    await counter.compact();
  }
  assertEquals([counter.firstSequence, snapshotsIn(fs)], [21, [20, 30]]);
  for (let round = 0; round < 3; round++) {
    await add(counter, 10);
    await counter.createSnapshot();
  }
  assertEquals([counter.firstSequence, snapshotsIn(fs)], [21, [20, 50, 60]]);
  await assertReaches(counter, 20);
  await assertGone(counter, 19);
  await counter.compact();
  assertEquals([counter.firstSequence, snapshotsIn(fs)], [31, [50, 60]]);
});

Deno.test('StateManager.compact() with retain "all" makes a snapshot, and removes nothing', async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, retain: "all" });
  for (let round = 0; round < 4; round++) {
    await add(counter, 5);
    const { firstSequence, removed } = await counter.compact();
    assertEquals([firstSequence, removed], [1, []]);
  }
  assertEquals(fs.names("/data").filter((name) => name.endsWith(".jsonl")), [
    "journal.jsonl",
  ]);
  await assertReaches(counter, 0);
});

for (const keepSnapshots of [1, 2, 4]) {
  Deno.test(`StateManager keeps the records that retain asks for, and not much more, beside ${keepSnapshots} snapshots`, async () => {
    const fs = new MemoryFileSystem();
    const options = {
      fs,
      keepSnapshots,
      snapshotEvery: 4,
      retain: { records: 20 },
    };
    let counter = await openCounter("/data", options);
    for (let round = 1; round <= 30; round++) {
      await add(counter, 5);
      assert(snapshotsIn(fs).length <= keepSnapshots + 2, `${snapshotsIn(fs)}`);
      const left = counter.sequence - counter.firstSequence;
      assert(left <= 3 * 20 + (keepSnapshots + 1) * 4, `${left} records left`);
      if (round % 3 > 0) continue;
      await assertReaches(counter, Math.max(0, counter.sequence - 20));
      if (round % 9 > 0) continue;
      await counter.close();
      counter = await openCounter("/data", options);
    }
    await counter.compact();
    await assertReaches(counter, counter.sequence - 20);
    await counter.close();
  });
}

Deno.test("StateManager keeps the bytes of the log that retain asks for, in whole segments", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    snapshotEvery: 5,
    maxSegmentBytes: 500,
    retain: { bytes: 3_000 },
  });
  const logBytes = async () => {
    let bytes = 0;
    for (const name of fs.names("/data")) {
      if (!name.endsWith(".jsonl")) continue;
      bytes += (await fs.stat(`/data/${name}`))!.sizeBytes;
    }
    return bytes;
  };
  for (let round = 0; round < 50; round++) {
    await add(counter, 5);
    const bytes = await logBytes();
    assert(counter.firstSequence === 1 || bytes >= 3_000, `${bytes} bytes`);
    assert(bytes < 8_000, `${bytes} bytes`);
  }
  assert(counter.firstSequence > 1);
  await assertReaches(counter, counter.sequence - 20);
});

Deno.test("StateManager keeps what the larger of two limits asks for", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, snapshotEvery: 1, keepSnapshots: 1 };
  await using counter = await openCounter("/data", {
    ...options,
    retain: { records: 3, bytes: 0 },
  });
  await add(counter, 20);
  await assertReaches(counter, 17);
  await counter.close();
  await using other = await openCounter("/data", {
    ...options,
    retain: { records: 0, bytes: 1_000_000 },
  });
  await add(other, 20);
  await assertReaches(other, 17);
});

Deno.test("StateManager with retain { records: 0 } keeps what the kept snapshots need", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    snapshotEvery: 10,
    retain: { records: 0 },
  });
  await add(counter, 35);
  assertEquals([counter.firstSequence, snapshotsIn(fs)], [21, [20, 30]]);
});

Deno.test('StateManager.compact() keeps to retain also if snapshotEvery is "never"', async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    snapshotEvery: "never",
    retain: { records: 10 },
  });
  await add(counter, 20);
  assertEquals(snapshotsIn(fs), []);
  assertEquals((await counter.compact()).firstSequence, 1);
  await add(counter, 9);
  assertEquals((await counter.compact()).firstSequence, 1);
  await add(counter, 1);
  assertEquals((await counter.compact()).firstSequence, 21);
  await assertReaches(counter, 20);
});

Deno.test("StateManager removes nothing that it needs, whatever snapshots of the caller's keep", async () => {
  const fs = new MemoryFileSystem();
  const kept = new SnapStore<Counter>("/data", { fs, keep: 1 });
  const forgetful: Snapshots<Counter> = {
    create: (state, seq, { needed: _, ...options } = {}) =>
      kept.create(state, seq, options),
    restore: (upTo) => kept.restore(upTo),
    list: () => kept.list(),
  };
  await using counter = await openCounter("/data", {
    fs,
    snapshots: forgetful,
    snapshotEvery: 5,
    retain: { records: 20 },
  });
  await add(counter, 60);
  assertEquals(counter.firstSequence, 1);
  await assertReaches(counter, 0);
});

Deno.test("StateManager keeps the past as it is once it is opened without retain, also where it begins with a snapshot within", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, keepSnapshots: 1, snapshotEvery: 3 };
  {
    await using counter = await openCounter("/data", {
      ...options,
      retain: { records: 5 },
    });
    await add(counter, 31);
  }
  const start = snapshotsIn(fs)[0]!;
  await using counter = await openCounter("/data", options);
  assert(1 < counter.firstSequence && counter.firstSequence <= start);
  await add(counter, 30);
  await assertReaches(counter, start);
  await assertGone(counter, start - 1);
  assertEquals(snapshotsIn(fs).length, 2);
});

Deno.test("StateManager.compact() removes nothing if the caller's snapshots list none", async () => {
  const snapshots: Snapshots<Counter> = {
    create: (_, seq) => Promise.resolve({ seq, sizeBytes: 0 }),
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
  };
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, snapshots });
  await add(counter, 3);
  assertEquals((await counter.compact()).firstSequence, 1);
});

for (const records of [3, 4]) {
  Deno.test(`Snapshots of the caller's are told which of the older ones must stay for ${records} records`, async () => {
    const told: (readonly number[] | undefined)[] = [];
    const made: SnapshotInfo[] = [];
    const snapshots: Snapshots<number> = {
      create(_state, seq, { needed } = {}) {
        told.push(needed);
        made.push({ seq, sizeBytes: 1 });
        return Promise.resolve(made.at(-1)!);
      },
      restore: () => Promise.resolve(undefined),
      list: () => Promise.resolve(made),
    };
    await using sum = await StateManager.open<number, number>({
      log: new MemoryLog(),
      snapshots,
      initial: () => 0,
      apply: (state, by) => state + by,
      snapshotEvery: 2,
      retain: { records },
    });
    for (let seq = 1; seq <= 8; seq++) await sum.apply(seq);
    assertEquals(told, [undefined, [2], [2, 4], [4, 6]]);
  });
}

const WRONG: [retain: unknown, words: string][] = [
  [{ records: undefined }, "retain must be an object with records or bytes"],
  [{ record: 1 }, 'retain has no option "record"'],
  [{ records: -1 }, "records must be a whole number of at least 0, not -1"],
  [{ bytes: 0.5 }, "bytes must be a whole number of at least 0, not 0.5"],
];

Deno.test("StateManager.open() refuses a retain that says nothing", async () => {
  const fs = new MemoryFileSystem();
  for (const [retain, words] of WRONG) {
    await assertRejects(
      () => openCounter("/data", { fs, retain: retain as Retention }),
      Error,
      words,
    );
  }
  assertEquals(fs.calls, 0);
});

Deno.test("StateManager.open() refuses to keep bytes of a log that cannot measure them", async () => {
  const log = new MemoryLog();
  const options = { log, fs: new MemoryFileSystem() };
  await assertRejects(
    () => openCounter("/data", { ...options, retain: { bytes: 1 } }),
    TypeError,
    "retain.bytes needs a log that has seqBefore()",
  );
  log.reopen();
  const retain = { bytes: 0, records: 5 };
  await using counter = await openCounter("/data", { ...options, retain });
  assertEquals(await counter.apply({ by: 1 }), 1);
});
