import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { copy } from "@std/fs";
import { fromFileUrl, toFileUrl } from "@std/path";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

const NAMES = [1, 2, 3].map((seq) =>
  `snapshot_${String(seq).padStart(20, "0")}.json`
);

Deno.test("SnapStore.create() writes JSON that a person can read", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<unknown>(directory.path);
  const info = await snaps.create({ a: [1, "é"] }, 7, {
    logId: "ff",
    version: 3,
  });
  assertEquals(
    info.path,
    directory.at(`snapshot_${"7".padStart(20, "0")}.json`),
  );
  const text = await Deno.readTextFile(info.path);
  const lines = text.split("\n");
  const crc = /^ {2}"crc": "([0-9a-f]{8})"$/.exec(lines.at(-3)!)?.[1];
  assertEquals(JSON.parse(text), {
    mini: 1,
    seq: 7,
    journal: "ff",
    version: 3,
    state: { a: [1, "é"] },
    crc,
  });
  assertEquals(info.sizeBytes, new TextEncoder().encode(text).length);
});

Deno.test("SnapStore.restore() gives the newest, and what it says of itself", async () => {
  await using directory = new TestDirectory();
  assertEquals(await new SnapStore(directory.at("none")).restore(), undefined);
  const snaps = new SnapStore<{ value: number }>(directory.path);
  await snaps.create({ value: 30 }, 3);
  await snaps.create({ value: 40 }, 4, { logId: "ff", version: 2 });
  assertEquals(await snaps.restore(), {
    state: { value: 40 },
    seq: 4,
    logId: "ff",
    version: 2,
    rejected: [],
  });
});

Deno.test("SnapStore.create() takes the state as it is at the call", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<{ value: number }>(directory.path);
  const state = { value: 1 };
  const created = snaps.create(state, 1);
  state.value = 2;
  await created;
  assertEquals((await snaps.restore())?.state, { value: 1 });
});

Deno.test("SnapStore keeps as many as it is told, and prunes on request", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<number>(directory.path);
  for (const seq of [1, 2, 3, 4]) await snaps.create(seq, seq);
  assertEquals((await snaps.list()).map(({ seq }) => seq), [3, 4]);
  await Deno.writeTextFile(directory.at(`${NAMES[0]}.tmp`), "unfinished");
  await Deno.writeTextFile(directory.at("other.tmp"), "not ours");
  const removed = await snaps.prune(1);
  assertEquals(removed.map(({ seq }) => seq), [3]);
  assertEquals(directory.names(), [
    "other.tmp",
    `snapshot_${"4".padStart(20, "0")}.json`,
  ]);
});

Deno.test("SnapStore.create() does not prune the snapshot it has made, whatever its number", async () => {
  for (const keep of [1, 2]) {
    await using directory = new TestDirectory();
    const snaps = new SnapStore<number>(directory.path, { keep });
    const numbers = async () => (await snaps.list()).map(({ seq }) => seq);
    await snaps.create(1, 10);
    await snaps.create(2, 20);
    const kept = await numbers();
    for (const seq of [5, 6]) {
      const info = await snaps.create(3, seq);
      const { size } = await Deno.stat(info.path);
      assertEquals([info.seq, info.sizeBytes], [seq, size]);
      assertEquals(await numbers(), [seq, ...kept]);
    }
    assertEquals((await snaps.restore(6))?.state, 3);
    await snaps.create(4, 30);
    assertEquals(await numbers(), [20, 30].slice(-keep));
  }
});

Deno.test("SnapStore.create() keeps the older snapshots that are needed, as long as they are", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs, keep: 2 });
  const numbers = async () => (await snaps.list()).map(({ seq }) => seq);
  for (const seq of [1, 2, 3, 4]) {
    await snaps.create(seq, seq, { needed: [1, 9] });
  }
  assertEquals(await numbers(), [1, 3, 4]);
  await snaps.create(5, 5, { needed: [3] });
  assertEquals(await numbers(), [3, 4, 5]);
  await snaps.create(6, 6);
  assertEquals(await numbers(), [5, 6]);
});

Deno.test("SnapStore refuses what JSON would lose, before the disk is touched", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<unknown>(directory.at("none"));
  const error = await errorOf(snaps.create({ a: new Map() }, 1));
  assertEquals(error.code, "UNSERIALIZABLE");
  assert(error.message.includes("$.a: a Map"), error.message);
  assertEquals(directory.names(), []);
});

Deno.test("SnapStore refuses a state too large for one string, before the disk is touched", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<unknown>(directory.at("none"));
  const part = "x".repeat(2 ** 28);
  const error = await errorOf(snaps.create([part, part, part], 1));
  assertEquals(error.code, "TOO_LARGE");
  assertEquals(directory.names(), []);
});

Deno.test("SnapStore keeps texts whole that are longer than one piece", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<string>(directory.path);
  for (const shift of [0, 1]) {
    const state = "x".repeat(shift) + "🦀".repeat(100_000);
    await snaps.create(state, shift);
    assertEquals((await snaps.restore())?.state === state, true);
  }
});

Deno.test("SnapStore asks the schema on create and on restore", async () => {
  await using directory = new TestDirectory();
  const schema = {
    "~standard": {
      validate: (value: unknown) =>
        typeof value === "number"
          ? { value }
          : { issues: [{ message: "no number" }] },
    },
  };
  const snaps = new SnapStore(directory.path, { schema });
  assertEquals(
    (await errorOf(snaps.create("x" as unknown as number, 1))).code,
    "INVALID",
  );
  await new SnapStore<string>(directory.path).create("x", 1);
  assertEquals((await errorOf(snaps.restore())).code, "INVALID");
  assertEquals((await snaps.list()).length, 1, "it was set aside");
});

Deno.test("SnapStore takes its directory as a URL", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<number>(toFileUrl(directory.at("a b")));
  await snaps.create(1, 1);
  assertEquals(snaps.dir, directory.at("a b"));
  const restored = await new SnapStore<number>(directory.at("a b")).restore();
  assertEquals(restored?.state, 1);
});

Deno.test("SnapStore refuses misuse with a bare TypeError or RangeError", async () => {
  await using directory = new TestDirectory();
  const nameless = new SnapStore<number>(directory.at("a\0b"));
  await assertRejects(() => nameless.create(1, 1), TypeError);
  await assertRejects(() => nameless.restore(), TypeError);
  assertThrows(() => new SnapStore(""), TypeError);
  assertThrows(() => new SnapStore(directory.path, { keep: 0 }), RangeError);
  for (const mode of [-1, 1.5, 0o10000]) {
    assertThrows(() => new SnapStore(directory.path, { mode }), RangeError);
  }
  const snaps = new SnapStore<number>(directory.path);
  await assertRejects(() => snaps.create(1, -1), RangeError);
  await assertRejects(() => snaps.create(1, 1.5), RangeError);
  await assertRejects(() => snaps.prune(0), RangeError);
});

const RUST = fromFileUrl(new URL("../fixtures/mini-rs/state", import.meta.url));

Deno.test("SnapStore restores the pair that early versions of the Rust minisnap wrote", async () => {
  await using directory = new TestDirectory();
  await copy(RUST, directory.at("state"));
  const restored = await new SnapStore<{ value: number; note: string }>(
    directory.at("state"),
  ).restore();
  assertEquals([restored?.seq, restored?.state.value], [7, 28]);
  assertEquals(
    restored?.state.note,
    'naïve – событие 6 🦀 "quoted" \\ \n line',
  );
  const snaps = new SnapStore(directory.at("state"));
  assertEquals([(await snaps.restore(7))?.seq, await snaps.restore(6)], [
    7,
    undefined,
  ]);
});

Deno.test("SnapStore restores what later versions of the Rust minisnap write", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(
    directory.at(NAMES[2]!),
    '{"seq":3,"state":{"value":30}}',
  );
  const snaps = new SnapStore<{ value: number }>(directory.path);
  assertEquals((await snaps.restore())?.state, { value: 30 });
  await snaps.create({ value: 40 }, 4);
  assertEquals((await snaps.restore())?.seq, 4);
});
