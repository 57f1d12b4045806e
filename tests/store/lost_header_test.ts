// A newest segment that is shorter than its header: cut while it was closed, or never begun.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";
const LOCK = `${PATH}.lock`;

const encode = (text: string) => new TextEncoder().encode(text);
const noteOf = (fs: MemoryFileSystem) =>
  JSON.parse(new TextDecoder().decode(fs.content(LOCK)));

/** Five records, acknowledged. */
async function fiveRecords(
  fs: MemoryFileSystem,
): Promise<MiniStore<string>> {
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.appendBatch(["a", "b", "c", "d", "e"]);
  return store;
}

async function assertRefused(
  fs: MemoryFileSystem,
  why: string,
): Promise<void> {
  const before = fs.content(PATH);
  // What refuses once refuses for good.
  for (let turn = 1; turn <= 2; turn++) {
    const error = await errorOf(MiniStore.open(PATH, { fs }));
    assertEquals([error.code, error.path], ["CORRUPT", PATH]);
    assert(error.message.includes(why), error.message);
    const read = Array.fromAsync(MiniStore.replay(PATH, { fs }));
    assertEquals((await errorOf(read)).message, error.message);
    assertEquals(fs.content(PATH), before);
  }
}

const CUTS: [what: string, cut: (bytes: Uint8Array) => Uint8Array][] = [
  ["to nothing", () => new Uint8Array(0)],
  ["to one NUL", () => new Uint8Array(1)],
  ["to 160 NULs", () => new Uint8Array(160)],
  ["within its header", (bytes) => bytes.slice(0, 40)],
  [
    "to its header without the newline",
    (bytes) => bytes.slice(0, bytes.indexOf(0x0a)),
  ],
];
for (const [what, cut] of CUTS) {
  const change = (fs: MemoryFileSystem) =>
    fs.put(PATH, cut(fs.content(PATH)!).slice());

  Deno.test(`MiniStore.open() refuses a log that was cut ${what} while it was closed`, async () => {
    const fs = new MemoryFileSystem();
    const store = await fiveRecords(fs);
    const journal = store.id!;
    await store.close();
    change(fs);
    await assertRefused(fs, `names the log ${journal} that it held`);
  });

  Deno.test(`MiniStore.open() refuses a log that was cut ${what} after its process was killed`, async () => {
    const fs = new MemoryFileSystem();
    await fiveRecords(fs);
    fs.restart();
    change(fs);
    await assertRefused(fs, "names the log");
  });

  Deno.test(`MiniStore.open() refuses a newest segment that was cut ${what} beside those that are sealed`, async () => {
    const fs = new MemoryFileSystem();
    const store = await fiveRecords(fs);
    await store.rotate();
    await store.append("f");
    await store.close();
    change(fs);
    fs.unlink(LOCK);
    await assertRefused(fs, "there are sealed segments beside it");
  });
}

Deno.test("MiniStore.open() refuses a sealed segment that was cut to its header, with none after it", async () => {
  const fs = new MemoryFileSystem();
  const store = await fiveRecords(fs);
  await store.rotate();
  await store.close();
  fs.unlink(PATH);
  const sealed = `/data/journal.${"0".padStart(20, "0")}.jsonl`;
  const bytes = fs.content(sealed)!;
  fs.put(sealed, bytes.slice(0, bytes.indexOf(0x0a) + 1));
  const error = await errorOf(MiniStore.open(PATH, { fs }));
  assertEquals([error.code, error.path], ["CORRUPT", sealed]);
  assert(error.message.includes("holds no record"), error.message);
  const read = Array.fromAsync(MiniStore.replay(PATH, { fs }));
  assertEquals((await errorOf(read)).message, error.message);
});

Deno.test("MiniStore.open() takes a file that somebody has made beforehand for a log that begins", async () => {
  for (const left of ["", "\0", '{"crc":"0']) {
    const fs = new MemoryFileSystem();
    fs.put(PATH, encode(left));
    const records = MiniStore.replay(PATH, { fs });
    assertEquals(await Array.fromAsync(records), []);
    await using store = await MiniStore.open<string>(PATH, { fs });
    assertEquals(store.recovery.outcome, "created");
    assertEquals(await store.append("a"), 1);
  }
});

Deno.test("MiniStore.open() begins a new log where the old one was removed, and continues where only its newest segment was", async () => {
  const fs = new MemoryFileSystem();
  const store = await fiveRecords(fs);
  await store.close();
  fs.unlink(PATH);
  const second = await MiniStore.open<string>(PATH, { fs });
  assertEquals(second.recovery.outcome, "created");
  assertEquals(noteOf(fs).log, second.id);
  assert(second.id !== store.id);
  await second.append("a");
  await second.rotate();
  await second.close();
  fs.unlink(PATH);
  await using third = await MiniStore.open<string>(PATH, { fs });
  assertEquals([third.sequence, third.id], [1, second.id]);
});

Deno.test("MiniStore.open() names the log in the lock's note once its header is durable, and not before", async () => {
  const fs = new MemoryFileSystem();
  let named = 0;
  fs.hooks.after = () => {
    if (fs.content(LOCK)?.length !== 128 || !noteOf(fs).log) return;
    named++;
    for (const { fs: left } of crashStates(fs.snapshot())) {
      assert((left.content(PATH)?.length ?? 0) > 0);
    }
  };
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(noteOf(fs).log, store.id);
  assertEquals(named, 1);
});

Deno.test("MiniStore.open() keeps the log in the lock's note at every moment of a later opening", async () => {
  const fs = new MemoryFileSystem();
  const { id: journal } = await fiveRecords(fs);
  fs.restart();
  fs.hooks.after = () => assertEquals(noteOf(fs).log, journal);
  await (await MiniStore.open<string>(PATH, { fs })).close();
  fs.link(LOCK, "/data/backup");
  fs.hooks.after = ({ operation }) => {
    if (operation !== "lock") assertEquals(noteOf(fs).log, journal);
  };
  await (await MiniStore.open<string>(PATH, { fs })).close();
  assertEquals(noteOf(fs).log, journal);
});

Deno.test("MiniStore.open() that cannot leave its note fails, and leaves the log unlocked", async () => {
  const fs = new MemoryFileSystem();
  fs.hooks.before = ({ operation, path }) =>
    operation === "write" && path === LOCK ? { code: "ENOSPC" } : undefined;
  assertEquals((await errorOf(MiniStore.open(PATH, { fs }))).code, "NO_SPACE");
  fs.hooks = {};
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(await store.append("a"), 1);
  assertEquals(noteOf(fs).log, store.id);
});

const RUST = "// MINISTORE JOURNAL v0.1.3\n";

Deno.test("MiniStore.open() refuses a journal of the Rust program that was cut to nothing since it was opened", async () => {
  const fs = new MemoryFileSystem();
  fs.put(PATH, encode(`${RUST}"a"\n`));
  await (await MiniStore.open<string>(PATH, { fs })).close();
  fs.put(PATH, new Uint8Array(0));
  await assertRefused(fs, "names the log that it held");
});

for (const left of ["", "\0", RUST.slice(0, -1)]) {
  Deno.test(`MiniStore refuses a journal of the Rust program whose newest segment is ${JSON.stringify(left)}`, async () => {
    const fs = new MemoryFileSystem();
    fs.put(`${PATH}.001`, encode(`${RUST}"a"\n`));
    fs.put(PATH, encode(left));
    const opened = await errorOf(MiniStore.open(PATH, { fs }));
    const records: string[] = [];
    const read = await errorOf((async () => {
      for await (const { data } of MiniStore.replay<string>(PATH, { fs })) {
        records.push(data);
      }
    })());
    assertEquals([opened.code, read.code], ["CORRUPT", "CORRUPT"]);
    assertEquals(read.message, opened.message);
    assertEquals(records, ["a"]);
  });
}
