import { assert, assertEquals, assertRejects } from "@std/assert";
import { relative } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import {
  errorOf,
  JournalBytes,
  openAndRead,
  readOnly,
} from "../support/journal.ts";
import { threeSegments } from "../support/records.ts";

const three = new JournalBytes().records(1, 3);
const sealed = new JournalBytes().records(1, 2);
const second = new JournalBytes({ base: 2, prev: sealed.chain }).records(3, 3);

Deno.test("MiniStore.open() says why it has created a log where a file was, and not where nothing was", async () => {
  const path = "/data/journal.jsonl";
  const created = {
    outcome: "created",
    sequence: 0,
    segments: 1,
    tornBytes: 0,
  };
  for (
    const [found, reason] of [
      [undefined, undefined],
      ["", "the newest segment was unfinished, and was created again"],
    ]
  ) {
    const fs = new MemoryFileSystem();
    if (found !== undefined) fs.put(path, new TextEncoder().encode(found));
    await using store = await MiniStore.open(path, { fs });
    assertEquals<unknown>(store.recovery, {
      ...created,
      ...(reason && { reason }),
    });
  }
});

Deno.test("MiniStore.open() keeps the bytes it cuts off and says so", async () => {
  await using directory = new TestDirectory();
  const cut = '{"crc":"0123';
  await Deno.writeTextFile(directory.at(), three.text + cut);
  await using store = await MiniStore.open(directory.at());
  const { outcome, tornBytes, tornPath, reason } = store.recovery;
  assertEquals([outcome, tornBytes], ["torn", cut.length]);
  assertEquals(tornPath, directory.at("journal.jsonl.torn"));
  assertEquals(await Deno.readTextFile(tornPath!), cut);
  assertEquals(reason, "the last line is unfinished");
});

Deno.test("MiniStore.open() makes durable the name of a closed log, which may be only listed", async () => {
  const path = "/data/journal.jsonl";
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/data", 0o700);
  const file = await fs.create(path, 0o600);
  const closed = new JournalBytes().records(1, 1).add({ close: 1 });
  await file.write(closed.add({ close: 1 }).bytes);
  await file.sync();
  const store = await MiniStore.open(path, { fs });
  assertEquals(store.recovery.outcome, "clean");
  await store.append("record 2");
  for (const state of crashStates(fs.snapshot())) {
    await using again = await MiniStore.open(path, { fs: state.fs });
    assertEquals(again.sequence, 2, state.label);
  }
});

Deno.test("MiniStore.open() of a closed log fails where it cannot be cut, or synced", async () => {
  const path = "/data/journal.jsonl";
  for (const failing of ["truncate", "sync"]) {
    const fs = new MemoryFileSystem();
    await (await MiniStore.open(path, { fs })).close();
    fs.hooks.before = ({ operation }) =>
      operation === failing ? { code: "EIO" } : undefined;
    assertEquals((await errorOf(MiniStore.open(path, { fs }))).code, "IO");
  }
});

Deno.test("MiniStore.open() cuts nothing off that the next line says was durable, also where a sector is missing", async () => {
  await using directory = new TestDirectory();
  const { bytes } = new JournalBytes().records(1, 1)
    .add({ seq: 2, data: "x".repeat(2_000) }).records(3, 3);
  bytes.fill(0, 1_024, 1_536);
  await Deno.writeFile(directory.at(), bytes);
  assertEquals(await openAndRead(directory.at()), { code: "CORRUPT" });
  assertEquals(await Deno.readFile(directory.at()), bytes);
});

Deno.test("MiniStore.open() gives an unclean journal a new file before showing a record", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at(), three.text);
  const { ino: before } = await Deno.stat(directory.at());
  await using store = await MiniStore.open(directory.at());
  assertEquals(store.recovery.outcome, "unclean");
  const { ino: after } = await Deno.stat(directory.at());
  if (before !== null) assert(before !== after, "the old file was kept");
});

Deno.test("MiniStore.open() keeps what it has where a copy of it reads back differently", async () => {
  const path = "/data/journal.jsonl";
  const fs = new MemoryFileSystem();
  fs.put(path, three.bytes);
  fs.hooks.before = ({ operation, path: opened }) => {
    if (operation !== "open" || !opened.endsWith(".tmp")) return undefined;
    const bytes = fs.content(opened)!.slice();
    bytes[bytes.length - 5]! ^= 1;
    fs.put(opened, bytes);
    return undefined;
  };
  const error = await errorOf(MiniStore.open(path, { fs }));
  assertEquals(error.code, "IO");
  assert(
    error.message.includes("does not read back as written"),
    error.message,
  );
  assertEquals(fs.content(path), three.bytes);
  fs.hooks = {};
  await using store = await MiniStore.open(path, { fs });
  assertEquals(store.sequence, 3);
});

Deno.test("MiniStore.open() removes what a rotation that was cut off has left", async () => {
  await using directory = new TestDirectory();
  await (await MiniStore.open(directory.at())).close();
  await Deno.writeTextFile(directory.at("journal.jsonl.tmp"), '{"crc":"');
  await using store = await MiniStore.open(directory.at());
  assertEquals(store.recovery.outcome, "clean");
  assertEquals(directory.names(), ["journal.jsonl", "journal.jsonl.lock"]);
});

Deno.test("MiniStore.open() names file, line, offset and record of a damage", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(
    directory.at(),
    three.text.replace("record 2", "record X"),
  );
  const error = await errorOf(MiniStore.open(directory.at()));
  const offset = three.text.indexOf("\n", three.text.indexOf("record 1")) + 1;
  assertEquals(error.code, "CORRUPT");
  assertEquals([error.path, error.line, error.offset, error.seq], [
    directory.at(),
    3,
    offset,
    2,
  ]);
  const where = `Cannot read "${directory.at()}" (line 3, offset ${offset}): `;
  assert(error.message.startsWith(where), error.message);
});

Deno.test("MiniStore.open() finds the proof of a damage after lines that are none", async () => {
  await using directory = new TestDirectory();
  const lines = three.text.replace("record 2", "record X").split("\n");
  lines.splice(3, 0, "x", "");
  await Deno.writeTextFile(directory.at(), lines.join("\n"));
  const error = await errorOf(MiniStore.open(directory.at()));
  assertEquals([error.code, error.seq], ["CORRUPT", 2]);
});

Deno.test("MiniStore.open() takes a path from the directory of the process on", async () => {
  await using directory = new TestDirectory();
  const path = relative(Deno.cwd(), directory.at());
  await Deno.writeTextFile(path, "not a journal");
  const error = await errorOf(MiniStore.open(path));
  assertEquals([error.code, error.path], [
    "UNSUPPORTED_FORMAT",
    directory.at(),
  ]);
});

Deno.test("MiniStore.open() refuses a log with a segment missing in the middle", async () => {
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
  assertEquals((await errorOf(MiniStore.open(path))).code, "CORRUPT");
  assertEquals(await readOnly(path), { code: "CORRUPT" });
});

Deno.test("MiniStore refuses a sealed segment that has no header", async () => {
  await using directory = new TestDirectory();
  await (await threeSegments(directory.at())).close();
  await Deno.truncate(directory.at(`journal.${"3".padStart(20, "0")}.jsonl`));
  const error = await errorOf(MiniStore.open(directory.at()));
  assertEquals([error.code, error.offset], ["CORRUPT", 0]);
  assert(error.message.includes("has no header"), error.message);
  assertEquals(await readOnly(directory.at()), { code: "CORRUPT" });
});

Deno.test("MiniStore.open() refuses a sealed segment under another's name", async () => {
  await using directory = new TestDirectory();
  await Deno.writeFile(
    directory.at("journal.00000000000000000007.jsonl"),
    sealed.bytes,
  );
  await Deno.writeFile(directory.at(), second.bytes);
  assertEquals(await openAndRead(directory.at()), { code: "CORRUPT" });
});

Deno.test("MiniStore.open() refuses a name that leaves no room for those of its segments", async () => {
  await using directory = new TestDirectory();
  const path = directory.at(`${"x".repeat(230)}.jsonl`);
  const error = await errorOf(MiniStore.open(path));
  assertEquals(error.code, "IO");
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("MiniStore.open() leaves alone what has a number that no segment can have", async () => {
  await using directory = new TestDirectory();
  const name = `journal.${"9".repeat(20)}.jsonl`;
  await Deno.writeTextFile(directory.at(), three.text);
  await Deno.writeTextFile(directory.at(name), "not ours");
  await using store = await MiniStore.open(directory.at());
  assertEquals(store.sequence, 3);
  assertEquals(await Deno.readTextFile(directory.at(name)), "not ours");
});

Deno.test("MiniStore.open() finishes a rotation that had not made the new file", async () => {
  await using directory = new TestDirectory();
  await Deno.writeFile(
    directory.at("journal.00000000000000000000.jsonl"),
    sealed.bytes,
  );
  assertEquals(await readOnly(directory.at()), ["record 1", "record 2"]);
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals([store.sequence, store.recovery.segments], [2, 2]);
  assertEquals(await store.append("record 3"), 3);
});

Deno.test("MiniStore.open() with verifyFrom leaves older segments to those who read them", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    await using store = await MiniStore.open<number>(path);
    for (const value of [1, 2, 3]) {
      await store.append(value);
      await store.rotate();
    }
  }
  const oldest = directory.at("journal.00000000000000000000.jsonl");
  const text = await Deno.readTextFile(oldest);
  await Deno.writeTextFile(oldest, text.replace('"data":1', '"data":7'));
  assertEquals(await openAndRead(path), { code: "CORRUPT" });
  await using store = await MiniStore.open<number>(path, { verifyFrom: 3 });
  assertEquals(await store.append(4), 4);
  const read = Array.fromAsync(store.replay({ from: 2 }), ({ data }) => data);
  assertEquals(await read, [2, 3, 4]);
  const all = Array.fromAsync(store.replay());
  assertEquals((await errorOf(all)).code, "CORRUPT");
  assertEquals((await store.compact(1)).removedBytes, text.length);
});

const LONG_TAILS: [
  row: string,
  lose: (path: string, from: number) => Promise<void>,
][] = [
  ["nothing but NULs", async (path, from) => {
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, from);
    await Deno.truncate(path, size);
  }],
  ["a sector that is missing", async (path, from) => {
    using file = await Deno.open(path, { write: true });
    await file.seek(Math.ceil(from / 512) * 512, Deno.SeekMode.Start);
    await file.write(new Uint8Array(512));
  }],
];
for (const [row, lose] of LONG_TAILS) {
  Deno.test(`MiniStore.open() judges torn: ${row} in more than a record may have, not synced`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at();
    const options = { maxRecordBytes: 10_000 };
    const store = await MiniStore.open<unknown>(path, {
      ...options,
      durable: false,
    });
    await store.append("kept");
    const { size } = await Deno.stat(path);
    const record = "x".repeat(9_000);
    for (let seq = 2; seq <= 40; seq++) await store.append(record);
    const cut = directory.at("cut.jsonl");
    await Deno.copyFile(path, cut);
    await store.close();
    await lose(cut, size);
    assertEquals(await readOnly(cut, options), ["kept"]);
    assertEquals(await openAndRead(cut, options), {
      data: ["kept"],
      outcome: "torn",
    });
  });
}
