import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { MiniError, MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import { fixture, mini, miniJson, miniMany } from "../support/mini.ts";

/** The expected verdict on a journal: exit code, first, last, how it ends, and the codes of what it found. */
const VERDICTS: [
  path: string,
  verdict: [number, number, number, string, string[]],
][] = [
  ["v1/whole", [0, 1, 9, "closed", []]],
  ["v1/torn", [1, 1, 8, "torn", []]],
  ["v1/flipped", [1, 1, 4, "damaged", ["CORRUPT"]]],
  ["v1/sealed-cut", [1, 1, 9, "closed", ["CORRUPT"]]],
  ["v1/newer", [1, 1, 0, "damaged", ["UNSUPPORTED_FORMAT"]]],
  ["mini-rs/counter.log", [0, 1, 12, "open", []]],
  ["mini-rs/state", [0, 1, 10, "open", []]],
];

Deno.test("mini verify judges good, torn, corrupt, newer and Rust journals", async () => {
  const calls = VERDICTS.map(([path]) => ["verify", fixture(path), "--json"]);
  const printed = await miniMany(calls);
  for (const [at, { code, stdout }] of printed.entries()) {
    const { first, last, end, findings } = JSON.parse(stdout);
    const codes = findings.map(({ code }: { code: string }) => code);
    assertEquals([code, first, last, end, codes], VERDICTS[at]![1]);
  }
});

Deno.test("mini verify says file, line, offset, and what to do next", async () => {
  const path = fixture("v1/flipped/journal.jsonl");
  const { code, stdout, stderr } = await mini(["verify", path]);
  assertEquals([code, stderr], [1, ""]);
  assertEquals(stdout.split("\n").slice(0, 3), [
    path,
    "2 segments, 1.3 KiB; damaged: only records 1 to 4 (4) are verified",
    `CORRUPT: Cannot read "${path}" (line 2, offset 100): record 5 is damaged, and a later line says that it was durable; nothing was changed`,
  ]);
  assertStringIncludes(stdout, `next: mini salvage ${path} NEW`);
  assert(!stdout.includes("mini verify"), "it names itself");
});

Deno.test("mini verify finds nothing in an empty journal, and nothing in one whose rotation was cut short", async () => {
  await using directory = new TestDirectory();
  const empty = directory.at("empty/journal.jsonl");
  await (await MiniStore.open(empty)).close();
  const cut = await makeRotated(directory.at("cut/journal.jsonl"));
  // A rotation has made the next segment before it seals the last.
  await Deno.rename(cut, `${cut}.tmp`);
  const whole = await miniJson(["verify", empty]);
  assertEquals([whole.code, whole.json.first, whole.json.last], [0, 1, 0]);
  const unfinished = await miniJson(["verify", cut]);
  assertEquals([unfinished.code, unfinished.json.end], [0, "unfinished"]);
  assertEquals(unfinished.json.last, 1);
});

Deno.test("mini verify, stat and backup say that the newest segment is missing", async () => {
  await using directory = new TestDirectory();
  const path = await makeRotated(directory.at("x/journal.jsonl"));
  await Deno.remove(path);
  const { code, stdout } = await mini(["verify", path]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "its newest segment is missing");
  assert(!stdout.includes("all is well"), stdout);
  const { json } = await miniJson(["verify", path]);
  assertEquals([json.end, json.last, json.segments], ["missing", 1, 1]);
  const stat = await mini(["stat", path]);
  assertEquals(stat.code, 1);
  assertStringIncludes(
    stat.stdout,
    "journal.jsonl                       missing",
  );
  const backup = await mini(["backup", path, directory.at("copy")]);
  assertEquals(backup.code, 1);
  assertStringIncludes(
    backup.stdout,
    `The newest segment "${path}" is missing`,
  );
});

async function makeRotated(path: string): Promise<string> {
  await using store = await MiniStore.open<number>(path);
  await store.append(1);
  await store.rotate();
  return path;
}

Deno.test("mini verify says only what it knows of a line that was cut short", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at());
    for (const value of [1, 2, 3]) await store.append(value);
  }
  // Within record 3, in a file that was closed: all of it had been acknowledged.
  const text = await Deno.readTextFile(directory.at());
  const cut = text.slice(0, text.indexOf('"data":3'));
  await Deno.writeTextFile(directory.at(), cut);
  const { code, stdout } = await mini(["verify", directory.path]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "continues after record 2");
  assertStringIncludes(stdout, "no later line proves");
  assert(!stdout.includes("is lost"), stdout);
});

Deno.test("mini verify and stat claim no record of what is damaged", async () => {
  const verify = await mini(["verify", fixture("v1/sealed-cut")]);
  assertStringIncludes(
    verify.stdout,
    "damaged: only record 1, records 5 to 9 (6) are verified\n",
  );
  assert(!verify.stdout.includes("closed cleanly"), verify.stdout);
  const { json } = await miniJson(["verify", fixture("v1/sealed-cut")]);
  assertEquals(json.verified, [{ from: 1, to: 1 }, { from: 5, to: 9 }]);
  const stat = await mini(["stat", fixture("v1/flipped")]);
  assertStringIncludes(stat.stdout, "; damaged\n");
  assertStringIncludes(
    stat.stdout,
    "journal.jsonl                       damaged",
  );
});

/** A counter with a snapshot at record 18, and the record behind it. */
async function makeState(dir: string): Promise<string> {
  await using counter = await openCounter(dir);
  for (let by = 1; by <= 18; by++) await counter.apply({ by });
  await counter.createSnapshot();
  await counter.apply({ by: 19 });
  return dir;
}

Deno.test("mini verify, stat and backup find a snapshot that is ahead of the log", async () => {
  await using directory = new TestDirectory();
  const dir = await makeState(directory.at("state"));
  const whole = await mini(["verify", dir]);
  assertEquals(whole.code, 0);
  assertStringIncludes(whole.stdout, "all is well");
  const path = join(dir, "journal.jsonl");
  const lines = (await Deno.readTextFile(path)).split("\n");
  await Deno.writeTextFile(path, `${lines.slice(0, 11).join("\n")}\n`);
  const { code, json } = await miniJson(["verify", dir]);
  assertEquals([code, json.last, json.snapshotAhead], [1, 10, 18]);
  const [{ message, seq, blocksOpen, remedy }, ...others] = json.findings;
  assertEquals([seq, blocksOpen, others], [11, false, []]);
  for (
    const told of [
      "ahead of the log, which ends with record 10: records 11 to 18 are missing",
      "opening continues after the snapshot with record 19",
      "sets the existing segments aside",
    ]
  ) assertStringIncludes(message, told);
  assertEquals(remedy, "restore-copy");
  const verify = await mini(["verify", dir]);
  assertStringIncludes(
    verify.stdout,
    `\nnext: the snapshot covers the records up to 18; if a copy of "${dir}" holds more, restore it before anything opens the log; to go back to a backup, move "${dir}" away, and copy the backup into its place\n`,
  );
  const stat = await mini(["stat", dir]);
  assertEquals(stat.code, 1);
  assertStringIncludes(stat.stdout, "records 11 to 18 are missing");
  const backup = await mini(["backup", dir, directory.at("copy")]);
  assertEquals(backup.code, 1);
  assert(!backup.stdout.includes("backed up and verified"), backup.stdout);
  assertStringIncludes(backup.stdout, "records 11 to 18 are missing");
  await using counter = await openCounter(directory.at("copy"));
  assertEquals([counter.sequence, counter.state.value], [18, 171]);
});

Deno.test("mini verify and stat find that the log is gone beside a snapshot", async () => {
  await using directory = new TestDirectory();
  const dir = await makeState(directory.at("state"));
  await Deno.remove(join(dir, "journal.jsonl"));
  for (const command of ["verify", "stat"]) {
    const { code, stdout } = await mini([command, dir]);
    assertEquals(code, 1);
    assertStringIncludes(stdout, "; there is no log\n");
    assertStringIncludes(stdout, "all records are missing");
    assert(!stdout.includes("all is well"), stdout);
  }
  const { json } = await miniJson(["verify", dir]);
  assertEquals([json.segments, json.snapshotAhead], [0, 18]);
  assertEquals(json.findings[0].blocksOpen, false);
});

Deno.test("mini verify knows that a damaged snapshot stands for nothing", async () => {
  await using directory = new TestDirectory();
  const dir = directory.path;
  const path = await (async () => {
    await using counter = await openCounter(dir, { maxSegmentBytes: 200 });
    for (let by = 1; by <= 9; by++) await counter.apply({ by });
    return (await counter.createSnapshot()).path;
  })();
  for (
    const [file, was] of [[path, "45"], [
      directory.at("journal.00000000000000000000.jsonl"),
      '"by":1',
    ]]
  ) {
    const text = await Deno.readTextFile(file!);
    await Deno.writeTextFile(
      file!,
      text.replace(was!, was!.replace(/\d$/, "7")),
    );
  }
  const { json } = await miniJson(["verify", dir]);
  const refused = json.findings.map((one: { blocksOpen: boolean }) =>
    one.blocksOpen
  );
  assertEquals(refused, [true, false]);
  const error = await assertRejects(() => openCounter(dir), MiniError);
  assertEquals(error.code, "CORRUPT");
});

Deno.test("mini verify and convert tell of what a Rust journal ends with unfinished", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("x.log");
  const text = '// MINISTORE JOURNAL v0.1.3\n{"by":1}\n{"by":2}\n{"by":3';
  await Deno.writeTextFile(path, text);
  const { code, json } = await miniJson(["verify", path]);
  assertEquals([code, json.end, json.tornBytes, json.last], [1, "torn", 7, 2]);
  const to = directory.at("new/journal.jsonl");
  const converted = await mini(["convert", path, to]);
  assertEquals(converted.code, 1);
  assertStringIncludes(converted.stdout, "left out: 7 bytes of an unfinished");
  assertEquals(await openAndRead(to), {
    data: [{ by: 1 }, { by: 2 }],
    outcome: "clean",
  });
  // What lacks only its newline is whole, unless it is a number: part of one is one too.
  for (const [end, torn] of [['{"by":3}', 0], ["12", 2]] as const) {
    await Deno.writeTextFile(path, text.replace('{"by":3', end));
    const { json } = await miniJson(["verify", path]);
    assertEquals(json.tornBytes, torn);
  }
});

Deno.test("mini verify finds a missing segment, and a snapshot that the log does not reach", async () => {
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
  const missing = await miniJson(["verify", path]);
  assertEquals([missing.code, missing.json.findings.length], [1, 1]);
  assertEquals(missing.json.findings[0].seq, 2);
  await Deno.remove(directory.at("journal.00000000000000000000.jsonl"));
  await new SnapStore(directory.path).create({}, 1);
  const gap = await miniJson(["verify", directory.path]);
  assertStringIncludes(gap.json.findings[0].message, "is at record 1");
  assertEquals([gap.code, gap.json.findings[0].seq], [1, 2]);
});

Deno.test("mini verify says that a damage does not matter where a snapshot stands for it", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  const path = directory.at();
  {
    await using store = await MiniStore.open(path);
    await store.rotate();
    await store.append({ apply: { by: 2 } });
    await store.rotate();
    await store.append({ apply: { by: 4 } });
  }
  const sealed = directory.at("journal.00000000000000000000.jsonl");
  const text = await Deno.readTextFile(sealed);
  await Deno.writeTextFile(sealed, text.replace('"by":1', '"by":7'));
  const { code, json } = await miniJson(["verify", directory.path]);
  assertEquals([code, json.findings[0].blocksOpen], [1, false]);
  await using counter = await openCounter(directory.path);
  assertEquals(counter.state.value, 7);
});
