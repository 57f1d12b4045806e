import { assert, assertEquals, assertRejects } from "@std/assert";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const snapshot = (seq: number) =>
  `/data/snapshot_${String(seq).padStart(20, "0")}.json`;

function open(fs: MemoryFileSystem, version: number, migrates = true) {
  return StateManager.open("/data", {
    initial: () => [] as string[],
    apply: (items, item: string) => {
      items.push(item);
    },
    version,
    upcast: (mutation) => mutation as string,
    migrate: (state, from) =>
      migrates && from < version ? state as string[] : undefined,
    maxSegmentBytes: 1,
    fs,
  });
}

Deno.test("StateManager refuses a snapshot of another version that knows more than the log, and uses no number twice", async () => {
  const fs = new MemoryFileSystem();
  {
    await using first = await open(fs, 1);
    await first.applyBatch(["a"]);
    await first.applyBatch(["b"]);
    await first.createSnapshot();
  }
  for (const name of fs.names("/data")) {
    if (name.endsWith(".jsonl")) await fs.remove(`/data/${name}`);
  }
  assertEquals((await errorOf(open(fs, 2, false))).code, "UNSUPPORTED_FORMAT");
  await using again = await open(fs, 1);
  assertEquals(again.state, ["a", "b"]);
});

Deno.test("StateManager.open() takes no mutation for aborted because upcast throws, whatever onReplayThrow says", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
  const applied = () => 0;
  await log.append({ apply: "a", version: 1 }, { applied });
  await log.append({ apply: "b", version: 1 }, { applied });
  fs.restart();
  for (const onReplayThrow of ["refuse", "abort"] as const) {
    const opening = StateManager.open("/data", {
      initial: () => [] as string[],
      apply: (items, item: string) => void items.push(item),
      version: 2,
      upcast: () => {
        throw new RangeError("no longer known");
      },
      onReplayThrow,
      fs,
    });
    await assertRejects(() => opening, Error, "no longer known");
    fs.restart();
  }
  await using first = await open(fs, 1);
  assertEquals(first.state, ["a", "b"]);
});

Deno.test("StateManager goes back to an older version by way of the snapshot that was made by it, as long as no mutation is of a newer one", async () => {
  const fs = new MemoryFileSystem();
  {
    await using first = await open(fs, 1);
    await first.apply("a");
    await first.compact();
    await first.apply("b");
  }
  {
    await using second = await open(fs, 2);
    await second.createSnapshot();
  }
  {
    const copy = new MemoryFileSystem(fs.snapshot());
    {
      await using second = await open(copy, 2);
      await second.apply("c");
    }
    const error = await errorOf(open(copy, 1));
    assertEquals([error.code, error.seq], ["UNSUPPORTED_FORMAT", 3]);
  }
  await using back = await open(fs, 1);
  assertEquals(back.state, ["a", "b"]);
  assertEquals(back.recovery.snapshotSequence, 1);
});

Deno.test("StateManager.compact() keeps the log that a snapshot of another version cannot stand for", async () => {
  const fs = new MemoryFileSystem();
  {
    await using first = await open(fs, 1);
    await first.apply("a");
    await first.createSnapshot();
  }
  {
    await using second = await open(fs, 2, false);
    await second.apply("b");
    await second.compact();
  }
  fs.put(snapshot(2), fs.content(snapshot(2))!.slice(0, -3));
  await using again = await open(fs, 2, false);
  assertEquals(again.state, ["a", "b"]);
  assertEquals(again.recovery.rejected.length, 1);
});

for (const version of [NaN, Infinity, 1.5, -1]) {
  Deno.test(`StateManager.open() refuses the version ${version} before a record carries it`, async () => {
    const fs = new MemoryFileSystem();
    await assertRejects(() => open(fs, version), RangeError, "version");
    await using again = await open(fs, 1);
    assertEquals(again.sequence, 0);
  });
}

Deno.test("StateManager refuses mutations of a version that its code does not know", async () => {
  const fs = new MemoryFileSystem();
  const openAt = (version?: number, upcast?: (mutation: unknown) => number) =>
    StateManager.open("/data", {
      initial: () => 0,
      apply: (state, by: number) => state + by,
      ...(version !== undefined && { version }),
      ...(upcast && { upcast }),
      fs,
    });
  {
    await using cents = await openAt(1);
    await cents.apply(250);
  }
  const content = () => fs.content("/data/journal.jsonl");
  const before = content();
  for (const upcast of [undefined, Number]) {
    const error = await errorOf(openAt(undefined, upcast));
    assertEquals([error.code, error.seq], ["UNSUPPORTED_FORMAT", 1]);
    assert(
      error.message.includes("of version 1, and this code is of version 0"),
    );
  }
  const error = await errorOf(openAt(2));
  assertEquals([error.code, error.seq], ["UNSUPPORTED_FORMAT", 1]);
  assert(error.message.includes("upcast"), error.message);
  assertEquals(content(), before);
  await using upcasting = await openAt(2, (cents) => Number(cents) / 100);
  assertEquals(upcasting.state, 2.5);
});
