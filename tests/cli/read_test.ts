import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes } from "../support/journal.ts";
import { fixture, linesOf, mini, miniJson, miniMany } from "../support/mini.ts";

/** What verifying says of a journal: exit code, first, last, how it ends, and the codes of what it found. */
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
    "records 1 to 4 (4), 2 segments, 1.3 KiB; damaged",
    `CORRUPT: Cannot read "${path}" (line 2, offset 100): record 5 is damaged, and a later line says that it had been durable; nothing was changed`,
  ]);
  assertStringIncludes(stdout, `next: mini salvage ${path} NEW`);
});

Deno.test("mini verify of an empty journal, and of one whose rotation was cut off, finds nothing", async () => {
  await using directory = new TestDirectory();
  const empty = directory.at("empty/journal.jsonl");
  await (await MiniStore.open(empty)).close();
  const cut = directory.at("cut/journal.jsonl");
  {
    await using store = await MiniStore.open<number>(cut);
    await store.append(1);
    await store.rotate();
  }
  await Deno.remove(cut);
  const whole = await miniJson(["verify", empty]);
  assertEquals([whole.code, whole.json.first, whole.json.last], [0, 1, 0]);
  const unfinished = await miniJson(["verify", cut]);
  assertEquals([unfinished.code, unfinished.json.end], [0, "unfinished"]);
  assertEquals(unfinished.json.last, 1);
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
  assertStringIncludes(gap.json.findings[0].message, "stands at record 1");
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
  assertEquals([code, json.findings[0].isRefused], [1, false]);
  await using counter = await openCounter(directory.path);
  assertEquals(counter.state.value, 7);
});

Deno.test("mini dump prints records as text and as JSON, from one to another", async () => {
  const path = fixture("v1/whole");
  const text = await mini(["dump", path, "--from", "4", "--to", "5"]);
  assertEquals([text.code, text.stdout], [
    0,
    "4\tnull\n5\t[1,2.5,-3e-7,true]\n",
  ]);
  const json = await mini(["dump", path, "--to=2", "--json"]);
  assertEquals(linesOf(json.stdout), [
    { seq: 1, data: { type: "set", key: "a", value: 1 } },
    { seq: 2, data: { type: "inc", key: "a", by: 5 } },
  ]);
});

Deno.test("mini dump prints what stands before a damage, then says where it is", async () => {
  const { code, stdout, stderr } = await mini(["dump", fixture("v1/flipped")]);
  assertEquals([code, stdout.trimEnd().split("\n").length], [1, 4]);
  assertStringIncludes(stderr, "(line 2, offset 100)");
});

Deno.test("mini reads records longer than it would by itself where it is told of them", async () => {
  await using directory = new TestDirectory();
  const maxRecordBytes = 20 * 1024 * 1024;
  {
    await using store = await MiniStore.open<string>(directory.at(), {
      maxRecordBytes,
    });
    await store.append("x".repeat(17 * 1024 * 1024));
  }
  const refused = await miniJson(["verify", directory.path]);
  assertEquals(refused.json.findings[0].code, "TOO_LARGE");
  const limit = `--max-record-bytes=${maxRecordBytes}`;
  assertEquals((await miniJson(["verify", directory.path, limit])).code, 0);
});

Deno.test("mini tail prints the last records, of Rust journals too", async () => {
  const native = await mini(["tail", "-n", "1", fixture("v1/whole")]);
  assertEquals(native.stdout, '9\t"last"\n');
  const rust = await mini(["tail", "-n2", fixture("mini-rs/counter.log")]);
  assertEquals(
    rust.stdout,
    '11\t{"Inc":{"delta":8}}\n12\t{"Inc":{"delta":9}}\n',
  );
});

Deno.test("mini stat draws segments and snapshots, and tells them in JSON", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path, {
      maxSegmentBytes: 300,
    });
    for (let by = 1; by <= 12; by++) await counter.apply({ by });
    await counter.createSnapshot();
  }
  const { code, stdout } = await mini(["stat", directory.path]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "records 1 to 12 (12), 4 segments");
  assertStringIncludes(
    stdout,
    "journal.00000000000000000000.jsonl  1–4    4  312 bytes  ████",
  );
  assertStringIncludes(stdout, "▲ snapshot at record 12");
  assertStringIncludes(stdout, "█");
  const { json } = await miniJson(["stat", directory.path]);
  assertEquals([json.format, json.first, json.last], ["mini", 1, 12]);
  assertEquals([json.segments.length, json.snapshots[0].seq], [4, 12]);
  assertEquals(json.end, "closed");
});

Deno.test("mini stat puts many segments together, and shows a journal that is damaged", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at(), {
      maxSegmentBytes: 150,
      sync: "never",
    });
    for (let value = 1; value <= 100; value++) await store.append(value);
  }
  const { stdout } = await mini(["stat", directory.path]);
  assertStringIncludes(stdout, " segments  1–");
  const damaged = await miniJson(["stat", fixture("v1/flipped")]);
  assertEquals([damaged.code, damaged.json.last], [1, 4]);
});

Deno.test("mini snapshots lists them, and finds the damaged one", async () => {
  await using directory = new TestDirectory();
  const snapshots = new SnapStore<unknown>(directory.path);
  await snapshots.create({ value: 1 }, 3, { version: 2 });
  const { path } = await snapshots.create({ value: 2 }, 7);
  const whole = await miniJson(["snapshots", directory.path]);
  assertEquals(whole.code, 0);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("2", "4"));
  const { code, stdout } = await mini(["snapshots", directory.path]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "record 3  ");
  assertStringIncludes(stdout, "whole    version 2");
  const { json } = await miniJson(["snapshots", directory.path]);
  const statuses = json.snapshots.map((one: { status: string }) => one.status);
  assertEquals(statuses, ["whole", "damaged"]);
  assertEquals(await Deno.readTextFile(path), text.replace("2", "4"));
});

Deno.test("mini state prints the snapshot and the mutations that have an effect", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    await counter.apply({ by: 2, fail: true }).catch(() => {});
    await counter.applyAll([{ by: 3 }, { by: 4 }]);
    await counter.apply({ by: 5 });
  }
  const { stdout } = await mini(["state", directory.path]);
  assertEquals(linesOf(stdout), [
    { snapshot: 1, state: { value: 1, log: [] } },
    { seq: 4, mutation: { by: 3 } },
    { seq: 4, mutation: { by: 4 } },
    { seq: 5, mutation: { by: 5 } },
  ]);
  const before = await mini(["state", directory.path, "--at", "0"]);
  assertEquals(linesOf(before.stdout), [{ snapshot: 0 }]);
  // The record is there, and was aborted.
  const aborted = await mini(["state", directory.path, "--at", "2"]);
  assertEquals(linesOf(aborted.stdout).length, 1);
});

Deno.test("mini state of a Rust directory, of a plain log, and of what compaction has removed", async () => {
  const rust = await mini(["state", fixture("mini-rs/state"), "--at", "8"]);
  const [start, mutation, ...others] = linesOf(rust.stdout);
  assertEquals((start as { snapshot: number }).snapshot, 7);
  assertEquals([mutation, others], [{ seq: 8, mutation: { by: 1000 } }, []]);
  const plain = await mini(["state", fixture("v1/whole")]);
  assertEquals(plain.code, 1);
  assertStringIncludes(plain.stderr, "is no mutation");
  await using directory = new TestDirectory();
  const bytes = new JournalBytes({ base: 10 }).add({
    seq: 11,
    data: { apply: 1 },
  });
  await Deno.writeFile(directory.at(), bytes.bytes);
  const gone = await mini(["state", directory.path]);
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.stderr, "starts with record 11");
});

Deno.test("mini takes --journal, or the only journal in a directory, and asks where there are several", async () => {
  await using directory = new TestDirectory();
  for (const name of ["a.jsonl", "b.jsonl"]) {
    const path = join(directory.path, name);
    await Deno.copyFile(fixture("v1/whole/journal.jsonl"), path);
  }
  const several = await mini(["stat", directory.path]);
  assertEquals(several.code, 2);
  assertStringIncludes(several.stderr, "a.jsonl, b.jsonl");
  const one = await mini(["stat", directory.path, "--journal", "b.jsonl"]);
  assertEquals(one.code, 0);
  assertStringIncludes(one.stdout, join(directory.path, "b.jsonl"));
});
