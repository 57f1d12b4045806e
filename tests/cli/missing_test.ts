import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { Inspector } from "../support/inspect.ts";
import { mini, miniJson } from "../support/mini.ts";

/** A counter of 22 records in six segments, with snapshots at 15 and 20. */
async function fill(dir: string): Promise<string> {
  await using counter = await openCounter(dir, { maxSegmentBytes: 300 });
  for (let by = 1; by <= 22; by++) {
    await counter.apply({ by });
    if (by === 15 || by === 20) await counter.createSnapshot();
  }
  return dir;
}

/** The segment whose first record comes behind record `base`. */
function segment(dir: string, base: number): string {
  return join(dir, `journal.${String(base).padStart(20, "0")}.jsonl`);
}

Deno.test("mini salvage, verify, stat and backup say the same of a newest segment that is missing", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const path = join(dir, "journal.jsonl");
  await Deno.remove(path);
  const { code, json } = await miniJson(["verify", dir]);
  const [{ message, remedy, blocksOpen }, ...others] = json.findings;
  assertEquals([code, blocksOpen, others], [1, false, []]);
  assertEquals(remedy, "restore-copy");
  assertStringIncludes(message, `The newest segment "${path}" is missing`);
  const text = await mini(["verify", dir]);
  assertStringIncludes(
    text.stdout,
    `\nnext: if a copy of "${dir}" holds more, restore it before anything opens the log\n`,
  );
  for (const [from, to] of [[dir, "new"], [path, "new.jsonl"]] as const) {
    const salvage = await mini(["salvage", from, directory.at(to)]);
    assertEquals(salvage.code, 1);
    assertStringIncludes(salvage.stdout, message);
    assert(!salvage.stdout.includes("nothing was lost"), salvage.stdout);
  }
  const stat = await miniJson(["stat", dir]);
  assertEquals([stat.code, stat.json.problem], [1, message]);
  const backup = await miniJson(["backup", dir, directory.at("copy")]);
  assertEquals([backup.code, backup.json.findings[0].message], [1, message]);
});

Deno.test("mini repair of a newest segment that is missing says what was lost, and puts the log back", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const path = join(dir, "journal.jsonl");
  await Deno.remove(path);
  const dry = await mini(["repair", dir, "--dry-run"]);
  const missing =
    `The newest segment "${path}" is missing: a rotation was cut short, or it was removed with its records`;
  const lost = "lost: how many records the segment held is not known";
  assertEquals([dry.code, dry.stdout], [
    1,
    `${missing}; opening creates an empty one\n${lost}\nnext: if a copy of "${dir}" holds more, restore it before anything opens the log; else mini repair ${path}\n`,
  ]);
  const { code, stdout } = await mini(["repair", dir]);
  assertEquals([code, stdout], [
    0,
    `${missing}\n${lost}\nrepaired: the journal ends with record 20\n`,
  ]);
  assertEquals((await mini(["verify", dir])).code, 0);
  await Deno.remove(path);
  await Deno.remove(segment(dir, 16));
  const ahead = await mini(["repair", path]);
  assertStringIncludes(
    ahead.stdout,
    "lost: records 17 to 20 (4), and any after",
  );
  assertStringIncludes(ahead.stdout, "the snapshot at record 20 is ahead");
});

Deno.test("mini verify and salvage claim no last record where the newest segment is missing behind a damaged one", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  await Deno.remove(join(dir, "journal.jsonl"));
  const path = segment(dir, 16);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"seq":17', '"seq":71'));
  const { json } = await miniJson(["verify", dir]);
  assertEquals([json.last, json.snapshotAhead], [16, null]);
  assertEquals(
    json.findings.map(({ blocksOpen }: { blocksOpen: boolean }) => blocksOpen),
    [true, false],
  );
  const { code, stdout } = await mini(["salvage", dir, directory.at("new")]);
  assertEquals(code, 1);
  assertStringIncludes(
    stdout,
    `The newest segment "${join(dir, "journal.jsonl")}" is missing`,
  );
});

Deno.test("mini salvage of a journal alone says that a snapshot is ahead of it", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const path = join(dir, "journal.jsonl");
  await Deno.remove(path);
  await Deno.rename(segment(dir, 16), path);
  const to = directory.at("new.jsonl");
  const whole = await miniJson(["salvage", path, to]);
  assertEquals([whole.code, whole.json.findings], [0, []]);
  await Deno.remove(path);
  await Deno.rename(segment(dir, 12), path);
  const again = directory.at("again.jsonl");
  const { code, stdout } = await mini(["salvage", path, again]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "records 17 to 20 are missing from it");
});

Deno.test("mini salvage, backup, state and inspect begin with the snapshots where the log is gone", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  for (const base of [0, 4, 8, 12, 16]) await Deno.remove(segment(dir, base));
  await Deno.remove(join(dir, "journal.jsonl"));
  for (const command of ["salvage", "backup"]) {
    const to = directory.at(command);
    const { code, stdout } = await mini([command, dir, to]);
    assertEquals(code, 1, stdout);
    assertStringIncludes(stdout, "all records are missing");
    await using counter = await openCounter(to);
    assertEquals([counter.state.value, counter.sequence], [210, 20]);
    assertEquals(await counter.apply({ by: 1 }), 21);
  }
  const path = join(dir, "journal.jsonl");
  for (const command of ["verify", "stat"]) {
    const [byDir, byPath] = [
      await mini([command, dir]),
      await mini([command, path]),
    ];
    assertEquals([byPath.code, byPath.stdout], [byDir.code, byDir.stdout]);
  }
  const [byDir, byPath] = [
    await mini(["salvage", dir, directory.at("a.jsonl")]),
    await mini(["salvage", path, directory.at("a.jsonl")]),
  ];
  assertEquals(byPath, byDir);
  const { code, stdout } = await mini(["state", dir, "--at", "15"]);
  assertEquals([code, JSON.parse(stdout).snapshot], [0, 15]);
  await using inspector = await Inspector.start(dir);
  const { text } = await inspector.ask("api/overview");
  assertStringIncludes(text, "all records are missing");
  for (const name of [15, 20]) {
    const digits = String(name).padStart(20, "0");
    await Deno.writeTextFile(join(dir, `snapshot_${digits}.json`), "{}");
  }
  const none = await miniJson(["salvage", dir, directory.at("none")]);
  assertEquals([none.code, none.json.error.code], [1, "CORRUPT"]);
});

Deno.test("mini backup copies what opens: a snapshot stands for a damaged segment, which is left out", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const path = segment(dir, 4);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"by":6', '"by":7'));
  const to = directory.at("new");
  const { code, json } = await miniJson(["backup", dir, to]);
  assertEquals([code, json.first, json.last], [1, 9, 22]);
  assertEquals([json.leftOut, json.findings], [[path], []]);
  await using counter = await openCounter(to);
  assertEquals([counter.state.value, counter.sequence], [253, 22]);
  const told = await mini(["backup", dir, directory.at("again")]);
  assertStringIncludes(told.stdout, "and so is the log before it");
});

Deno.test("mini verify judges a segment that is set aside alone, and tells of it otherwise", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  await Deno.remove(join(dir, "journal.jsonl"));
  await Deno.remove(segment(dir, 16));
  await (await openCounter(dir)).close();
  const aside = `${segment(dir, 12)}.aside`;
  const alone = await miniJson(["verify", aside]);
  assertEquals([alone.code, alone.json.first, alone.json.last], [0, 13, 16]);
  const salvaged = await mini(["salvage", aside, directory.at("x.jsonl")]);
  assertEquals(salvaged.code, 0, salvaged.stdout);
  const { code, stdout } = await mini(["verify", dir]);
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "set aside: journal.00000000000000000012");
  const backup = await mini(["backup", dir, directory.at("copy")]);
  assertEquals(backup.code, 0);
  assertStringIncludes(backup.stdout, "12.jsonl.aside, which is set aside");
});

Deno.test("mini salvage takes the next segment's word for the last line behind a damage", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const path = segment(dir, 16);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace('"by":19', '"by":18'));
  const journal = join(dir, "journal.jsonl");
  const { json } = await miniJson([
    "salvage",
    journal,
    directory.at("x.jsonl"),
  ]);
  assertEquals([json.gaps, json.unverified], [[{ from: 19, to: 19 }], []]);
});

Deno.test("mini salvage and backup refuse a target that is a file, and salvage one inside the original", async () => {
  await using directory = new TestDirectory();
  const dir = await fill(directory.at("old"));
  const file = directory.at("file");
  await Deno.writeTextFile(file, "");
  for (const command of ["salvage", "backup"]) {
    const { code, stderr } = await mini([command, dir, file]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `"${file}" is a file`);
  }
  const inside = await mini(["salvage", dir, join(dir, "sub")]);
  assertEquals(inside.code, 2);
  assertStringIncludes(inside.stderr, "which must not change");
});
