import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FileSystem, systemFileSystem } from "@mini/state/store";
import { copy, ensureDir } from "@std/fs";
import { batch, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { countingSyncs } from "../support/syncs.ts";

Deno.test("StateManager restores its state on opening again", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    assertEquals(counter.state, { value: 0, log: [] });
    assertEquals(await counter.apply({ by: 10 }), 1);
    assertEquals(await counter.applyBatch([{ by: 1 }, { by: 2 }]), 2);
    assertEquals([counter.state.value, counter.sequence], [13, 2]);
  }
  await using again = await openCounter(directory.path);
  assertEquals([again.state.value, again.sequence], [13, 2]);
  assertEquals(again.recovery, {
    outcome: "clean",
    snapshotSequence: 0,
    replayed: 2,
    aborted: [],
    undecided: [],
    rejected: [],
  });
});

Deno.test("StateManager: 64 concurrent applies cost a few fsyncs, and keep the order of the calls", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using counter = await openCounter(directory.path, { fs });
  const before = syncs();
  const notes = Array.from({ length: 64 }, (_, index) => String(index));
  const numbers = await Promise.all(
    notes.map((note) => counter.apply({ by: 1, note })),
  );
  assertEquals(numbers, notes.map((_, index) => index + 1));
  assertEquals(counter.state.log, notes);
  assert(syncs() - before <= 3, `${syncs() - before} fsyncs`);
});

Deno.test("StateManager shows nothing before it is durable, and reads never wait", async () => {
  await using directory = new TestDirectory();
  let release = () => {};
  let isHeld = false;
  const fs: FileSystem = {
    ...systemFileSystem,
    async create(path, mode) {
      const file = await systemFileSystem.create(path, mode);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        if (isHeld) await new Promise<void>((resolve) => release = resolve);
        await sync();
      };
      return file;
    },
  };
  await using counter = await openCounter(directory.path, { fs });
  await counter.apply({ by: 1 });
  isHeld = true;
  const applied = counter.apply({ by: 2 });
  const text = () => Deno.readTextFileSync(counter.journalPath!);
  while (!text().includes('"by":2')) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals([counter.state.value, counter.sequence], [1, 1]);
  isHeld = false;
  release();
  assertEquals([await applied, counter.state.value], [2, 3]);
});

Deno.test("StateManager.apply() takes the mutation as it is at the call, and aliases nothing", async () => {
  await using directory = new TestDirectory();
  await using manager = await StateManager.open(directory.path, {
    initial: () => ({ items: [] as { name: string }[] }),
    apply: (state, item: { name: string }) => {
      state.items.push(item);
    },
  });
  const item = { name: "before" };
  const applied = manager.apply(item);
  item.name = "after";
  await applied;
  item.name = "later";
  assertEquals(manager.state.items, [{ name: "before" }]);
  const copy = manager.snapshot();
  copy.items.length = 0;
  assertEquals(manager.state.items.length, 1);
});

Deno.test("StateManager.transact() reads, decides and writes with nothing in between", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  const upTo5 = () =>
    Promise.all(
      Array.from({ length: 20 }, () =>
        counter.transact((state) =>
          state.value < 5 ? { by: 1 } : undefined
        )),
    );
  const [numbers] = await Promise.all([
    upTo5(),
    counter.apply({ by: 1 }),
    upTo5(),
  ]);
  assertEquals(counter.state.value <= 6 && counter.state.value >= 5, true);
  assert(numbers.includes(undefined));
  const several = await counter.transact(() => batch([{ by: 10 }, { by: 20 }]));
  assertEquals(several, counter.sequence);
  const thrown = counter.transact(() => {
    throw new Error("no");
  });
  await assertRejects(() => thrown, Error, "no");
  await counter.apply({ by: 1 });
});

Deno.test("StateManager.apply() with expectedSequence refuses what somebody else came before", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  const settled = await Promise.allSettled([
    counter.apply({ by: 1 }, { expectedSequence: 0 }),
    counter.apply({ by: 2 }, { expectedSequence: 0 }),
    counter.applyBatch([{ by: 4 }], { expectedSequence: 1 }),
  ]);
  assertEquals(settled.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  assertEquals((settled[1] as PromiseRejectedResult).reason.code, "CONFLICT");
  assertEquals([counter.state.value, counter.sequence], [5, 2]);
});

Deno.test("StateManager.at() travels to any number, past aborts and snapshots", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  const values = [0];
  for (let by = 1; by <= 6; by++) {
    const fail = by === 3;
    await counter.apply({ by, ...(fail && { fail }) }).catch(() => {});
    if (fail) values.push(counter.state.value);
    values.push(counter.state.value);
    if (by === 4) await counter.createSnapshot();
  }
  for (const [seq, value] of values.entries()) {
    assertEquals((await counter.at(seq)).value, value, `at ${seq}`);
  }
  await assertRejects(
    () => counter.at(counter.sequence + 1),
    RangeError,
    "seq must be at most",
  );
  for (const seq of [-1, 1.5]) {
    await assertRejects(() => counter.at(seq), RangeError, "whole number");
  }
  for (let round = 0; round < 3; round++) {
    await counter.compact();
    await counter.apply({ by: 1 });
  }
  const { code, message } = await errorOf(counter.at(1));
  assertEquals(code, "COMPACTED");
  assert(message.includes("no snapshot up to that record"), message);
  assertEquals((await counter.at(counter.sequence)).value, counter.state.value);
});

Deno.test("StateManager.history() and watch() give the mutations that had an effect", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2, fail: true }).catch(() => {});
    await counter.applyBatch([{ by: 3 }, { by: 4 }]);
  }
  const counter = await openCounter(directory.path);
  const by = (
    { seq, mutation }: { seq: number; mutation: { by: number } },
  ) => [seq, mutation.by];
  assertEquals(await Array.fromAsync(counter.history(), by), [[1, 1], [4, 3], [
    4,
    4,
  ]]);
  const watched = Array.fromAsync(counter.watch({ from: 4 }), by);
  const live = Array.fromAsync(counter.watch(), by);
  await counter.apply({ by: 5 });
  await counter.apply({ by: 6, fail: true }).catch(() => {});
  await counter.apply({ by: 7 });
  await counter.close();
  assertEquals(await watched, [[4, 3], [4, 4], [5, 5], [8, 7]]);
  assertEquals(await live, [[5, 5], [8, 7]]);
});

Deno.test("StateManager refuses what its schema or JSON would not keep, before anything is logged", async () => {
  await using directory = new TestDirectory();
  const schema = {
    "~standard": {
      validate: (value: unknown) =>
        typeof (value as { by: unknown })?.by === "number"
          ? { value: value as { by: number } }
          : { issues: [{ message: "by is no number" }] },
    },
  };
  await using counter = await openCounter(directory.path, { schema });
  assertEquals(
    (await errorOf(counter.apply({ by: "1" as unknown as number }))).code,
    "INVALID",
  );
  assertEquals(
    (await errorOf(counter.apply({ by: NaN }))).code,
    "UNSERIALIZABLE",
  );
  assertEquals(await counter.apply({ by: 1 }), 1);
});

Deno.test("StateManager rejects every call after close() with CLOSED, and its state can be read", async () => {
  await using directory = new TestDirectory();
  const counter = await openCounter(directory.path);
  const applied = counter.apply({ by: 1 });
  await counter.close();
  await counter.close();
  assertEquals(await applied, 1);
  assertEquals(counter.state.value, 1);
  const calls: (() => Promise<unknown>)[] = [
    () => counter.apply({ by: 1 }),
    () => counter.transact(() => undefined),
    () => counter.createSnapshot(),
    () => counter.compact(),
    () => counter.at(0),
    // deno-lint-ignore require-await -- what is thrown must reject
    async () => counter.history(),
    // deno-lint-ignore require-await -- what is thrown must reject
    async () => counter.watch(),
    // deno-lint-ignore require-await -- what is thrown must reject
    async () => counter.select(({ value }) => value),
    () => counter.applyJson!('{"by":1}'),
  ];
  for (const call of calls) {
    const { code, message } = await errorOf(call());
    assertEquals(code, "CLOSED");
    assert(message.startsWith("Cannot use the state"), message);
  }
});

Deno.test("StateManager.apply() with durable: false waits for no fsync, and a killed process does not lose it", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using counter = await openCounter(directory.path, { fs });
  await counter.apply({ by: 1 });
  const before = syncs();
  await counter.apply({ by: 2 }, { durable: false });
  await counter.applyJson!('{"by":4}', { durable: false });
  assertEquals([counter.state.value, syncs() - before], [7, 0]);
  await ensureDir(directory.at("as-it-is"));
  await copy(counter.journalPath!, directory.at("as-it-is/journal.jsonl"));
  await using again = await openCounter(directory.at("as-it-is"));
  assertEquals(again.state.value, 7);
  await counter.applyJson!('{"by":8}');
  await counter.transact(() => ({ by: 16 }));
  assertEquals(syncs() - before, 2);
});

Deno.test("StateManager.createSnapshot() makes the log durable as far as the snapshot stands", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using counter = await openCounter(directory.path, { fs });
  const syncsOfSnapshot = async (durable: boolean) => {
    await counter.apply({ by: 2 }, { durable });
    const before = syncs();
    await counter.createSnapshot();
    return syncs() - before;
  };
  const alone = await syncsOfSnapshot(true);
  assertEquals(await syncsOfSnapshot(false), alone + 1);
});

Deno.test("StateManager.changed resolves when the state has taken in more, and when it is closed", async () => {
  const counter = await openCounter("/data", { fs: new MemoryFileSystem() });
  const first = counter.changed.then(() => counter.state.value);
  await counter.apply({ by: 1 });
  assertEquals(await first, 1);
  const last = counter.changed;
  await counter.close();
  await last;
});

Deno.test("StateManager serialises its writes, and no failure of one stops the next", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  const boom = new Error("boom");
  const outcomes = await Promise.allSettled([
    counter.apply({ by: 1 }),
    counter.transact(() => {
      throw boom;
    }),
    counter.apply({ by: 10 }, { expectedSequence: 7 }),
    counter.apply({ by: 100, fail: true }),
    counter.apply(10n as never),
    counter.transact((state) => ({ by: state.value * 2 })),
  ]);
  assertEquals(outcomes.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assertEquals((outcomes[1] as PromiseRejectedResult).reason, boom);
  assertEquals(counter.state.value, 3);
});
