import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { JournalBytes } from "../support/journal.ts";
import { fixture, linesOf, mini, miniJson } from "../support/mini.ts";
import { WallClock } from "../support/wall_clock.ts";

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
  // Segments that opening has set aside behind a snapshot are no part of the log.
  const aside = ["journal.00000000000000000000.jsonl", "journal.jsonl"]
    .flatMap((name) => [`${name}.aside`, `${name}.aside-2`]);
  for (const name of aside) await Deno.writeTextFile(directory.at(name), "");
  const after = await miniJson(["stat", directory.path]);
  assertEquals([after.json.setAside, after.json.last], [aside, 12]);
  assertEquals(json.end, "closed");
});

Deno.test("mini stat, tail and dump tell the times of records that have them", async () => {
  await using directory = new TestDirectory();
  const start = Date.UTC(2026, 0, 1);
  const [first, last] = [0, 5].map((ms) => new Date(start + ms).toISOString());
  {
    using clock = new WallClock(start);
    const options = { timestamps: true, maxSegmentBytes: 100 };
    await using store = await MiniStore.open<string>(directory.at(), options);
    for (const text of ["a", "b", "c", "d"]) {
      await store.append(text);
      if (text === "c") clock.ms += 5;
    }
  }
  const { stdout } = await mini(["stat", directory.at()]);
  assertStringIncludes(stdout, `\nwritten from ${first} to ${last}\n`);
  const { json } = await miniJson(["stat", directory.at()]);
  assertEquals(json.times, { first, last });
  const tail = await mini(["tail", "-n1", directory.at()]);
  assertEquals(tail.stdout, `4\t${last}\t"d"\n`);
  const dump = await mini(["dump", directory.at(), "--to=1", "--json"]);
  assertEquals(linesOf(dump.stdout), [{ seq: 1, at: first, data: "a" }]);
  const path = directory.at("journal.00000000000000000000.jsonl");
  await Deno.writeFile(path, (await Deno.readFile(path)).fill(0x78, 20, 30));
  const rescued = directory.at("rescued.jsonl");
  const { code } = await miniJson(["salvage", directory.at(), rescued]);
  assertEquals(code, 1);
});

Deno.test("mini stat warns of a snapshot that may be overdue, and of nothing else", async () => {
  await using directory = new TestDirectory();
  const options = { snapshotEvery: 2, keepSnapshots: 5 };
  const note = "x".repeat(1024 * 1024);
  {
    await using counter = await openCounter(directory.path, options);
    for (let by = 1; by <= 4; by++) await counter.apply({ by });
  }
  const before = await mini(["stat", directory.path]);
  assertStringIncludes(before.stdout, "\nhealth: ok\n");
  {
    // From here on JSON does not keep it.
    await using counter = await openCounter(directory.path, {
      ...options,
      apply: (state) => {
        state.value = -0;
      },
    });
    for (let mib = 1; mib <= 12; mib++) await counter.apply({ by: 1, note });
  }
  const { code, json } = await miniJson(["stat", directory.path]);
  assertEquals(code, 0);
  const [{ message }] = json.health.reasons;
  assertStringIncludes(message, "overdue: the last is at 4");
  assertStringIncludes(message, "opening replays 12 records");
  const text = await mini(["stat", directory.path]);
  assertStringIncludes(
    text.stdout,
    `\nhealth: degraded (SNAPSHOT_OVERDUE)\n${message}\n`,
  );

  const others = directory.at("none");
  {
    await using counter = await openCounter(others, {
      snapshotEvery: "never",
      apply: () => {},
    });
    for (let mib = 1; mib <= 12; mib++) await counter.apply({ by: 1, note });
  }
  const none = await miniJson(["stat", others]);
  const [reason] = none.json.health.reasons;
  assertStringIncludes(reason.message, "overdue: there is none");
});

Deno.test("mini stat puts many segments together, and shows a journal that is damaged", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at(), {
      maxSegmentBytes: 150,
      durable: false,
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
  assertStringIncludes(stdout, "intact   version 2");
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
    await counter.applyBatch([{ by: 3 }, { by: 4 }]);
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
  assertStringIncludes(plain.stderr, "is not a mutation");
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

Deno.test("mini state makes none of those between the end of a log and a snapshot ahead of it", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
  }
  await new SnapStore(directory.path).create({ value: 3 }, 3);
  const between = await miniJson(["state", directory.path, "--at", "2"]);
  assertEquals([between.code, between.json.error.seq], [1, 2]);
  const { code, json } = await miniJson(["state", directory.path]);
  assertEquals([code, json], [0, { snapshot: 3, state: { value: 3 } }]);
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
