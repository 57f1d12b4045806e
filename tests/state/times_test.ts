// Times of mutations: the state as of a time, history since one, and a past of some age.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { WallClock } from "../support/wall_clock.ts";

const SECOND = 1_000;

Deno.test("StateManager with timestamps gives the state as of a time, and when mutations were logged", async () => {
  using clock = new WallClock();
  const start = clock.ms;
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs, timestamps: true });
    for (const by of [1, 2, 3]) {
      await counter.apply({ by });
      clock.ms += SECOND;
    }
    const at = async (ms: number) =>
      (await counter.at(new Date(start + ms))).value;
    const values = [at(-1), at(0), at(999), at(1_000), at(60_000)];
    assertEquals(await Promise.all(values), [0, 1, 1, 3, 6]);
    const since = new Date(start + SECOND);
    const history = await Array.fromAsync(counter.history({ since }));
    assertEquals(history, [
      { seq: 2, mutation: { by: 2 }, at: new Date(start + SECOND) },
      { seq: 3, mutation: { by: 3 }, at: new Date(start + 2 * SECOND) },
    ]);
    const watched = counter.watch({ from: 3 })[Symbol.asyncIterator]();
    const { value } = await watched.next();
    assertEquals(value?.at, new Date(start + 2 * SECOND));
    await watched.return?.();
  }
  // The log keeps them.
  await using again = await openCounter("/data", { fs });
  assertEquals((await again.at(new Date(start))).value, 1);
});

Deno.test("StateManager.at() of a time whose records are gone says so", async () => {
  using clock = new WallClock();
  const before = new Date(clock.ms);
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, timestamps: true });
  await counter.apply({ by: 1 });
  await counter.compact();
  clock.ms += SECOND;
  await counter.apply({ by: 2 });
  assertEquals((await counter.at(new Date(clock.ms))).value, 3);
  const error = await errorOf(counter.at(before));
  assertEquals([error.code, error.seq], ["COMPACTED", 2]);
});

Deno.test("StateManager.at() gives the state of now after a compaction that left no record", async () => {
  using clock = new WallClock();
  const before = new Date(clock.ms - 1);
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", {
    fs,
    timestamps: true,
    keepSnapshots: 1,
  });
  for (let seq = 1; seq <= 5; seq++) await counter.apply({ by: 1 });
  await counter.compact();
  assertEquals(counter.firstSequence, 6);
  assertEquals((await counter.at(new Date(clock.ms))).value, 5);
  assertEquals((await errorOf(counter.at(before))).code, "COMPACTED");
});

Deno.test("StateManager.at() reaches back to any time that retain.ageMs promises, however long nothing happened", async () => {
  using clock = new WallClock();
  const MINUTE = 60 * SECOND;
  const fs = new MemoryFileSystem();
  const options = {
    fs,
    timestamps: true,
    keepSnapshots: 1,
    retain: { ageMs: 60 * MINUTE },
  };
  let counter = await openCounter("/data", options);
  for (let day = 1; day <= 4; day++) {
    await counter.apply({ by: 1 });
    clock.ms += 90 * MINUTE;
    for (let time = 0; time < 2; time++) await counter.compact();
    await counter.close();
    counter = await openCounter("/data", options);
    const values = [0, 30, 60].map(async (minutes) =>
      (await counter.at(new Date(clock.ms - minutes * MINUTE))).value
    );
    assertEquals(await Promise.all(values), [day, day, day]);
  }
  await counter.apply({ by: 1 });
  const past = new Date(clock.ms - 10 * MINUTE);
  assertEquals((await counter.at(past)).value, 4);
  assert(counter.firstSequence > 1);
  await counter.close();
});

Deno.test("StateManager refuses a time where there are none, and one that is none", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  await assertRejects(() => counter.at(new Date()), TypeError);
  await assertRejects(() => counter.at(new Date(NaN)), TypeError, "when must");
  await using other = await openCounter("/data", { fs, log: new MemoryLog() });
  await assertRejects(
    () => other.at(new Date()),
    TypeError,
    "the log has none",
  );
});

Deno.test("StateManager refuses an age of the past where records have no times", async () => {
  const fs = new MemoryFileSystem();
  const retain = { ageMs: SECOND };
  const needs = "retain.ageMs needs timestamps: true";
  await assertRejects(
    () => openCounter("/data", { fs, retain }),
    TypeError,
    needs,
  );
  await assertRejects(
    () => StateView.open("/data", { ...COUNTER, fs, retain }),
    TypeError,
    needs,
  );
  const log = new MemoryLog();
  await assertRejects(
    () => openCounter("/data", { fs, log, retain }),
    TypeError,
    "retain.ageMs needs a log that has seqAt()",
  );
  const openTimed = () =>
    MiniStore.open<unknown>("/data/log.jsonl", { fs, timestamps: true });
  const timed = await openTimed();
  await assertRejects(
    () => openCounter("/data", { fs, log: timed, retain, timestamps: true }),
    TypeError,
    "would not use timestamps",
  );
  await using counter = await openCounter("/data", {
    fs,
    log: await openTimed(),
    retain,
  });
  assertEquals(await counter.apply({ by: 1 }), 1);
});

Deno.test("StateManager keeps the mutations of the last seconds, and not much more", async () => {
  using clock = new WallClock();
  const fs = new MemoryFileSystem();
  const options = {
    fs,
    timestamps: true,
    snapshotEvery: 5,
    keepSnapshots: 1,
    retain: { ageMs: 20 * SECOND },
  };
  const counter = await openCounter("/data", options);
  for (let seq = 1; seq <= 200; seq++) {
    await counter.apply({ by: 1 });
    const first = counter.sequence - counter.firstSequence;
    assert(first <= 80, `${first} records left`);
    clock.ms += SECOND;
  }
  for (let seq = 179; seq <= 200; seq++) {
    assertEquals((await counter.at(seq)).value, seq);
  }
  // A clock that was not set makes nothing old.
  const { firstSequence } = counter;
  await counter.close();
  clock.ms = 60_000;
  await using again = await openCounter("/data", options);
  for (let time = 0; time < 50; time++) await again.apply({ by: 1 });
  assertEquals(again.firstSequence, firstSequence);
});
