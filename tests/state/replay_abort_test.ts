import { assert, assertEquals, assertRejects } from "@std/assert";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";

const sum = {
  initial: () => ({ value: 0 }),
  apply: (state: { value: number }, by: number) => {
    state.value += by;
  },
};

/** Leaves the disk of a process that was killed before it could record an abort. */
async function withUnrecordedAbort(fs: MemoryFileSystem): Promise<void> {
  const manager = await StateManager.open("/data", { ...sum, fs });
  for (const by of [1, 13, 2]) await manager.apply(by);
  await manager.close();
}

const superstitious = {
  ...sum,
  apply: (state: { value: number }, by: number) => {
    state.value += by;
    if (by === 13) throw new Error("unlucky");
  },
};

Deno.test("StateManager.open() rejects where apply returns promises, rather than take mutations for aborted", async () => {
  const fs = new MemoryFileSystem();
  await withUnrecordedAbort(fs);
  const apply = (() => Promise.resolve()) as unknown as typeof sum.apply;
  await assertRejects(
    () => StateManager.open("/data", { ...sum, apply, fs }),
    TypeError,
    "promise",
  );
  await using again = await StateManager.open("/data", { ...sum, fs });
  assertEquals(again.state.value, 16);
});

Deno.test("StateManager.open() records what it aborts, so that it stays aborted whatever apply becomes", async () => {
  const fs = new MemoryFileSystem();
  await withUnrecordedAbort(fs);
  {
    await using found = await StateManager.open("/data", {
      ...superstitious,
      onReplayThrow: "abort",
      fs,
    });
    assertEquals([found.state.value, found.sequence], [3, 4]);
    assertEquals(found.recovery.aborted, [2]);
    await found.createSnapshot();
    await found.apply(10);
  }
  await using fixed = await StateManager.open("/data", { ...sum, fs });
  assertEquals(fixed.state.value, 13);
  assertEquals((await fixed.at(3)).value, 3);
  const history = await Array.fromAsync(fixed.history(), (m) => m.mutation);
  assertEquals(history, [1, 2, 10]);
});

Deno.test("StateManager opens where a schema or an upcast refuses a mutation that was aborted", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await errorOf(counter.apply({ by: 2, fail: true }));
    await counter.apply({ by: 4 });
  }
  const upcast = (mutation: unknown) => {
    if ((mutation as { fail?: boolean }).fail) throw new Error("no such shape");
    return mutation as { by: number };
  };
  await using again = await openCounter("/data", { fs, upcast, version: 1 });
  assertEquals(again.state.value, 5);
});

Deno.test("StateManager says when an abort could not be recorded, and records it with the next write", async () => {
  const fs = new MemoryFileSystem();
  {
    await using manager = await StateManager.open("/data", {
      ...superstitious,
      fs,
    });
    await manager.apply(1);
    let writes = 0;
    fs.hooks.before = ({ operation }) =>
      operation === "write" && ++writes === 2 ? { code: "ENOSPC" } : undefined;
    const { changed } = manager;
    const error = await errorOf(manager.apply(13));
    assertEquals(error.code, "ABORTED_MUTATION");
    assert(error.message.includes("could not be recorded"), error.message);
    await changed;
    fs.hooks = {};
    assertEquals(await manager.apply(2), 4);
  }
  await using again = await StateManager.open("/data", { ...sum, fs });
  assertEquals(again.state.value, 3);
  assertEquals(again.recovery.aborted, [2]);
});

Deno.test("StateManager logs nothing any more once its state could not be rebuilt", async () => {
  const fs = new MemoryFileSystem();
  const manager = await openCounter("/data", { fs });
  await manager.apply({ by: 1 });
  fs.hooks.before = ({ operation }) =>
    operation === "read" ? { code: "EMFILE" } : undefined;
  await errorOf(manager.apply({ by: 2, fail: true }));
  fs.hooks = {};
  for (
    const call of [
      () => manager.apply({ by: 100 }),
      () => manager.transact(() => ({ by: 100 })),
    ]
  ) {
    assertEquals((await errorOf(call())).code, "POISONED");
  }
  assertEquals(manager.failure?.code, "POISONED");
  await manager.close();
  await using again = await openCounter("/data", { fs });
  assertEquals(again.state.value, 1);
});

Deno.test("StateManager.at() keeps apply from calling back, as apply() does", async () => {
  const fs = new MemoryFileSystem();
  const found: unknown[] = [];
  const targets: StateManager<{ value: number }, number>[] = [];
  const manager = await StateManager.open("/data", {
    ...sum,
    fs,
    apply: (state: { value: number }, by: number) => {
      state.value += by;
      for (const target of targets) {
        target.apply(100).catch((error) => found.push(error));
      }
    },
  });
  await manager.apply(1);
  targets.push(manager);
  assertEquals((await manager.at(1)).value, 1);
  assert(found.length === 1 && found[0] instanceof TypeError);
  assertEquals(manager.sequence, 1);
  await manager.close();
});

Deno.test("StateManager reports a damaged snapshot also where it was the only one, and the tail holds an abort", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    await errorOf(counter.apply({ by: 2, fail: true }));
  }
  const path = `/data/snapshot_${"1".padStart(20, "0")}.json`;
  fs.put(path, fs.content(path)!.slice(0, -3));
  await using again = await StateManager.open("/data", { ...COUNTER, fs });
  assertEquals(again.recovery.rejected.length, 1);
});

for (const immutable of [false, true]) {
  Deno.test(`StateManager.open() judges no mutation by the effect of one that is recorded as aborted, immutable: ${immutable}`, async () => {
    const fs = new MemoryFileSystem();
    const options = (check: (by: number) => void) => ({
      fs,
      immutable,
      initial: () => ({ value: 0 }),
      apply: (state: { value: number }, by: number) => {
        check(by);
        const value = state.value + by;
        if (value < 0) throw new Error("below 0");
        if (immutable) return { value };
        state.value = value;
        return undefined;
      },
    });
    const strict = options((by) => {
      if (by === 50 || by === -7) throw new Error(`not ${by}`);
    });
    {
      await using manager = await StateManager.open("/data", strict);
      await manager.apply(60);
      // All of them stand before their aborts.
      await Promise.allSettled([50, -7, -100].map((by) => manager.apply(by)));
      await manager.apply(1);
    }
    // It would have taken 50, so that -100 does not throw; -7 does.
    const other = options((by) => {
      if (by === -7) throw new Error("not -7");
    });
    await using again = await StateManager.open("/data", other);
    assertEquals(again.state.value, 61);
    assertEquals(again.recovery.aborted, [2, 3, 4]);
  });

  Deno.test(`StateManager.open() keeps what throws only after a mutation that is recorded as aborted, immutable: ${immutable}`, async () => {
    const fs = new MemoryFileSystem();
    const options = (least: number) => ({
      fs,
      immutable,
      initial: () => ({ value: 0 }),
      apply: (state: { value: number }, by: number) => {
        if (by < least) throw new Error("too little");
        if (by === 2 && state.value < 0) throw new Error("below 0");
        if (immutable) return { value: state.value + by };
        state.value += by;
        return undefined;
      },
    });
    {
      await using manager = await StateManager.open("/data", options(0));
      await Promise.allSettled([1, -5, 2].map((by) => manager.apply(by)));
      await manager.apply(3);
    }
    await using again = await StateManager.open("/data", options(-9));
    assertEquals([again.state.value, again.recovery.undecided], [6, []]);
    assertEquals(again.recovery.aborted, [2]);
  });
}

Deno.test("StateManager.open() that is refused for the owner of a snapshot proves nothing", async () => {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...sum, fs });
  await manager.apply(1);
  const path = (await manager.createSnapshot()).path!;
  await manager.apply(13);
  fs.restart();
  const { mode } = (await fs.stat(path))!;
  const open = () => StateManager.open("/data", { ...superstitious, fs });
  fs.give("/data", { mode: 0o777 });
  fs.give(path, { mode: 0o666 });
  assertEquals((await errorOf(open())).code, "PERMISSION");
  fs.give(path, { mode: mode! });
  await using back = await open();
  assertEquals([back.state.value, back.recovery.undecided], [1, [2]]);
});
