import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import {
  contentsOf,
  copyFolder,
  fixture,
  mini,
  miniJson,
} from "../support/mini.ts";

Deno.test("mini repair goes back to the last good record, keeps the original, and the log continues", async () => {
  await using directory = new TestDirectory();
  const dir = await copyFolder(fixture("v1/flipped"), directory.at("copy"));
  const again = await copyFolder(dir, directory.at("again"));
  const before = await contentsOf(dir);
  const dry = await mini(["repair", "--dry-run", dir]);
  assertEquals(dry.code, 1);
  assertStringIncludes(
    dry.stdout,
    "would remove: records 5 to 9 (5), 928 bytes",
  );
  assertEquals(await contentsOf(dir), before);

  const { code, json } = await miniJson(["repair", dir]);
  assertEquals([code, json.last], [0, 4]);
  const text = await mini(["repair", again]);
  assertStringIncludes(text.stdout, "removed: records 5 to 9");
  assert(!text.stdout.includes("nothing was changed"), text.stdout);
  assertEquals(json.cut, { from: 5, to: 9, bytes: 928 });
  const aside = join(dir, "journal.jsonl.damaged");
  assertEquals(json.aside, [aside]);
  assertEquals(await Deno.readTextFile(aside), before["journal.jsonl"]);

  const path = join(dir, "journal.jsonl");
  {
    await using store = await MiniStore.open(path);
    assertEquals(await store.append("after"), 5);
  }
  const opened = await openAndRead(path) as { data: unknown[] };
  assertEquals([opened.data.length, opened.data.at(-1)], [5, "after"]);
});

Deno.test("mini repair of damage in a sealed segment sets aside all from it on, and does it twice", async () => {
  await using directory = new TestDirectory();
  const dir = await copyFolder(fixture("v1/sealed-cut"), directory.at("copy"));
  const { json } = await miniJson(["repair", dir]);
  assertEquals([json.last, json.cut.from, json.cut.to], [1, 2, 9]);
  assertEquals(json.aside.length, 2);
  const path = join(dir, "journal.jsonl");
  assertEquals((await openAndRead(path) as { data: unknown[] }).data.length, 1);
  const again = await mini(["repair", dir]);
  assertEquals([again.code, again.stdout], [0, "nothing to repair\n"]);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"set"', '"get"'));
  const third = await miniJson(["repair", dir]);
  assertEquals(third.json.aside, [`${path}.damaged.2`]);
  assertEquals(third.json.last, 0);
});

Deno.test("mini repair of a missing segment ends with what stands before it", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    await using store = await MiniStore.open<number>(path);
    for (const value of [1, 2, 3]) {
      await store.append(value);
      await store.rotate();
    }
  }
  await Deno.remove(directory.at("journal.00000000000000000001.jsonl"));
  const { code, json } = await miniJson(["repair", path]);
  assertEquals([code, json.last, json.cut.to], [0, 1, 3]);
  assertEquals(await openAndRead(path), { data: [1], outcome: "unclean" });
});

Deno.test("mini repair of a state says what a snapshot behind the damage saves", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    for (let by = 1; by <= 4; by++) await counter.apply({ by });
    await counter.createSnapshot();
    await counter.apply({ by: 5 });
  }
  const text = await Deno.readTextFile(directory.at());
  await Deno.writeTextFile(directory.at(), text.replace('"by":2', '"by":7'));
  const { stdout } = await mini(["repair", directory.path]);
  assertStringIncludes(stdout, "removed: records 2 to 5 (4)");
  assertStringIncludes(stdout, "the snapshot at record 4 is ahead");
  assertStringIncludes(
    stdout,
    "continues with record 5; the effect of the records after",
  );
  await using counter = await openCounter(directory.path);
  assertEquals([counter.state.value, counter.sequence], [10, 4]);
});

Deno.test("mini repair changes nothing of what is torn, newer, or lost from its first line on", async () => {
  await using directory = new TestDirectory();
  const torn = await copyFolder(fixture("v1/torn"), directory.at("torn"));
  assertEquals((await miniJson(["repair", torn])).json.needed, false);
  const newer = await copyFolder(fixture("v1/newer"), directory.at("newer"));
  const { code, json } = await miniJson(["repair", newer]);
  assertEquals([code, json.error.code], [1, "UNSUPPORTED_FORMAT"]);
  // Nor does it leave a lock file beside what is no journal.
  const readme = directory.at("none/readme.txt");
  await Deno.mkdir(directory.at("none"));
  await Deno.writeTextFile(readme, "Read me.\n");
  const none = await miniJson(["repair", readme]);
  assertEquals([none.code, none.json.error.code], [1, "UNSUPPORTED_FORMAT"]);
  assertEquals(await contentsOf(directory.at("none")), {
    "readme.txt": "Read me.\n",
  });
  const path = directory.at("x.jsonl");
  const text = await Deno.readTextFile(
    fixture("v1/whole/journal.00000000000000000000.jsonl"),
  );
  await Deno.writeTextFile(path, text.replace('"base"', '"case"'));
  const lost = await mini(["repair", path]);
  assertEquals(lost.code, 1);
  assertStringIncludes(lost.stderr, "there is nothing good before it");
  assertStringIncludes(lost.stderr, "mini salvage");
});

Deno.test("mini convert makes a native journal of a Rust one with all its rotated segments", async () => {
  await using directory = new TestDirectory();
  const header = "// MINISTORE JOURNAL v0.1.4\n";
  await Deno.writeTextFile(directory.at("x.log.001"), `${header}1\n{"a":2}\n`);
  await Deno.writeTextFile(directory.at("x.log.002"), `${header}[3]\n`);
  await Deno.writeTextFile(directory.at("x.log"), `${header}"four"\n`);
  const before = await contentsOf(directory.path);
  const path = directory.at("new/journal.jsonl");
  const { code, json } = await miniJson([
    "convert",
    directory.at("x.log"),
    path,
  ]);
  assertEquals([code, json.records, json.snapshot], [0, 4, null]);
  const data = [1, { a: 2 }, [3], "four"];
  assertEquals(await openAndRead(path), { data, outcome: "clean" });
  await using store = await MiniStore.open(path);
  assertEquals([store.format, store.sequence], ["mini", 4]);
  assertEquals(await contentsOf(directory.path), before);
});

Deno.test("mini convert of a Rust state makes one that opens with its snapshot and continues", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("state");
  const { json } = await miniJson(["convert", fixture("mini-rs/state"), dir]);
  assertEquals([json.records, json.snapshot], [10, 7]);
  const open = () =>
    StateManager.open<
      { value: number; note?: string },
      { by: number; note?: string }
    >(dir, {
      initial: () => ({ value: 0 }),
      apply: (state, { by, note }) => {
        state.value += by;
        if (note !== undefined) state.note = note;
      },
    });
  {
    await using counter = await open();
    assertEquals([counter.state.value, counter.sequence], [6028, 10]);
    assertEquals(counter.recovery.snapshotSequence, 7);
    await counter.applyBatch([{ by: 1 }, { by: 2 }]);
  }
  await using counter = await open();
  assertEquals(counter.state.value, 6031);
});

Deno.test("mini convert stops at a number that JavaScript has not, and says where to continue", async () => {
  await using directory = new TestDirectory();
  const text = "// MINISTORE JOURNAL v0.1.3\n1\n9007199254740993\n";
  await Deno.writeTextFile(directory.at("x.log"), text);
  const path = directory.at("new.jsonl");
  const { code, json } = await miniJson([
    "convert",
    directory.at("x.log"),
    path,
  ]);
  assertEquals([code, json.error.code], [1, "UNSERIALIZABLE"]);
  assertStringIncludes(
    json.error.message,
    `"${path}" holds an unfinished copy`,
  );
});

Deno.test("mini convert of a Rust state refuses a directory that holds anything, and leaves it as it was", async () => {
  await using directory = new TestDirectory();
  const snapshots = new SnapStore<number>(directory.path, { keep: 3 });
  for (const seq of [1, 2, 3]) await snapshots.create(seq, seq);
  const before = await contentsOf(directory.path);
  const source = fixture("mini-rs/state");
  const { code, stderr } = await mini(["convert", source, directory.path]);
  assertEquals([code, await contentsOf(directory.path)], [2, before]);
  assertStringIncludes(stderr, "is not empty");
});
