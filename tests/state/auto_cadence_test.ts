// Snapshots that make themselves once the log outweighs the state.
import { assert, assertEquals } from "@std/assert";
import type { SnapshotInfo } from "@mini/state/snap";
import { StateManager, type StateOptions } from "@mini/state/state";
import type { MiniError } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

const MIB = 1024 * 1024;

/** A state that holds the last values, as many as it is told, and a mutation of about so much of the log. */
const HELD: StateOptions<string[], { text: string; held: number }> = {
  initial: () => [],
  apply: (texts, { text, held }) => [...texts, text].slice(-held),
};
type Held = StateManager<string[], { text: string; held: number }>;

async function log(
  manager: Held,
  { mib, held = 1 }: { mib: number; held?: number },
): Promise<void> {
  const text = "x".repeat(MIB / 4);
  for (let count = 0; count < 4 * mib; count++) {
    await manager.apply({ text, held });
  }
}

function namesOf(fs: MemoryFileSystem): string[] {
  return fs.names("/data").filter((name) => name.startsWith("snapshot"));
}

Deno.test("StateManager makes a snapshot by itself once the log outweighs the state, and removes nothing", async () => {
  const fs = new MemoryFileSystem();
  {
    await using manager = await StateManager.open("/data", { ...HELD, fs });
    await log(manager, { mib: 3 });
    assertEquals(namesOf(fs).length, 0);
    await log(manager, { mib: 2 });
    assertEquals([namesOf(fs).length, manager.firstSequence], [1, 1]);
    assertEquals((await manager.at(3)).length, 1);
    await log(manager, { mib: 2 });
    assertEquals(namesOf(fs).length, 1);
    await log(manager, { mib: 2 });
    assertEquals(namesOf(fs).length, 2);
  }
  await using again = await StateManager.open("/data", { ...HELD, fs });
  assert(again.recovery.replayed < 20, `${again.recovery.replayed} replayed`);
});

Deno.test("StateManager makes the next snapshot after eight times as much of the log as the last one has, also once it is opened again", async () => {
  const fs = new MemoryFileSystem();
  {
    await using manager = await StateManager.open("/data", { ...HELD, fs });
    // Six texts, of a quarter of a MiB each, are one snapshot; from then on one.
    await log(manager, { mib: 2, held: 6 });
    await manager.createSnapshot();
    await log(manager, { mib: 10 });
    assertEquals(namesOf(fs).length, 1);
  }
  await using again = await StateManager.open("/data", { ...HELD, fs });
  await log(again, { mib: 1 });
  assertEquals(namesOf(fs).length, 1);
  await log(again, { mib: 2 });
  assertEquals(namesOf(fs).length, 2);
});

Deno.test("StateManager makes no snapshot by itself as long as the state is nearly as large as its log", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await StateManager.open("/data", { ...HELD, fs });
  await log(manager, { mib: 7, held: 8 });
  await log(manager, { mib: 8, held: 8 });
  assertEquals(namesOf(fs).length, 0);
  // Twice as much log is the next look.
  await log(manager, { mib: 2, held: 7 });
  assertEquals(namesOf(fs).length, 1);
  await using byKey = await StateManager.open("/by key", {
    fs,
    initial: (): Record<string, string> => ({}),
    apply: (state, key: string) => {
      state[key] = "x".repeat(MIB);
    },
  });
  for (const key of ["a", "b"]) await byKey.apply(key.repeat(3 * MIB));
  assertEquals(fs.names("/by key").length, 2);
});

Deno.test('StateManager makes no snapshot by itself with snapshotEvery "never", and its next opening makes up for it with the first apply', async () => {
  const fs = new MemoryFileSystem();
  {
    await using manager = await StateManager.open("/data", {
      ...HELD,
      fs,
      snapshotEvery: "never",
    });
    await log(manager, { mib: 6 });
  }
  assertEquals(namesOf(fs).length, 0);
  await using again = await StateManager.open("/data", { ...HELD, fs });
  assertEquals([again.recovery.replayed, namesOf(fs).length], [24, 0]);
  await again.apply({ text: "", held: 1 });
  assertEquals([namesOf(fs).length, again.snapshotFailure], [1, undefined]);
});

Deno.test("StateManager removes what retain does not ask for with the snapshots that it makes by itself", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await StateManager.open("/data", {
    ...HELD,
    fs,
    retain: { records: 5 },
  });
  await log(manager, { mib: 20 });
  const { firstSequence, sequence } = manager;
  assert(firstSequence > 20 && firstSequence <= sequence - 4);
  assertEquals((await manager.at(sequence - 5)).length, 1);
});

/** States of which no snapshot makes itself, and why. */
const UNFIT: [what: string, initial: () => unknown, words: string][] = [
  ["that JSON does not keep", () => ({ of: new Map() }), "$.of: a Map"],
  ["with NaN", () => [NaN], "$[0]: NaN"],
  ["with an object in two places", () => {
    const shared = { value: 1 };
    return { one: shared, other: shared };
  }, "an object in two places"],
  ["without a prototype", () => Object.create(null), "without a prototype"],
];

for (const [what, initial, words] of UNFIT) {
  Deno.test(`StateManager with a state ${what} makes no snapshot by itself, and says so once`, async () => {
    const fs = new MemoryFileSystem();
    const told: unknown[] = [];
    const open = () =>
      StateManager.open<unknown, string>("/data", {
        fs,
        initial,
        apply: () => {},
        onSnapshotFailure: (error) => told.push(error),
      });
    {
      await using manager = await open();
      const text = "x".repeat(MIB);
      for (let seq = 1; seq <= 12; seq++) {
        assertEquals(await manager.apply(text), seq);
      }
      assertEquals(told, [manager.snapshotFailure]);
      assert(String(told[0]).includes(words), `${told[0]}`);
    }
    const { calls } = fs;
    await using again = await open();
    assertEquals([told.length, again.recovery.snapshotFailure], [1, undefined]);
    assertEquals([again.sequence, namesOf(fs), again.state], [
      12,
      [],
      initial(),
    ]);
    assert(fs.calls > calls);
  });
}

Deno.test("StateManager makes snapshots by itself of what a codec or immutable vouches for", async () => {
  const shared = () => {
    const [object] = [{ value: 1 }];
    return { one: object, other: object };
  };
  const codec = { encode: (state: unknown) => state, decode: shared };
  for (const options of [{ immutable: true }, { codec }]) {
    const fs = new MemoryFileSystem();
    const manager = await StateManager.open("/data", {
      ...options,
      fs,
      initial: shared,
      apply: (state, _: string) => state,
    });
    for (let mib = 0; mib < 5; mib++) await manager.apply("x".repeat(MIB));
    assertEquals([namesOf(fs).length, manager.snapshotFailure], [1, undefined]);
    await manager.close();
  }
});

Deno.test("StateManager stops making snapshots by itself if the codec throws, until it is opened again", async () => {
  const fs = new MemoryFileSystem();
  const told: unknown[] = [];
  let isBroken = true;
  const open = () =>
    StateManager.open<number, string>("/data", {
      fs,
      initial: () => 0,
      apply: (state) => state + 1,
      codec: {
        encode(state) {
          if (isBroken) throw new Error("broken");
          return state;
        },
        decode: (json) => json as number,
      },
      onSnapshotFailure: (error) => told.push(error),
    });
  {
    await using manager = await open();
    for (let mib = 0; mib < 12; mib++) await manager.apply("x".repeat(MIB));
    assertEquals([told.length, manager.snapshotFailure], [1, told[0]]);
    assertEquals((told[0] as Error).message, "broken");
  }
  isBroken = false;
  await using again = await open();
  await again.apply("");
  assertEquals([namesOf(fs).length, told.length], [1, 1]);
});

Deno.test("StateManager continues without a snapshot that a full disk has no room for, and makes it later", async () => {
  const fs = new MemoryFileSystem();
  const told: unknown[] = [];
  await using manager = await StateManager.open("/data", {
    ...HELD,
    fs,
    onSnapshotFailure: (error) => told.push(error),
  });
  const full = (wanted: string) => {
    fs.hooks.before = ({ operation, path }) =>
      operation === wanted && path.includes("snapshot_")
        ? { code: "ENOSPC" }
        : undefined;
  };
  for (const operation of ["create", "write"]) {
    full(operation);
    await log(manager, { mib: 4 });
  }
  await log(manager, { mib: 1 });
  assertEquals((manager.snapshotFailure as MiniError).code, "NO_SPACE");
  assertEquals([told.length, namesOf(fs)], [2, []]);
  fs.hooks = {};
  await log(manager, { mib: 4 });
  assertEquals([namesOf(fs).length, manager.snapshotFailure], [1, undefined]);
  assertEquals(manager.sequence, 52);
});

Deno.test("StateManager asks at times, not at each record, for snapshots that cannot be listed", async () => {
  const fs = new MemoryFileSystem();
  let calls = 0;
  const snapshots = {
    create: () => Promise.reject(new Error("not reached")),
    restore: () => Promise.resolve(undefined),
    list: () => {
      calls++;
      return Promise.reject(new Error("the network is down"));
    },
  };
  const lists = { ...snapshots, list: () => Promise.resolve([]) };
  let isUp = true;
  await using manager = await StateManager.open("/data", {
    ...HELD,
    fs,
    snapshots: {
      ...snapshots,
      list: () => isUp ? lists.list() : snapshots.list(),
    },
  });
  isUp = false;
  await log(manager, { mib: 9 });
  assertEquals(calls, 2);
  assertEquals(
    (manager.snapshotFailure as Error).message,
    "the network is down",
  );
});

Deno.test("StateManager makes a snapshot after as many records as the last one covers where sizes are not known", async () => {
  const fs = new MemoryFileSystem();
  const made: SnapshotInfo[] = [];
  await using manager = await StateManager.open("/data", {
    ...HELD,
    fs,
    snapshots: {
      create: (_, seq) => {
        made.push({ seq, sizeBytes: 0 });
        return Promise.resolve(made.at(-1)!);
      },
      restore: () => Promise.resolve(undefined),
      list: () => Promise.resolve(made),
    },
  });
  await log(manager, { mib: 40 });
  const numbers = made.map(({ seq }) => seq);
  assertEquals(numbers.length, 4);
  for (const [index, seq] of numbers.entries()) {
    assert(index === 0 || seq >= 2 * numbers[index - 1]!, `${numbers}`);
  }
});

Deno.test("StateManager tries again where snapshots of the caller's have failed in their own way", async () => {
  const fs = new MemoryFileSystem();
  let tries = 0;
  await using manager = await StateManager.open("/data", {
    ...HELD,
    fs,
    snapshots: {
      create: () => {
        tries++;
        return Promise.reject(new Error("no answer"));
      },
      restore: () => Promise.resolve(undefined),
      list: () => Promise.resolve([]),
    },
  });
  await log(manager, { mib: 9 });
  assertEquals([tries, String(manager.snapshotFailure)], [
    2,
    "Error: no answer",
  ]);
});
