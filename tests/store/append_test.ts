import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { denoFileSystem, type FileSystem, MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead } from "../support/journal.ts";

/** The real file system, with its fsyncs of files counted. */
function countingSyncs(): { fs: FileSystem; syncs: () => number } {
  let count = 0;
  const fs: FileSystem = {
    ...denoFileSystem,
    async open(path, access) {
      const file = await denoFileSystem.open(path, access);
      const sync = file.sync.bind(file);
      file.sync = () => (count++, sync());
      return file;
    },
    async create(path, permissions) {
      const file = await denoFileSystem.create(path, permissions);
      const sync = file.sync.bind(file);
      file.sync = () => (count++, sync());
      return file;
    },
  };
  return { fs, syncs: () => count };
}

Deno.test("MiniStore.append() resolves to sequence numbers from 1 without gaps", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals([store.sequence, store.firstSequence], [0, 1]);
  assertEquals(await store.append("a"), 1);
  assertEquals(await store.appendBatch(["b", "c"]), 3);
  assertEquals(await store.append("d"), 4);
  assertEquals(store.sequence, 4);
});

Deno.test("MiniStore.append() of concurrent callers shares fsyncs and keeps the order of the calls", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<number>(directory.at(), { fs });
  const before = syncs();
  const resolved: number[] = [];
  const values = Array.from({ length: 500 }, (_, index) => index);
  await Promise.all(values.map(async (value) => {
    resolved.push(await store.append(value));
  }));
  assertEquals(resolved, values.map((value) => value + 1));
  assert(syncs() - before <= 2, `${syncs() - before} fsyncs`);
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, values);
});

Deno.test("MiniStore.append() one after another syncs each before it resolves", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<number>(directory.at(), { fs });
  for (let value = 1; value <= 5; value++) {
    const before = syncs();
    await store.append(value);
    assertEquals(syncs() - before, 1);
  }
});

Deno.test("MiniStore.append() with durable: false resolves without an fsync, and the next one covers it", async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  await using store = await MiniStore.open<string>(directory.at(), { fs });
  const before = syncs();
  assertEquals(await store.append("a", { durable: false }), 1);
  assertEquals(syncs() - before, 0);
  await store.append("b");
  assertEquals(syncs() - before, 1);
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, ["a", "b"]);
});

Deno.test('MiniStore.open() with sync: "never" leaves fsync to close()', async () => {
  await using directory = new TestDirectory();
  const { fs, syncs } = countingSyncs();
  const store = await MiniStore.open<string>(directory.at(), {
    fs,
    sync: "never",
  });
  const before = syncs();
  await store.append("a");
  await store.appendBatch(["b", "c"]);
  assertEquals(syncs() - before, 0);
  await store.close();
  assert(syncs() > before);
});

Deno.test("MiniStore.append() serialises before it returns", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<{ value: number }>(directory.at());
  const record = { value: 1 };
  const appended = store.append(record);
  record.value = 2;
  await appended;
  const [first] = await Array.fromAsync(store.replay());
  assertEquals(first, { seq: 1, data: { value: 1 } });
});

Deno.test("MiniStore.appendBatch() writes one line, so that all of it is there or none", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("a");
    await store.appendBatch(["b", "c", "d"]);
  }
  const text = await Deno.readTextFile(directory.at());
  const end = text.indexOf('{"crc":"', text.indexOf('"batch"'));
  for (let cut = text.indexOf('"batch"'); cut < end - 1; cut++) {
    await Deno.writeTextFile(directory.at(), text.slice(0, cut));
    const opened = await openAndRead(directory.at());
    const whole = cut === end - 1;
    assertEquals(opened, {
      data: whole ? ["a", "b", "c", "d"] : ["a"],
      outcome: "torn",
    });
  }
});

Deno.test("MiniStore.appendBatch() of nothing appends nothing", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  await store.append("a");
  assertEquals(await store.appendBatch([]), 1);
  assertEquals(await store.append("b"), 2);
});

const sparse = [1, 2, 3];
delete sparse[1];
const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;
const LOSSY: [place: string, value: unknown][] = [
  ["$: undefined", undefined],
  ["$: NaN", NaN],
  ["$: Infinity", Infinity],
  ["$: -Infinity", -Infinity],
  ["$: -0", -0],
  ["$: a BigInt", 1n],
  ["$: symbol", Symbol("s")],
  ["$: function", () => {}],
  ["$: a Date", new Date(0)],
  ["$: a Map", new Map()],
  ["$: a Set", new Set()],
  ["$: a RegExp", /x/],
  ["$: a Error", new Error("x")],
  ["$: a Uint8Array", new Uint8Array(1)],
  ["$: a Number", Object(1)],
  ["$: a Point", new (class Point {})()],
  ["$: a List", new (class List extends Array {})()],
  ["$: an array with holes", sparse],
  ["$: an array with other properties", Object.assign([1], { key: 1 })],
  ["$: an object with symbols or hidden properties", { [Symbol("s")]: 1 }],
  [
    "$: an object with symbols or hidden properties",
    Object.defineProperty({}, "hidden", { value: 1 }),
  ],
  ["$.toJSON: function", { toJSON: () => 1 }],
  ["$.a.b[3]: a Map", { a: { b: [0, 1, 2, new Map()] } }],
  ['$["a b"][1]: undefined', { "a b": [null, undefined] }],
];

for (const [place, value] of LOSSY) {
  Deno.test(`MiniStore.append() refuses what JSON would lose: ${place}`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<unknown>(directory.at());
    const error = await errorOf(store.append(value));
    assertEquals(error.code, "UNSERIALIZABLE");
    assert(error.message.endsWith(place), error.message);
    const inBatch = await errorOf(store.appendBatch(["fine", value]));
    assertEquals(inBatch.code, "UNSERIALIZABLE");
    assertEquals(await store.append("next"), 1, "a number was taken");
  });
}

Deno.test("MiniStore.append() refuses a cycle", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  const error = await errorOf(store.append(cyclic));
  assertEquals(error.code, "UNSERIALIZABLE");
  assert(error.message.includes("a cycle"), error.message);
});

Deno.test("MiniStore.append() refuses nesting beyond 1,000 levels, and takes 1,000", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  const nested = (depth: number) => {
    let value: unknown = 1;
    for (let level = 0; level < depth; level++) value = [value];
    return value;
  };
  assertEquals(await store.append(nested(1_000)), 1);
  for (const depth of [1_001, 100_000]) {
    assertEquals(
      (await errorOf(store.append(nested(depth)))).code,
      "UNSERIALIZABLE",
    );
  }
  const [record] = await Array.fromAsync(store.replay());
  assertEquals(JSON.stringify(record!.data), JSON.stringify(nested(1_000)));
});

Deno.test("MiniStore.append() refuses a value that unfolds to more than maxRecordBytes", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at(), {
    maxRecordBytes: 10_000,
  });
  let value: unknown = 1;
  for (let level = 0; level < 100; level++) value = [value, value];
  assertEquals((await errorOf(store.append(value))).code, "TOO_LARGE");
});

const HOSTILE: unknown[] = [
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toJSON":2}'),
  "\u2028\u2029\r\n\t\0\u0007",
  "\ud800 lone surrogates \udfff",
  "🦀 naïve – событие",
  { "": { "\n": ["", null, false, 0, 1e308, 5e-324, 2 ** 53] } },
  Object.assign(Object.create(null), { bare: true }),
  {
    seq: 99,
    durable: 98,
    close: 97,
    crc: "00000000",
    data: 1,
    batch: [],
    mini: 2,
  },
];

Deno.test("MiniStore keeps hostile JSON as it is", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<unknown>(directory.at());
    for (const value of HOSTILE) await store.append(value);
    await store.appendBatch(HOSTILE);
  }
  const opened = await openAndRead(directory.at());
  if ("code" in opened) throw new Error(opened.code);
  const texts = opened.data.map((value) => JSON.stringify(value));
  const wanted = HOSTILE.map((value) => JSON.stringify(value));
  assertEquals(texts, [...wanted, ...wanted]);
  assertEquals(({} as { polluted?: boolean }).polluted, undefined);
});

Deno.test("MiniStore holds writing and reading to the same maxRecordBytes", async () => {
  await using directory = new TestDirectory();
  const maxRecordBytes = 1_000;
  const fits = "é".repeat(499);
  {
    await using store = await MiniStore.open<string>(directory.at(), {
      maxRecordBytes,
    });
    assertEquals(await store.append(fits), 1);
    const error = await errorOf(store.append(`${fits}x`));
    assertEquals(error.code, "TOO_LARGE");
    assertEquals(
      (await errorOf(store.appendBatch([fits, "x"]))).code,
      "TOO_LARGE",
    );
    assertEquals(await store.append("next"), 2, "a number was taken");
  }
  const opened = await openAndRead(directory.at(), { maxRecordBytes });
  assertEquals(opened, { data: [fits, "next"], outcome: "clean" });
  assertEquals(await openAndRead(directory.at(), { maxRecordBytes: 100 }), {
    code: "TOO_LARGE",
  });
  const read = Array.fromAsync(
    MiniStore.replay(directory.at(), { maxRecordBytes: 100 }),
  );
  assertEquals((await errorOf(read)).code, "TOO_LARGE");
});

const wholeNumbers = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) =>
      typeof value === "number"
        ? { value: Math.trunc(value) }
        : { issues: [{ message: "not a number", path: ["a", { key: "b" }] }] },
  },
};

Deno.test("MiniStore asks the schema on append and on replay, and writes what it gives back", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open(directory.at(), {
      schema: wholeNumbers,
    });
    assertEquals(await store.append(1.5), 1);
    const error = await errorOf(store.append("x" as unknown as number));
    assertEquals(error.code, "INVALID");
    assertEquals(error.issues?.[0]?.message, "not a number");
    assert(error.message.includes("a.b: not a number"), error.message);
    assertEquals(await store.append(2), 2, "a number was taken");
  }
  {
    await using store = await MiniStore.open<unknown>(directory.at());
    await store.append("no number");
  }
  await using store = await MiniStore.open(directory.at(), {
    schema: wholeNumbers,
  });
  const seen: number[] = [];
  const read = async () => {
    for await (const { data } of store.replay()) seen.push(data);
  };
  const error = await errorOf(read());
  assertEquals([error.code, error.seq, seen], ["INVALID", 3, [1, 2]]);
});

Deno.test("MiniStore refuses a schema that answers asynchronously", async () => {
  await using directory = new TestDirectory();
  const schema = {
    "~standard": { validate: (value: unknown) => Promise.resolve({ value }) },
  };
  await using store = await MiniStore.open(directory.at(), { schema });
  await assertRejects(() => store.append(1), TypeError, "asynchronously");
});

Deno.test("MiniStore refuses misuse with a bare TypeError or RangeError", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  for (const maxRecordBytes of [0, -1, 1.5, NaN]) {
    await assertRejects(
      () => MiniStore.open(path, { maxRecordBytes }),
      RangeError,
    );
  }
  await assertRejects(
    () => MiniStore.open(path, { maxSegmentBytes: 0 }),
    RangeError,
  );
  await assertRejects(
    () => MiniStore.open(path, { mode: 0o10000 }),
    RangeError,
  );
  await assertRejects(
    () => MiniStore.open(path, { sync: "often" as "never" }),
    TypeError,
  );
  await assertRejects(() => MiniStore.open(""), TypeError);
  await assertRejects(() => MiniStore.open("a\0b"), TypeError);
  const sealed = directory.at("journal.00000000000000000000.jsonl");
  await assertRejects(
    () => MiniStore.open(sealed),
    TypeError,
    "one of its segments",
  );
  await using store = await MiniStore.open(path);
  for (const from of [0, -1, 1.5, NaN]) {
    assertThrows(() => store.replay({ from }), RangeError);
    assertThrows(() => store.follow({ from }), RangeError);
    assertThrows(() => MiniStore.replay(path, { from }), RangeError);
  }
  await assertRejects(() => store.compact(-1), RangeError);
});

Deno.test("MiniStore rejects every call after close() with CLOSED", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<string>(directory.at());
  await store.append("a");
  await store.close();
  await store.close();
  const calls: (() => Promise<unknown>)[] = [
    () => store.append("b"),
    () => store.appendBatch(["b"]),
    () => store.rotate(),
    () => store.compact(1),
    async () => await Array.fromAsync(store.replay()),
    async () => await Array.fromAsync(store.follow()),
  ];
  for (const call of calls) {
    assertEquals((await errorOf(call())).code, "CLOSED");
  }
});

Deno.test("MiniStore.close() waits for the appends under way", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<number>(directory.at());
  const appends = [1, 2, 3].map((value) => store.append(value));
  await store.close();
  assertEquals(await Promise.all(appends), [1, 2, 3]);
  const opened = await openAndRead(directory.at());
  assertEquals(opened, { data: [1, 2, 3], outcome: "clean" });
});

Deno.test("MiniStore.append() rejects when there are no more sequence numbers", async () => {
  await using directory = new TestDirectory();
  const { JournalBytes } = await import("../support/journal.ts");
  const journal = new JournalBytes({ base: Number.MAX_SAFE_INTEGER - 1 });
  await Deno.writeFile(directory.at(), journal.bytes);
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals(await store.append("last"), Number.MAX_SAFE_INTEGER);
  assertEquals((await errorOf(store.append("beyond"))).code, "TOO_LARGE");
});
