// What a mutation costs for which apply throws.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { StateManager, type StateOptions } from "@mini/state/state";
import type { SnapCodec } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

interface List {
  items: number[];
}

/** Refuses what is below 0, half-way. */
const list: StateOptions<List, number> = {
  initial: () => ({ items: [] }),
  apply: (state, item) => {
    state.items.push(item);
    if (item < 0) throw new Error("below 0");
  },
};

const open = (
  fs: MemoryFileSystem,
  options: Partial<StateOptions<List, number>> = {},
) => StateManager.open("/data", { ...list, ...options, fs });

/** How many calls of `read` a task makes. */
async function readsOf(
  fs: MemoryFileSystem,
  task: () => Promise<unknown>,
): Promise<number> {
  let reads = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation === "read") reads++;
    return undefined;
  };
  await task();
  fs.hooks = {};
  return reads;
}

const asList: SnapCodec<List> = {
  encode: (state) => state.items,
  decode: (json) => ({ items: json as number[] }),
};
const inParts: SnapCodec<List> = {
  encode: (state) => state.items.values(),
  decode: async (parts) => ({
    items: await Array.fromAsync(parts as AsyncIterable<number>),
  }),
};
for (
  const [name, codec] of [
    ["plain JSON", {}],
    ["a codec", { codec: asList }],
    ["a codec in parts", { codec: inParts }],
  ] as const
) {
  Deno.test(`StateManager reads the log for the first mutation that throws, and not for the next, with ${name}`, async () => {
    const fs = new MemoryFileSystem();
    await using manager = await open(fs, codec);
    const items = Array.from({ length: 200 }, (_, item) => item);
    for (const item of items) await manager.apply(item);
    const refuse = () => errorOf(manager.apply(-1));
    assert(await readsOf(fs, refuse) > 0);
    assertEquals(await readsOf(fs, refuse), 0);
    for (const item of items) await manager.apply(item);
    assertEquals(await readsOf(fs, refuse), 0);
    assertEquals(await readsOf(fs, refuse), 0);
    assertEquals(manager.state, { items: [...items, ...items] });
    // A snapshot takes the place of what was kept.
    await manager.createSnapshot();
    assert(await readsOf(fs, refuse) > 0);
    assertEquals(manager.state, { items: [...items, ...items] });
  });
}

Deno.test("StateManager rebuilds the state from the log where more has come since than is kept", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await open(fs);
  const refuse = () => errorOf(manager.apply(-1));
  await refuse();
  const items = Array.from({ length: 1_500 }, (_, item) => item);
  await manager.applyBatch(items.slice(0, 10));
  await Promise.all(items.slice(10).map((item) => manager.apply(item)));
  assert(await readsOf(fs, refuse) > 0);
  assertEquals(manager.state, { items });
  assertEquals(await readsOf(fs, refuse), 0);
  assertEquals(manager.state, { items });
});

Deno.test("StateManager rebuilds the state from the log where JSON does not keep it", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await StateManager.open("/data", {
    initial: () => new Map<number, number>(),
    apply: (state, key: number) => {
      state.set(key, (state.get(key) ?? 0) + 1);
      if (key < 0) throw new Error("below 0");
    },
    fs,
  });
  for (const key of [1, 1, 2]) await manager.apply(key);
  for (let turn = 0; turn < 2; turn++) {
    const reads = await readsOf(fs, () => errorOf(manager.apply(-1)));
    assert(reads > 0);
    assertEquals([...manager.state], [[1, 2], [2, 1]]);
  }
});

Deno.test("StateManager opens a log of mutations that throw in one pass", async () => {
  const opened = async (refused: number) => {
    const fs = new MemoryFileSystem();
    {
      // Nobody can say of any that it was applied.
      await using taking = await open(fs, { apply: () => {} });
      await taking.applyBatch([1]);
      const items = Array.from({ length: refused }, () => [2, -1]).flat();
      await Promise.all(items.map((item) => taking.apply(item)));
    }
    let manager!: StateManager<List, number>;
    const reads = await readsOf(fs, async () => {
      manager = await open(fs, { onReplayThrow: "abort" });
    });
    assertEquals(manager.state.items.length, 1 + refused);
    assertEquals(manager.recovery.aborted.length, refused);
    await manager.close();
    return reads;
  };
  assert(await opened(300) < 2 * await opened(3));
});

Deno.test("StateManager with immutable keeps the state where apply throws, and reads nothing", async () => {
  const fs = new MemoryFileSystem();
  const options: StateOptions<readonly number[], number> = {
    initial: () => [],
    apply: (state, item) => {
      if (item < 0) throw new Error("below 0");
      return item === 0 ? undefined as never : [...state, item];
    },
    immutable: true,
    fs,
  };
  {
    await using manager = await StateManager.open("/data", options);
    await manager.apply(1);
    const before = manager.state;
    const reads = await readsOf(fs, async () => {
      const refused = errorOf(manager.apply(-1));
      const batch = errorOf(manager.applyBatch([7, -1]));
      assertEquals((await refused).code, "ABORTED_MUTATION");
      assertEquals((await batch).code, "ABORTED_MUTATION");
    });
    assertEquals(reads, 0);
    assert(manager.state === before);
    const { cause, message } = await errorOf(manager.apply(0));
    assert(cause instanceof TypeError, message);
    assert(message.includes("apply must return the next state"), message);
    await manager.apply(2);
  }
  await using again = await StateManager.open("/data", options);
  assertEquals(again.state, [1, 2]);
  assertEquals(again.recovery.aborted, [2, 3, 6]);
});

Deno.test("StateManager with immutable applies mutations while a snapshot is written", async () => {
  const fs = new MemoryFileSystem();
  const applied = Promise.withResolvers<void>();
  await using manager = await StateManager.open("/data", {
    initial: (): readonly number[] => [],
    apply: (state, item: number) => [...state, item],
    immutable: true,
    codec: {
      encode: async function* (state) {
        await applied.promise;
        yield* state;
      },
      decode: (parts) => Array.fromAsync(parts as AsyncIterable<number>),
    },
    fs,
  });
  await manager.apply(1);
  const snapshot = manager.createSnapshot();
  await manager.apply(2);
  applied.resolve();
  assertEquals((await snapshot).seq, 1);
  assertEquals(manager.state, [1, 2]);
});

Deno.test('StateManager with immutable "checked" throws where somebody changes a state', async () => {
  const fs = new MemoryFileSystem();
  const options: StateOptions<
    { items: number[]; bytes: Uint8Array; groups: Map<string, number[]> },
    number
  > = {
    initial: () => ({
      items: [],
      bytes: new Uint8Array(1),
      groups: new Map([["a", [1]]]),
    }),
    apply: (state, item) => {
      if (item < 0) state.items.push(item);
      return { ...state, items: [...state.items, item] };
    },
    immutable: "checked",
    fs,
  };
  await using manager = await StateManager.open("/data", options);
  const items = () => manager.state.items as number[];
  assertThrows(() => items().push(1), TypeError);
  await manager.apply(1);
  assertThrows(() => items().push(1), TypeError);
  const group = manager.state.groups.get("a") as number[];
  assertThrows(() => group.push(1), TypeError);
  assert((await errorOf(manager.apply(-1))).cause instanceof TypeError);
  assertEquals(manager.state.items, [1]);
  assertThrows(() => items().push(1), TypeError);
});

Deno.test("StateManager.apply() tells by the stack of an abort who has called it", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await open(fs);
  async function callerOfApply(): Promise<void> {
    await manager.apply(-1);
  }
  async function callerOfTransact(): Promise<void> {
    await manager.transact(() => -1);
  }
  async function callerOfApplyAll(): Promise<void> {
    await manager.applyBatch([1, -1]);
  }
  for (const call of [callerOfApply, callerOfTransact, callerOfApplyAll]) {
    const { stack = "", cause } = await errorOf(call());
    assert(stack.includes("ABORTED_MUTATION"), stack);
    assert(stack.includes(call.name), stack);
    assert((cause as Error).stack?.includes("refusal_test.ts"));
  }
});

Deno.test("StateManager rebuilds a state as the log does, also where JSON would make other objects", async () => {
  const fs = new MemoryFileSystem();
  interface Todos {
    all: { done: boolean }[];
    byName: Record<string, { done: boolean }>;
  }
  const todos: StateOptions<Todos, { add?: string; done?: string }> = {
    initial: () => ({ all: [], byName: Object.create(null) }),
    apply: (state, { add, done }) => {
      if (add !== undefined) {
        if (state.byName[add] !== undefined) throw new Error("there already");
        const todo = { done: false };
        state.all.push(todo);
        state.byName[add] = todo;
      }
      if (done !== undefined) state.byName[done]!.done = true;
    },
  };
  const seen: string[] = [];
  {
    await using manager = await StateManager.open("/data", { ...todos, fs });
    await manager.apply({ add: "a" });
    await errorOf(manager.apply({ done: "no such" }));
    await manager.apply({ done: "a" });
    await errorOf(manager.apply({ done: "constructor" }));
    await manager.apply({ add: "constructor" });
    seen.push(JSON.stringify(manager.state));
  }
  await using again = await StateManager.open("/data", { ...todos, fs });
  seen.push(JSON.stringify(again.state));
  assertEquals(seen[0], seen[1]);
  assertEquals(again.state.all, [{ done: true }, { done: false }]);
});
