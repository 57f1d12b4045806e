import { assert, assertEquals } from "@std/assert";
import { StateManager, type StateOptions } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("StateManager opens from the newest snapshot and the records behind it", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    for (let by = 1; by <= 5; by++) await counter.apply({ by });
    const { seq } = await counter.createSnapshot();
    assertEquals(seq, 5);
    await counter.apply({ by: 6 });
  }
  await using again = await openCounter(directory.path);
  assertEquals([again.state.value, again.sequence], [21, 6]);
  assertEquals([again.recovery.snapshotSequence, again.recovery.replayed], [
    5,
    1,
  ]);
});

Deno.test("StateManager.open() with a snapshot costs the snapshot and the tail, not the history", async () => {
  const opened: string[] = [];
  const fs = new MemoryFileSystem();
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "open") opened.push(path);
    return undefined;
  };
  const options = { fs, maxSegmentBytes: 1 };
  {
    await using counter = await openCounter("/data", options);
    for (let by = 1; by <= 100; by++) await counter.apply({ by });
    await counter.createSnapshot();
    await counter.apply({ by: 101 });
  }
  opened.length = 0;
  await using again = await openCounter("/data", options);
  assertEquals(again.state.value, 5_151);
  const segments = new Set(opened.filter((path) => path.includes("journal.")));
  assert(segments.size <= 3, [...segments].join(" "));
});

Deno.test("StateManager takes state and number of a snapshot in one step, under concurrent writers", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path, {
    keepSnapshots: 100,
  });
  let isDone = false;
  const writers = Array.from({ length: 8 }, async () => {
    while (!isDone) await counter.apply({ by: 1 });
  });
  for (let round = 0; round < 20; round++) await counter.createSnapshot();
  isDone = true;
  await Promise.all(writers);
  let count = 0;
  for await (const { name } of Deno.readDir(directory.path)) {
    if (!name.startsWith("snapshot_")) continue;
    const { seq, state } = JSON.parse(
      await Deno.readTextFile(directory.at(name)),
    );
    assertEquals(state.value, seq);
    count++;
  }
  assert(count > 1);
});

Deno.test("StateManager.compact() keeps the log back to the oldest kept snapshot", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    for (let by = 1; by <= 4; by++) {
      await counter.apply({ by });
      await counter.compact();
    }
  }
  const newest = directory.names().filter((name) =>
    name.startsWith("snapshot_")
  ).at(-1)!;
  await Deno.writeTextFile(directory.at(newest), "{");
  await using again = await openCounter(directory.path);
  assertEquals(
    again.state.value,
    10,
    "the older snapshot and the log behind it",
  );
  assertEquals([again.recovery.snapshotSequence, again.recovery.replayed], [
    3,
    1,
  ]);
  assertEquals(again.recovery.rejected.map(({ path }) => path), [
    directory.at(`${newest}.bad`),
  ]);
});

Deno.test("StateManager refuses a gap between snapshot and log, naming both numbers", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path, {
      keepSnapshots: 1,
    });
    for (let by = 1; by <= 3; by++) await counter.apply({ by });
    await counter.compact();
    await counter.apply({ by: 4 });
  }
  const [snapshot] = directory.names().filter((name) =>
    name.startsWith("snapshot_")
  );
  await Deno.rename(directory.at(snapshot!), directory.at("elsewhere"));
  const error = await errorOf(openCounter(directory.path));
  assertEquals(error.code, "CORRUPT");
  assert(/record 0.*record 4/.test(error.message), error.message);
  await Deno.rename(directory.at("elsewhere"), directory.at(snapshot!));
  await using again = await openCounter(directory.path);
  assertEquals(again.state.value, 10);
});

Deno.test("StateManager continues after a snapshot that is ahead of the log, and uses no number twice", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
  }
  await Deno.remove(directory.at("journal.jsonl"));
  {
    await using counter = await openCounter(directory.path);
    assertEquals([counter.state.value, counter.sequence], [3, 2]);
    assertEquals(counter.recovery.logEndedAt, 0);
    assertEquals(await counter.apply({ by: 4 }), 3);
    const error = await errorOf(Array.fromAsync(counter.history({ from: 1 })));
    assertEquals(error.code, "COMPACTED");
  }
  await using again = await openCounter(directory.path);
  assertEquals([again.state.value, again.sequence], [7, 3]);
  assertEquals(again.recovery.logEndedAt, undefined);
});

Deno.test("StateManager.createSnapshot() of what cannot be made durable makes none, and the state has failed", async () => {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 }, { durable: false });
  fs.hooks.before = ({ operation, path }) =>
    operation === "sync" && path.includes("journal")
      ? { code: "EIO" }
      : undefined;
  assertEquals((await errorOf(counter.createSnapshot())).code, "POISONED");
  assertEquals(counter.failure?.code, "POISONED");
  assertEquals(fs.names("/data"), ["journal.jsonl", "journal.jsonl.lock"]);
  await errorOf(counter.close());
});

Deno.test("StateManager.compact() that can remove nothing has made its snapshot, and continues", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  fs.hooks.before = ({ operation, path }) =>
    operation === "remove" && path.endsWith(".jsonl")
      ? { code: "EACCES" }
      : undefined;
  assertEquals((await errorOf(counter.compact())).code, "PERMISSION");
  fs.hooks = {};
  assertEquals((await counter.at(1)).value, 1);
  assertEquals(await counter.apply({ by: 1 }), 2);
  assertEquals((await counter.compact()).firstSequence, 2);
});

Deno.test("StateManager makes snapshots by itself, and their failure costs nothing", async () => {
  const fs = new MemoryFileSystem();
  const options = { ...COUNTER, fs, snapshotEvery: 10 };
  const counter = await StateManager.open("/data", options);
  for (let round = 0; round < 25; round++) await counter.apply({ by: 1 });
  const made = () =>
    fs.names("/data").filter((name) => /^snapshot_\d+\.json$/.test(name))
      .length;
  assertEquals(made(), 2);
  fs.hooks.before = ({ operation, path }) =>
    operation === "create" && path.includes("snapshot_")
      ? { code: "ENOSPC" }
      : undefined;
  for (let round = 0; round < 10; round++) await counter.apply({ by: 1 });
  assertEquals((counter.snapshotFailure as { code: string }).code, "NO_SPACE");
  fs.hooks = {};
  for (let round = 0; round < 10; round++) await counter.apply({ by: 1 });
  assertEquals([counter.snapshotFailure, counter.state.value], [undefined, 45]);
  await counter.close();
  await using again = await StateManager.open("/data", options);
  assertEquals(again.state.value, 45);
  assert(again.recovery.replayed < 25);
});

Deno.test("StateManager makes no snapshot by itself of records that cannot be made durable", async () => {
  const fs = new MemoryFileSystem();
  const options = { ...COUNTER, fs, snapshotEvery: 2 };
  const counter = await StateManager.open("/data", options);
  await counter.apply({ by: 1 });
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await counter.apply({ by: 1 }, { durable: false });
  while (counter.snapshotFailure === undefined) await Promise.resolve();
  assertEquals((counter.snapshotFailure as MiniError).code, "POISONED");
  assertEquals(
    fs.names("/data").filter((name) => name.startsWith("snapshot_")),
    [],
  );
  fs.hooks = {};
  await errorOf(counter.close());
  await using again = await StateManager.open("/data", options);
  assertEquals(again.state.value, 2);
});

interface Tags {
  tags: Set<string>;
}

Deno.test("StateManager keeps a state that is not plain JSON with a codec", async () => {
  await using directory = new TestDirectory();
  const options: StateOptions<Tags, string> = {
    initial: () => ({ tags: new Set() }),
    apply: (state, tag) => {
      state.tags.add(tag);
    },
    codec: {
      encode: ({ tags }) => tags.values(),
      async decode(parts) {
        return {
          tags: new Set(await Array.fromAsync(parts as AsyncIterable<string>)),
        };
      },
    },
  };
  {
    await using manager = await StateManager.open(directory.path, options);
    for (const tag of ["a", "b"]) await manager.apply(tag);
    await Promise.all([manager.createSnapshot(), manager.apply("c")]);
    assertEquals(manager.snapshot().tags, new Set(["a", "b", "c"]));
  }
  await using again = await StateManager.open(directory.path, options);
  assertEquals([...again.state.tags], ["a", "b", "c"]);
});

Deno.test("StateManager upcasts old mutations, and migrates an old snapshot or replays instead", async () => {
  await using directory = new TestDirectory();
  {
    await using old = await StateManager.open(directory.path, {
      initial: () => ({ n: 0 }),
      apply: (state: { n: number }, add: number) => ({ n: state.n + add }),
    });
    await old.apply(1);
    await old.createSnapshot();
    await old.apply(2);
  }
  const now: StateOptions<{ total: number }, { add: number }> = {
    initial: () => ({ total: 0 }),
    apply: (state, { add }) => ({ total: state.total + add }),
    version: 1,
    upcast: (mutation, fromVersion) => {
      assertEquals(fromVersion, 0);
      return { add: mutation as number };
    },
  };
  const migrate = (state: unknown) => ({
    total: 100 * (state as { n: number }).n,
  });
  {
    await using migrated = await StateManager.open(directory.path, {
      ...now,
      migrate,
    });
    assertEquals(migrated.state.total, 102);
  }
  {
    await using replayed = await StateManager.open(directory.path, now);
    assertEquals(replayed.state.total, 3);
    await replayed.apply({ add: 4 });
    await replayed.compact();
    await replayed.apply({ add: 1 });
    await replayed.compact();
    await replayed.apply({ add: 1 });
    await replayed.compact();
  }
  const next = { ...now, version: 2 };
  assertEquals(
    (await errorOf(StateManager.open(directory.path, next))).code,
    "UNSUPPORTED_FORMAT",
  );
  await using still = await StateManager.open(directory.path, now);
  assertEquals(still.state.total, 9);
});
