// What was applied and acknowledged stays, whatever code opens it.
import { assert, assertEquals } from "@std/assert";
import { type MiniError, MiniStore } from "@mini/state/store";
import { StateManager, type StateOptions } from "@mini/state/state";
import { type DiskSnapshot, MemoryFileSystem } from "@mini/state/testing";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";

type Op = { by: number } | { double: true };

const old: StateOptions<{ value: number }, Op> = {
  initial: () => ({ value: 0 }),
  apply: (state, op) => {
    if (!("by" in op)) throw new Error("no such operation");
    state.value += op.by;
  },
};

const newer: typeof old = {
  ...old,
  apply: (state, op) => {
    state.value = "double" in op ? 2 * state.value : state.value + op.by;
  },
};

const OPS: Op[] = [{ by: 3 }, { double: true }, { by: 1 }];

/** A directory that newer code has written, and closed or left. */
async function written(
  ops: readonly Op[],
  end: "closed" | "killed" = "closed",
): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...newer, fs });
  for (const op of ops) await manager.apply(op);
  if (end === "closed") await manager.close();
  else fs.restart();
  return fs;
}

const filesOf = (fs: MemoryFileSystem) =>
  fs.names("/data").filter((name) => !name.endsWith(".lock")).map((name) => [
    name,
    new TextDecoder().decode(fs.content(`/data/${name}`)),
  ]);

const refusal = async (
  fs: MemoryFileSystem,
  options: Partial<typeof old> = {},
): Promise<MiniError> =>
  await errorOf(StateManager.open("/data", { ...old, ...options, fs }));

for (const end of ["closed", "killed"] as const) {
  Deno.test(`StateManager.open() refuses older code a log that newer code has ${end}, and changes nothing`, async () => {
    const fs = await written(OPS, end);
    const before = filesOf(fs);
    const error = await refusal(fs);
    assertEquals([error.code, error.seq], ["REPLAY_FAILED", 2]);
    assert(error.message.includes("record 2"), error.message);
    assertEquals((error.cause as Error).message, "no such operation");
    assertEquals(filesOf(fs), before);
    await using again = await StateManager.open("/data", { ...newer, fs });
    assertEquals(again.state.value, 7);
    assertEquals(again.recovery.undecided, []);
  });
}

Deno.test("StateManager.open() refuses older code also what only the mark of a clean end proves, and after it was opened and killed", async () => {
  const fs = await written(OPS.slice(0, 2));
  for (let turn = 0; turn < 2; turn++) {
    assertEquals((await refusal(fs)).code, "REPLAY_FAILED");
    for (let kill = 0; kill < 2; kill++) {
      await StateManager.open("/data", { ...newer, fs });
      fs.restart();
    }
  }
  await using again = await StateManager.open("/data", { ...newer, fs });
  assertEquals(again.state.value, 6);
});

Deno.test("StateManager.open() refuses older code what only a snapshot proves, which is of another version", async () => {
  const fs = new MemoryFileSystem();
  {
    const manager = await StateManager.open("/data", {
      ...newer,
      fs,
      migrate: () => undefined,
    });
    for (const op of OPS.slice(0, 2)) await manager.apply(op);
    await manager.createSnapshot();
    fs.restart();
  }
  const name = fs.names("/data").find((name) => name.startsWith("snapshot"))!;
  fs.put(`/data/${name}`, fs.content(`/data/${name}`)!.slice(0, -30));
  const error = await refusal(fs);
  assertEquals([error.code, error.seq], ["REPLAY_FAILED", 2]);
});

Deno.test("StateManager.at() refuses a record before the snapshot for which apply throws now", async () => {
  const fs = await written([]);
  {
    await using manager = await StateManager.open("/data", { ...newer, fs });
    for (const op of OPS) await manager.apply(op);
    await manager.createSnapshot();
  }
  await using back = await StateManager.open("/data", { ...old, fs });
  assertEquals(back.state.value, 7);
  const error = await errorOf(back.at(2));
  assertEquals([error.code, error.seq], ["REPLAY_FAILED", 2]);
  assertEquals((await back.at(1)).value, 3);
  await back.apply({ by: 1 });
  assertEquals(back.recovery.aborted, []);
  assertEquals(await Array.fromAsync(back.history(), (m) => m.seq), [
    1,
    2,
    3,
    4,
  ]);
});

Deno.test("StateManager.open() passes over what no record proves to have been applied, and writes nothing of that", async () => {
  const fs = await written(OPS.slice(0, 2), "killed");
  const before = filesOf(fs);
  for (let turn = 0; turn < 2; turn++) {
    await using back = await StateManager.open("/data", { ...old, fs });
    assertEquals([back.state.value, back.sequence], [3, 2]);
    assertEquals([back.recovery.undecided, back.recovery.aborted], [[2], []]);
    assertEquals(await Array.fromAsync(back.history(), (m) => m.seq), [1]);
  }
  assertEquals(filesOf(fs), before);
  await using again = await StateManager.open("/data", { ...newer, fs });
  assertEquals([again.state.value, again.recovery.undecided], [6, []]);
});

Deno.test("StateManager writes the abort of what it has passed over with its first write, or snapshot", async () => {
  for (const isSnapshot of [false, true]) {
    const fs = await written(OPS.slice(0, 2), "killed");
    {
      await using back = await StateManager.open("/data", { ...old, fs });
      if (isSnapshot) await back.createSnapshot();
      else assertEquals(await back.apply({ by: 1 }), 4);
    }
    const records = MiniStore.replay("/data/journal.jsonl", { fs, from: 3 });
    const [abort] = await Array.fromAsync(records, ({ data }) => data);
    assertEquals(abort, { abort: 2, found: true });
    await using again = await StateManager.open("/data", { ...newer, fs });
    assertEquals(again.state.value, isSnapshot ? 3 : 4);
    assertEquals(again.recovery.undecided, []);
  }
});

Deno.test("StateManager.open() leaves out for good what throws, with onReplayThrow", async () => {
  const fs = await written(OPS);
  {
    await using back = await StateManager.open("/data", {
      ...old,
      onReplayThrow: "abort",
      fs,
    });
    assertEquals([back.state.value, back.recovery.aborted], [4, [2]]);
    assertEquals([back.sequence, back.recovery.undecided], [4, []]);
  }
  await using again = await StateManager.open("/data", { ...newer, fs });
  assertEquals([again.state.value, again.recovery.aborted], [4, [2]]);
});

Deno.test("StateManager keeps what is written with a mutation whose abort a crash has cut off", async () => {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...old, fs });
  const disks: DiskSnapshot[] = [];
  fs.hooks.before = ({ operation }) => {
    if (operation === "write") disks.push(fs.snapshot());
    return undefined;
  };
  await Promise.allSettled(OPS.map((op) => manager.apply(op)));
  assertEquals(disks.length, 2, "the mutations, and the abort");
  const left = new MemoryFileSystem(disks[1]!);
  await using again = await StateManager.open("/data", { ...old, fs: left });
  assertEquals([again.state.value, again.recovery.undecided], [4, [2]]);
});

Deno.test("StateManager makes no snapshot and no clean end while an abort is not on record, and both once it is", async () => {
  const fs = new MemoryFileSystem();
  const snapshots = () =>
    fs.names("/data").filter((name) => name.startsWith("snapshot")).length;
  const open = () =>
    StateManager.open("/data", { ...old, fs, snapshotEvery: 2 });
  const noSpace = () => {
    let writes = 0;
    fs.hooks.before = ({ operation, path }) =>
      operation === "write" && path.includes("journal") && ++writes > 1
        ? { code: "ENOSPC" }
        : undefined;
  };
  const full = await open();
  await full.apply({ by: 1 });
  noSpace();
  const error = await errorOf(full.apply({ double: true }));
  assert(error.message.includes("could not be recorded"), error.message);
  assertEquals((await errorOf(full.createSnapshot())).code, "NO_SPACE");
  assertEquals(snapshots(), 0);
  fs.hooks = {};
  await full.close();
  {
    // Newer code may still take it: nothing says that it was aborted.
    const copy = new MemoryFileSystem(fs.snapshot());
    await using again = await StateManager.open("/data", {
      ...newer,
      fs: copy,
    });
    assertEquals([again.recovery.outcome, again.state.value], ["unclean", 2]);
  }
  {
    await using again = await open();
    assertEquals(again.recovery.undecided, [2]);
    await again.apply({ by: 1 });
    assertEquals(snapshots(), 1);
  }
  await using decided = await StateManager.open("/data", { ...newer, fs });
  assertEquals([decided.recovery.outcome, decided.state.value], ["clean", 2]);
});

Deno.test("StateManager acknowledges nothing without the abort of what it has passed over, also behind a full disk", async () => {
  const fs = await written(OPS.slice(0, 2), "killed");
  const back = await StateManager.open("/data", { ...old, fs });
  let behind: Promise<number> | undefined;
  fs.hooks.before = ({ operation }) => {
    if (operation !== "write" || behind !== undefined) return undefined;
    behind = back.apply({ by: 2 });
    return { code: "ENOSPC" };
  };
  assertEquals((await errorOf(back.apply({ by: 1 }))).code, "NO_SPACE");
  await behind;
  fs.restart();
  await using again = await StateManager.open("/data", { ...newer, fs });
  assertEquals([again.state.value, again.recovery.aborted], [5, [2]]);
});

Deno.test("StateManager says of an abort that it is recorded only where it is, whichever call began to record it", async () => {
  const fs = new MemoryFileSystem();
  const slow = new HoldingFileSystem(fs);
  const manager = await StateManager.open("/data", { ...old, fs: slow.fs });
  await manager.apply({ by: 1 });
  const remade = slow.hold("close");
  const aborted = errorOf(manager.apply({ double: true }));
  await remade.reached;
  const written = slow.hold("write");
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  const beside = errorOf(manager.apply({ by: 1 }));
  await written.reached;
  remade.release();
  while (manager.sequence < 2) await undefined;
  written.release();
  const { message } = await aborted;
  assert(message.includes("could not be recorded yet"), message);
  assertEquals((await beside).code, "NO_SPACE");
  fs.hooks = {};
  await manager.apply({ by: 1 });
  await manager.close();
  await using again = await StateManager.open("/data", { ...newer, fs });
  assertEquals([again.state.value, again.recovery.aborted], [2, [2]]);
});

Deno.test("StateManager makes no snapshot of a state that it has lost, though an abort is on record that it has not taken in", async () => {
  const fs = new MemoryFileSystem();
  const slow = new HoldingFileSystem(fs);
  const manager = await StateManager.open("/data", { ...old, fs: slow.fs });
  const reading = slow.hold("open");
  fs.hooks.before = ({ operation }) =>
    operation === "open" ? { code: "EIO" } : undefined;
  const aborted = errorOf(manager.apply({ double: true }));
  await reading.reached;
  const durable = slow.hold("sync");
  const beside = errorOf(manager.apply({ by: 1 }));
  await durable.reached;
  durable.release();
  reading.release();
  assertEquals((await aborted).code, "POISONED");
  assertEquals((await beside).code, "POISONED");
  assertEquals((await errorOf(manager.createSnapshot())).code, "POISONED");
});

Deno.test("StateManager opens where a mutation of an unknown version is on record as aborted", async () => {
  const fs = new MemoryFileSystem();
  {
    await using next = await StateManager.open("/data", {
      ...old,
      version: 1,
      fs,
    });
    await errorOf(next.apply({ double: true }));
  }
  await using back = await StateManager.open("/data", { ...old, fs });
  assertEquals([back.state.value, back.recovery.aborted], [0, [1]]);
});

Deno.test("StateManager with immutable passes over what no record proves to have been applied", async () => {
  const immutable: StateOptions<readonly number[], number> = {
    initial: () => [],
    apply: (state, item) => [...state, item],
    immutable: true,
  };
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...immutable, fs });
  await Promise.all([manager.apply(1), manager.apply(2), manager.apply(3)]);
  fs.restart();
  await using back = await StateManager.open("/data", {
    ...immutable,
    apply: (state, item) => {
      if (item === 2) throw new Error("no such item");
      return [...state, item];
    },
    fs,
  });
  assertEquals([back.state, back.recovery.undecided], [[1, 3], [2]]);
});
