import { assert, assertEquals } from "@std/assert";
import { copy } from "@std/fs";
import { fromFileUrl } from "@std/path";
import { StateManager, type StateOptions, StateView } from "@mini/state/state";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

const RUST = fromFileUrl(
  new URL("../fixtures/mini-rs/state", import.meta.url),
);

Deno.test("StateManager refuses a journal of the Rust program that ends before its snapshot", async () => {
  await using directory = new TestDirectory();
  await copy(RUST, directory.at("state"));
  const journal = "counter.wal.jsonl";
  const path = directory.at(`state/${journal}`);
  const lines = (await Deno.readTextFile(path)).split("\n");
  await Deno.writeTextFile(path, lines.slice(0, 5).join("\n") + "\n");
  const error = await errorOf(openCounter(directory.at("state"), { journal }));
  assertEquals(error.code, "CORRUPT");
  assert(/record 7.*record 4/.test(error.message), error.message);
});

Deno.test("StateManager opens a folder of the Rust ministate, snapshot and all, and continues in its format", async () => {
  await using directory = new TestDirectory();
  await copy(RUST, directory.at("state"));
  const options: StateOptions<
    { value: number; note?: string },
    { by: number; note?: string }
  > = {
    initial: () => ({ value: 0 }),
    apply: (state, { by, note }) => {
      state.value += by;
      if (note !== undefined) state.note = note;
      if (by === 13) throw new Error("unlucky");
    },
    journal: "counter.wal.jsonl",
  };
  {
    await using manager = await StateManager.open(
      directory.at("state"),
      options,
    );
    assertEquals([manager.state.value, manager.sequence], [6028, 10]);
    assert(manager.state.note?.includes("событие 6"));
    assertEquals(
      [manager.recovery.snapshotSequence, manager.recovery.replayed],
      [7, 3],
    );
    assertEquals(await manager.apply({ by: 5 }), 11);
    assertEquals(
      (await errorOf(manager.apply({ by: 13 }))).code,
      "ABORTED_MUTATION",
    );
    assertEquals(
      (await errorOf(manager.applyBatch([{ by: 1 }, { by: 2 }]))).code,
      "UNSUPPORTED_FORMAT",
    );
    assertEquals(manager.state.value, 6033);
    await manager.createSnapshot();
    assertEquals((await manager.at(3)).value, 6);
  }
  const text = await Deno.readTextFile(directory.at("state/counter.wal.jsonl"));
  assert(text.endsWith('{"by":3000}\n{"by":5}\n{"by":13}\n'), text.slice(-60));
  await using again = await StateManager.open(directory.at("state"), options);
  assertEquals([again.state.value, again.sequence], [6033, 12]);
});

const ROTATED = [
  ["that hold records", '"a"\n"b"\n', '"c"\n'],
  ["of which the first has no record", "", '"a"\n"b"\n"c"\n'],
  ["of which the last has no record", '"a"\n"b"\n"c"\n', ""],
] as const;
for (const [name, rotated, active] of ROTATED) {
  Deno.test(`StateManager continues with segments of the Rust program ${name}`, async () => {
    await using directory = new TestDirectory();
    const header = "// MINISTORE JOURNAL v0.1.3\n";
    await Deno.writeTextFile(
      directory.at("journal.jsonl.001"),
      header + rotated,
    );
    await Deno.writeTextFile(directory.at(), header + active);
    const options: StateOptions<string[], string> = {
      initial: () => [],
      apply: (state, letter) => void state.push(letter),
    };
    const folder = directory.at(".");
    {
      await using manager = await StateManager.open(folder, options);
      assertEquals(manager.state, ["a", "b", "c"]);
      assertEquals(await manager.apply("d"), 4);
      assertEquals(await manager.at(1), ["a"]);
      const history = await Array.fromAsync(manager.history());
      assertEquals(history.map(({ seq }) => seq), [1, 2, 3, 4]);
    }
    await using again = await StateManager.open(folder, options);
    assertEquals(again.state, ["a", "b", "c", "d"]);
  });
}

Deno.test("StateManager makes no snapshot by itself beside a journal of the Rust program", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at(), "// MINISTORE JOURNAL v0.1.3\n");
  await using manager = await StateManager.open(directory.path, {
    initial: () => 0,
    apply: (state, _: string) => state + 1,
  });
  for (let mib = 0; mib < 5; mib++) await manager.apply("x".repeat(1_000_000));
  assertEquals(manager.snapshotFailure, undefined);
  assertEquals(directory.names().filter((name) => /^snap/.test(name)), []);
});

Deno.test("StateView follows a folder of the Rust ministate, also one that is still to come", async () => {
  await using directory = new TestDirectory();
  const options = {
    initial: () => ({ value: 0 }),
    apply: (state: { value: number }, { by }: { by: number }) => {
      state.value += by;
      if (by === 13) throw new Error("unlucky");
    },
    journal: "counter.wal.jsonl",
  };
  const path = directory.at("state");
  const { initial, apply, journal } = options;
  await using early = await StateView.open(path, {
    initial,
    apply,
    journal,
    ifMissing: "empty",
  });
  await copy(RUST, directory.at("copy"));
  await Deno.rename(directory.at("copy"), path);
  await early.until(10);
  const view = await StateView.open(path, options);
  assertEquals([view.state.value, view.sequence], [6028, 10]);
  assertEquals(early.state.value, 6028);
  await using manager = await view.promote();
  await errorOf(manager.apply({ by: 13 }));
  await early.until(await manager.apply({ by: 2 }));
  assertEquals([early.state.value, early.lag], [6030, 0]);
});
