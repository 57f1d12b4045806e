// Mutations that are arrays: one is one, and several are said to be several.
import { assertEquals, assertThrows } from "@std/assert";
import { batch, StateManager, type StateOptions } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";

type Change = [name: "inc", by: number] | [name: "reset"];

const TUPLES: StateOptions<{ value: number; seen: Change[] }, Change> = {
  initial: () => ({ value: 0, seen: [] }),
  apply: (state, change) => {
    state.seen.push(change);
    const [name, by = 0] = change;
    state.value = name === "inc" ? state.value + by : 0;
  },
};

function open(fs: MemoryFileSystem): Promise<
  StateManager<
    { value: number; seen: Change[] },
    Change
  >
> {
  return StateManager.open("/data", { ...TUPLES, fs });
}

Deno.test("StateManager.transact() takes an array for one mutation, and batch() for several", async () => {
  const fs = new MemoryFileSystem();
  const mutations: Change[] = [["inc", 5], ["inc", 1], ["reset"], ["inc", 2]];
  {
    await using manager = await open(fs);
    assertEquals(await manager.transact(() => ["inc", 5]), 1);
    assertEquals(
      await manager.transact(() => batch<Change>([["inc", 1], ["reset"]])),
      2,
    );
    assertEquals(await manager.applyBatch([["inc", 2]]), 3);
    assertEquals(await manager.transact(() => batch<Change>([])), undefined);
    assertEquals(manager.state, { value: 2, seen: mutations });
    const history = await Array.fromAsync(manager.history());
    assertEquals(history.map(({ seq }) => seq), [1, 2, 2, 3]);
  }
  await using again = await open(fs);
  assertEquals(again.state, { value: 2, seen: mutations });
});

Deno.test("StateManager.transact() logs an empty array, where that is a mutation", async () => {
  const fs = new MemoryFileSystem();
  await using manager = await StateManager.open("/data", {
    fs,
    initial: () => 0,
    apply: (state, items: number[]) => items.reduce((a, b) => a + b, state + 1),
  });
  assertEquals(await manager.transact(() => []), 1);
  assertEquals(await manager.transact(() => [5]), 2);
  assertEquals(manager.state, 7);
});

Deno.test("batch() of a batch that changes afterwards, or of no array", async () => {
  await using manager = await open(new MemoryFileSystem());
  const mutations: Change[] = [["inc", 1]];
  const transacted = manager.transact(() => batch(mutations));
  mutations.push(["inc", 10]);
  await transacted;
  // Decided on behind the push, taken as it was then.
  mutations.push(["inc", 100]);
  assertEquals(manager.state.value, 11);
  assertThrows(
    () => batch({ length: 1 } as never),
    TypeError,
    "batch takes an array of mutations",
  );
});
