import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniQueue } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { contentsOf, mini, miniJson } from "../support/mini.ts";

/** Replaces the first place of a text in a file. */
async function flip(path: string, was: string, is: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  assert(text.includes(was), `${path}: ${text}`);
  await Deno.writeTextFile(path, text.replace(was, is));
}

async function assertWell(dir: string): Promise<void> {
  const { code, stdout } = await mini(["verify", dir]);
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "all is well");
}

/** A compacted counter: two snapshots, the newer at record 12, and four records behind it, the second of them aborted. */
async function makeCompacted(dir: string): Promise<void> {
  await using counter = await openCounter(dir, {
    maxSegmentBytes: 600,
    version: 3,
  });
  for (let by = 1; by <= 8; by++) await counter.apply({ by });
  await counter.compact();
  for (let by = 9; by <= 12; by++) await counter.apply({ by });
  await counter.compact();
  await counter.apply({ by: 100, note: "first" });
  await counter.apply({ by: 1_000, note: "bad", fail: true }).catch(() => {});
  await counter.apply({ by: 10_000, note: "last" });
}

Deno.test("mini salvage of a compacted state makes one that opens, with the newest snapshot and what is whole behind it", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  await makeCompacted(dir);
  await flip(join(dir, "journal.jsonl"), '"first"', '"fir5t"');
  const before = await contentsOf(dir);
  assertStringIncludes(
    (await mini(["verify", dir])).stdout,
    `next: mini salvage ${dir} NEW copies the newest intact snapshot`,
  );
  const rescued = directory.at("new");
  const { code, json } = await miniJson(["salvage", dir, rescued]);
  assertEquals([code, json.snapshot.seq, json.records], [1, 12, 3]);
  assertEquals(json.gaps, [{ from: 13, to: 13 }]);
  assertEquals(json.ranges, [{ from: 14, to: 16, as: 13 }]);
  assertEquals([json.opens, json.to], [true, join(rescued, "journal.jsonl")]);
  assertEquals(await contentsOf(dir), before);

  await assertWell(rescued);
  await using counter = await openCounter(rescued, { version: 3 });
  assertEquals(counter.state, { value: 10_078, log: ["last"] });
  assertEquals([counter.sequence, counter.recovery.snapshotSequence], [15, 12]);
  assertEquals(await counter.apply({ by: 1 }), 16);
});

Deno.test("mini salvage of a compacted queue makes one that opens, with its messages", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  {
    await using queue = await MiniQueue.open<string>(dir);
    await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
    await (await queue.receive())!.ack();
    await queue.compact();
    await queue.enqueue("damaged");
    await queue.enqueue("d");
  }
  await flip(join(dir, "journal.jsonl"), '"damaged"', '"demaged"');
  const rescued = directory.at("new");
  await Deno.mkdir(rescued);
  const { code, stdout } = await mini(["salvage", dir, rescued]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "the snapshot at record 3, and 1 record in");
  assertStringIncludes(stdout, "missing: record 4 (1)");
  assertStringIncludes(stdout, "not copied, because the snapshot covers them");
  await assertWell(rescued);
  await using queue = await MiniQueue.open<string>(rescued);
  const left = Array.from({ length: 3 }, () => queue.receive());
  const payloads = (await Promise.all(left)).map((one) => one?.payload);
  assertEquals(payloads, ["b", "c", "d"]);
});

Deno.test("mini salvage passes over a damaged snapshot, and what a snapshot stands for does not count as lost", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  {
    await using counter = await openCounter(dir);
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2 });
    await counter.createSnapshot();
    await counter.apply({ by: 4 });
    await counter.createSnapshot();
  }
  const path = join(dir, "journal.jsonl");
  await flip(path, '"by":1', '"by":9');
  const covered = await miniJson(["salvage", dir, directory.at("a")]);
  assertEquals([covered.code, covered.json.snapshot.seq], [0, 3]);
  assertEquals([covered.json.records, covered.json.damages], [0, 0]);
  const newest = (await new SnapStore(dir).list()).at(-1)!.path;
  await flip(newest, '"value": 7', '"value": 8');
  const older = await miniJson(["salvage", dir, directory.at("b")]);
  assertEquals([older.code, older.json.snapshot.seq], [0, 2]);
  const reason = "it is damaged";
  assertEquals(older.json.passedOver, [{ path: newest, reason }]);
  for (const name of ["a", "b"]) {
    await assertWell(directory.at(name));
    await using counter = await openCounter(directory.at(name));
    assertEquals([counter.state.value, counter.sequence], [7, 3]);
  }
});

Deno.test("mini salvage says where no snapshot is whole, and where the log ends before one", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  await makeCompacted(dir);
  await flip(join(dir, "journal.jsonl"), '"close"', '"clone"');
  for (const { path } of await new SnapStore(dir).list()) {
    await flip(path, '"value"', '"velue"');
  }
  const none = await mini(["salvage", dir, directory.at("none")]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.stdout, "no state or queue can open the copy");
  await Deno.remove(dir, { recursive: true });
  await makeCompacted(dir);
  const [header] = (await Deno.readTextFile(join(dir, "journal.jsonl")))
    .split("\n");
  for (const name of Object.keys(await contentsOf(dir))) {
    if (name.startsWith("journal.0")) await Deno.remove(join(dir, name));
  }
  await Deno.writeTextFile(join(dir, "journal.jsonl"), `${header}\n`);
  const snapshots = new SnapStore(dir);
  await snapshots.create({ value: 1, log: [] }, 20);
  const ahead = await mini(["salvage", dir, directory.at("ahead")]);
  assertEquals(ahead.code, 1);
  assertStringIncludes(ahead.stdout, "anything that followed record 20");
  await using counter = await openCounter(directory.at("ahead"));
  assertEquals([counter.state.value, counter.sequence], [1, 20]);
});

Deno.test("mini salvage begins in the middle of a batch where the snapshot stands there", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  {
    await using store = await MiniStore.open<string>(
      join(dir, "journal.jsonl"),
    );
    await store.appendBatch(["a", "b", "c"]);
    await store.append("d");
    await new SnapStore(dir).create({}, 2, { logId: store.id! });
  }
  const { code, json } = await miniJson(["salvage", dir, directory.at("new")]);
  assertEquals([code, json.ranges], [0, [{ from: 3, to: 4, as: 3 }]]);
  const records = MiniStore.replay<string>(directory.at("new/journal.jsonl"));
  assertEquals(await Array.fromAsync(records), [
    { seq: 3, data: "c" },
    { seq: 4, data: "d" },
  ]);
});

Deno.test("mini salvage of a folder with snapshots asks for a folder, and for one that is empty", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("old");
  await makeCompacted(dir);
  const file = await mini(["salvage", dir, directory.at("new.jsonl")]);
  assertEquals(file.code, 2);
  assertStringIncludes(
    file.stderr,
    "give a directory that is missing or empty",
  );
  const full = await mini(["salvage", dir, dir]);
  assertEquals(full.code, 2);
  assertStringIncludes(full.stderr, "is not empty");
  const other = join(dir, "snapshot_00000000000000000012.json");
  await flip(other, '"mini": 1', '"mini": 2');
  const bytes = (await Deno.readTextFile(other)).replace(
    /,\n {2}"crc".*/s,
    "\n}",
  );
  await Deno.writeTextFile(other, bytes);
  const newer = await miniJson(["salvage", dir, directory.at("new")]);
  assertEquals(newer.json.error?.code, "UNSUPPORTED_FORMAT");
  // The journal alone, as ever.
  const alone = join(dir, "journal.jsonl");
  const { code } = await mini(["salvage", alone, directory.at("alone.jsonl")]);
  assertEquals(code, 0);
});

Deno.test("mini salvage tells what no checksum vouches for, with both its numbers", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    await using store = await MiniStore.open<string>(path);
    for (const text of ["one", "two", "three", "four", "five"]) {
      await store.append(text);
    }
  }
  // Nothing confirms the line between two damages, and nothing contradicts it.
  await flip(path, '"two"', '"tw0"');
  await flip(path, '"data":"four"', '"dat');
  const { json } = await miniJson(["salvage", path, directory.at("a.jsonl")]);
  assertEquals(json.unverified, [{ from: 3, to: 3, as: 2 }]);
  const { stdout } = await mini(["salvage", path, directory.at("b.jsonl")]);
  assertStringIncludes(stdout, "no checksum confirms record 3, now 2\n");
});
