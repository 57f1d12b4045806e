import { assert, assertEquals } from "@std/assert";
import { runInNewContext } from "node:vm";
import { SnapStore } from "@mini/state/snap";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead } from "../support/journal.ts";

const sparse = [1, 2, 3];
delete sparse[1];
const named = Object.assign([...sparse], { key: 1 });
delete named[1];
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
  ["$: a class instance", new (class {})()],
  ["$[0]: a class instance", [Object.create(Object.create(null))]],
  ["$: an array with holes", sparse],
  ["$: an array with holes", named],
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

/** Makes a value in another realm, as test runners and iframes do. */
function elsewhere(code: string): unknown {
  return runInNewContext(`(${code})`);
}

const FOREIGN_LOSSY: [place: string, value: unknown][] = [
  ["$.at: a Date", elsewhere("{ at: new Date(0) }")],
  ["$[1]: a Map", elsewhere("[1, new Map([[1, 2]])]")],
  ["$: a Set", elsewhere("new Set()")],
  ["$: a Error", elsewhere("new Error('x')")],
  ["$: a Point", elsewhere("new (class Point { x = 1 })")],
  ["$: a List", elsewhere("new (class List extends Array {})")],
  ["$: a class instance", elsewhere("Object.create(Object.create(null))")],
  ["$: a Object", elsewhere("new (class Object {})")],
  ["$: a Uint8Array", elsewhere("new Uint8Array(2)")],
  ["$.a: function", elsewhere("{ a() {} }")],
  ["$: an array with holes", elsewhere("[1, , 2]")],
  [
    "$: an object with symbols or hidden properties",
    elsewhere("{ [Symbol('s')]: 1 }"),
  ],
  // What says of itself that it is plain, and is not.
  ["$: a Array", Object.setPrototypeOf([1], [])],
  ["$: a Array", Object.setPrototypeOf({}, [])],
  [
    "$: a Object",
    Object.create(Object.create(null, { constructor: { value: Object } })),
  ],
];

Deno.test("MiniStore, SnapStore keep plain JSON of another realm", async () => {
  const value = elsewhere('{ a: [1, { b: null }, []], "c d": "x" }') as {
    a: unknown[];
  };
  assertEquals([value, value.a].map((it) => it instanceof Object), [
    false,
    false,
  ]);
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  await store.append(value);
  await store.appendBatch([value, { mixed: value }]);
  const records = await Array.fromAsync(store.replay(), ({ data }) => data);
  const plain = { a: [1, { b: null }, []], "c d": "x" };
  assertEquals(records, [plain, plain, { mixed: plain }]);
  const snaps = new SnapStore<unknown>(directory.at("snaps"));
  const many = elsewhere("Array.from({ length: 2_000 }, (_, n) => ({ n }))");
  for (const onCaptured of [undefined, () => {}]) {
    await snaps.create(many, 1, onCaptured && { onCaptured });
    assertEquals(
      (await snaps.restore())?.state,
      [...many as unknown[]].map(
        (_, n) => ({ n }),
      ),
    );
  }
});

for (const [place, value] of [...LOSSY, ...FOREIGN_LOSSY]) {
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
  const wide = Array.from({ length: 9_999 }, () => 1);
  for (const many of [value, [...wide, 1, 1], [[1, 1], ...wide]]) {
    const error = await errorOf(store.append(many));
    assertEquals(error.code, "TOO_LARGE");
    assert(error.message.includes("more than 10000 values"), error.message);
  }
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

Deno.test("MiniStore.append() refuses a value whose JSON is longer than a string can be", async () => {
  await using directory = new TestDirectory();
  const maxRecordBytes = Number.MAX_SAFE_INTEGER;
  const options = { maxRecordBytes };
  await using store = await MiniStore.open<unknown>(directory.at(), options);
  const part = "x".repeat(2 ** 28);
  const error = await errorOf(store.append([part, part, part]));
  assertEquals(error.code, "TOO_LARGE");
  assertEquals(await store.append("next"), 1, "a number was taken");
});

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
