import { assertEquals, assertStringIncludes } from "@std/assert";
import { copy } from "@std/fs";
import { fromFileUrl } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead, readOnly } from "../support/journal.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/mini-rs", import.meta.url));
const HEADER = "// MINISTORE JOURNAL v0.1.3\n";

type CounterOp = { Set: { value: number } } | { Inc: { delta: number } };

async function total(store: MiniStore<CounterOp>): Promise<number> {
  let value = 0;
  for await (const { data } of store.replay()) {
    if ("Set" in data) value = data.Set.value;
    else value += data.Inc.delta;
  }
  return value;
}

Deno.test("MiniStore opens, replays and continues with a journal of the Rust program in its own format", async () => {
  await using directory = new TestDirectory();
  await copy(`${FIXTURES}/counter.log`, directory.at("counter.log"));
  const before = await Deno.readTextFile(directory.at("counter.log"));
  {
    await using store = await MiniStore.open<CounterOp>(
      directory.at("counter.log"),
    );
    assertEquals([store.sequence, await total(store)], [12, 170]);
    const appended = [
      store.append({ Inc: { delta: 1 } }),
      store.append({ Inc: { delta: 2 } }),
    ];
    assertEquals(await Promise.all(appended), [13, 14]);
    assertEquals(await total(store), 173);
  }
  assertEquals(
    await Deno.readTextFile(directory.at("counter.log")),
    `${before}{"Inc":{"delta":1}}\n{"Inc":{"delta":2}}\n`,
  );
  await using again = await MiniStore.open<CounterOp>(
    directory.at("counter.log"),
  );
  assertEquals([again.sequence, await total(again)], [14, 173]);
});

Deno.test("MiniStore.replay() reads a journal of the Rust program, its text as it was", async () => {
  const path = `${FIXTURES}/state/counter.wal.jsonl`;
  const records = await Array.fromAsync(
    MiniStore.replay<{ by: number; note?: string }>(path, { from: 7 }),
  );
  assertEquals(records.map(({ seq, data }) => [seq, data.by]), [
    [7, 7],
    [8, 1000],
    [9, 2000],
    [10, 3000],
  ]);
  assertEquals(
    records[0]?.data.note,
    'naïve – событие 6 🦀 "quoted" \\ \n line',
  );
});

Deno.test("MiniStore reads the segments that the Rust program has rotated out, oldest first", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at("j.log.002"), `${HEADER}3\n4\n`);
  await Deno.writeTextFile(directory.at("j.log.001"), `${HEADER}1\n2\n`);
  await Deno.writeTextFile(directory.at("j.log"), `${HEADER}5\n`);
  assertEquals(await readOnly(directory.at("j.log")), [1, 2, 3, 4, 5]);
  const store = await MiniStore.open<number>(directory.at("j.log"));
  const followed = Array.fromAsync(store.follow({ from: 4 }));
  assertEquals(await store.append(6), 6);
  await store.close();
  const seen = (await followed).map(({ seq, data }) => [seq, data]);
  assertEquals(seen, [[4, 4], [5, 5], [6, 6]]);
});

const ROTATED: [name: string, ...segments: number[][]][] = [
  ["that hold records", [1, 2], [3]],
  ["of which the first has no record", [], [1]],
  ["that have no record", [], [], []],
  ["without a record in the last two", [1], [], []],
];
for (const [name, ...segments] of ROTATED) {
  Deno.test(`MiniStore continues with segments of the Rust program ${name}`, async () => {
    await using directory = new TestDirectory();
    for (const [index, records] of segments.entries()) {
      const isActive = index === segments.length - 1;
      const path = directory.at(
        isActive ? "journal.jsonl" : `journal.jsonl.00${index + 1}`,
      );
      const lines = records.map((record) => `${record}\n`);
      await Deno.writeTextFile(path, HEADER + lines.join(""));
    }
    const data = segments.flat();
    for (let opened = 0; opened < 2; opened++) {
      await using store = await MiniStore.open<number>(directory.at());
      const replayed = () =>
        Array.fromAsync(store.replay(), (record) => record.data);
      assertEquals([store.firstSequence, store.sequence], [1, data.length]);
      assertEquals(await replayed(), data);
      const followed = Array.fromAsync(
        store.follow({ from: 1 }),
        (record) => record.data,
      );
      data.push(data.length + 1);
      assertEquals(await store.append(data.length), data.length);
      assertEquals(await replayed(), data);
      await store.close();
      assertEquals(await followed, data);
      assertEquals(await readOnly(directory.at()), data);
    }
  });
}

Deno.test("MiniStore refuses a journal of the Rust program that has lost a rotated segment", async () => {
  for (const missing of ["001", "002"]) {
    await using directory = new TestDirectory();
    for (const number of ["001", "002", "003"]) {
      const path = directory.at(`journal.jsonl.${number}`);
      if (number !== missing) await Deno.writeTextFile(path, `${HEADER}1\n`);
    }
    await Deno.writeTextFile(directory.at(), `${HEADER}2\n`);
    const names = directory.names();
    const opened = await errorOf(MiniStore.open(directory.at()));
    assertEquals(opened.code, "CORRUPT");
    assertStringIncludes(opened.message, `.${missing}"`);
    const read = Array.fromAsync(MiniStore.replay(directory.at()));
    assertEquals((await errorOf(read)).code, "CORRUPT");
    assertEquals(directory.names(), [...names, "journal.jsonl.lock"].sort());
  }
});

Deno.test("MiniStore takes no copy of a journal of the Rust program for a segment of it", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at("j.log"), `${HEADER}1\n`);
  for (const name of ["j.log.bak.001", "j.log.2026-01-01.120"]) {
    await Deno.writeTextFile(directory.at(name), `${HEADER}2\n`);
  }
  assertEquals(await readOnly(directory.at("j.log")), [1]);
});

function bytes(text: string, ...more: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...new TextEncoder().encode(text), ...more]);
}

const ENDS: [
  name: string,
  end: string | Uint8Array<ArrayBuffer>,
  want: { data: unknown[]; outcome: string } | string,
][] = [
  ["an unfinished last line", '{"a":1}\n{"b"', {
    data: [{ a: 1 }],
    outcome: "torn",
  }],
  ["a last line without its newline", '{"a":1}\n{"b":2}', {
    data: [{ a: 1 }, { b: 2 }],
    outcome: "unclean",
  }],
  ["a last number without its newline, which may be half of one", "1\n12", {
    data: [1],
    outcome: "torn",
  }],
  ["a last line that is not UTF-8", bytes('{"a":1}\n"b', 0xff, 0x22), {
    data: [{ a: 1 }],
    outcome: "torn",
  }],
  ["a last line behind a BOM", '{"a":1}\n\ufeff{"b":2}', {
    data: [{ a: 1 }],
    outcome: "torn",
  }],
  [
    "a number that JavaScript does not have in a last line without its newline",
    '{"a":1}\n{"id":18446744073709551615}',
    "UNSERIALIZABLE",
  ],
  ["NULs at the end", '{"a":1}\n\0\0\0', { data: [{ a: 1 }], outcome: "torn" }],
  ["a bad line before good ones", '{"a":1}{"b"\n{"c":3}\n', "CORRUPT"],
  ["a byte order mark", bytes("", 0xef, 0xbb, 0xbf, 0x31, 0x0a), "CORRUPT"],
  ["a blank line", '{"a":1}\n\n', "CORRUPT"],
  ["a line that is not UTF-8", bytes('"a"\n"b', 0xff, 0x22, 0x0a), "CORRUPT"],
  [
    "numbers that JavaScript has",
    "1.5\n9007199254740992\n-9007199254740994\n1e300\n",
    { data: [1.5, 2 ** 53, -(2 ** 53) - 2, 1e300], outcome: "unclean" },
  ],
  [
    "a number that JavaScript does not have",
    '{"id":18446744073709551615}\n',
    "UNSERIALIZABLE",
  ],
];
for (const [name, end, want] of ENDS) {
  Deno.test(`MiniStore.open() judges a journal of the Rust program with ${name}`, async () => {
    await using directory = new TestDirectory();
    const whole = typeof end === "string"
      ? bytes(HEADER + end)
      : new Uint8Array([...bytes(HEADER), ...end]);
    await Deno.writeFile(directory.at(), whole);
    const read = await readOnly(directory.at());
    const opened = await openAndRead(directory.at());
    if (typeof want === "string") {
      assertEquals([opened, read], [{ code: want }, { code: want }]);
      const error = await errorOf(MiniStore.open(directory.at()));
      assertEquals(error.code, want);
      assertEquals(await Deno.readFile(directory.at()), whole);
      return;
    }
    assertEquals(opened, want);
    assertEquals(read, want.data);
    await using store = await MiniStore.open<unknown>(directory.at());
    await store.append("after");
    const data = await Array.fromAsync(store.replay(), (record) => record.data);
    assertEquals(data, [...want.data, "after"]);
    await store.close();
    assertEquals(await openAndRead(directory.at()), {
      data,
      outcome: "unclean",
    });
  });
}

const STARTS = [
  ["a first line of another shape", "// MINISTORE JOURNAL vX\n1\n"],
  ["half a first line", "// MINISTORE JOURNAL v0.1"],
] as const;
for (const [name, text] of STARTS) {
  Deno.test(`MiniStore.open() refuses a journal of the Rust program with ${name}`, async () => {
    await using directory = new TestDirectory();
    await Deno.writeTextFile(directory.at(), text);
    const code = "CORRUPT";
    assertEquals(await openAndRead(directory.at()), { code });
    assertEquals(await readOnly(directory.at()), { code });
    assertEquals(await Deno.readTextFile(directory.at()), text);
  });
}

Deno.test("MiniStore refuses a rotated segment of the Rust program that is cut short", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at("journal.jsonl.001"), `${HEADER}1\n2`);
  await Deno.writeTextFile(directory.at(), `${HEADER}3\n`);
  assertEquals(await openAndRead(directory.at()), { code: "CORRUPT" });
  const records = MiniStore.replay(directory.at())[Symbol.asyncIterator]();
  assertEquals((await records.next()).value, { seq: 1, data: 1 });
  assertEquals((await errorOf(records.next())).code, "CORRUPT");
});

Deno.test("MiniStore says TOO_LARGE of a line over maxRecordBytes in a journal of the Rust program, and reads up to it", async () => {
  await using directory = new TestDirectory();
  const long = JSON.stringify("x".repeat(400_000));
  await Deno.writeTextFile(directory.at(), `${HEADER}1\n${long}\n3\n`);
  const options = { maxRecordBytes: 1_000 };
  assertEquals(await openAndRead(directory.at(), options), {
    code: "TOO_LARGE",
  });
  const records = MiniStore.replay(directory.at(), options)
    [Symbol.asyncIterator]();
  assertEquals((await records.next()).value, { seq: 1, data: 1 });
  assertEquals((await errorOf(records.next())).code, "TOO_LARGE");
});

Deno.test("MiniStore holds a journal of the Rust program to the same maxRecordBytes for writing and reading", async () => {
  await using directory = new TestDirectory();
  const options = { maxRecordBytes: 10 };
  await Deno.writeTextFile(directory.at(), `${HEADER}"12345678"\n`);
  {
    await using store = await MiniStore.open<string>(directory.at(), options);
    assertEquals(await store.append("12345678"), 2);
    assertEquals(
      (await errorOf(store.append("123456789"))).code,
      "TOO_LARGE",
    );
  }
  assertEquals(await openAndRead(directory.at(), options), {
    data: ["12345678", "12345678"],
    outcome: "unclean",
  });
  const longer = '"123456789"\n"a"\n';
  await Deno.writeTextFile(directory.at(), longer, { append: true });
  assertEquals(await openAndRead(directory.at(), options), {
    code: "TOO_LARGE",
  });
  const read = Array.fromAsync(MiniStore.replay(directory.at(), options));
  assertEquals((await errorOf(read)).code, "TOO_LARGE");
});

Deno.test("MiniStore refuses in a journal of the Rust program what its format cannot say", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at(), `${HEADER}1\n`);
  await using store = await MiniStore.open<number>(directory.at(), {
    maxSegmentBytes: 10,
  });
  assertEquals<unknown>(store.recovery, {
    outcome: "unclean",
    sequence: 1,
    segments: 1,
    tornBytes: 0,
  });
  const calls: (() => Promise<unknown>)[] = [
    () => store.appendBatch([2, 3]),
    () => store.rotate(),
    () => store.compact(1),
    () => store.resetTo(9),
  ];
  for (const call of calls) {
    assertEquals((await errorOf(call())).code, "UNSUPPORTED_FORMAT");
  }
  assertEquals(await store.appendBatch([2]), 2);
  assertEquals(store.rotationFailure, undefined);
  assertEquals(await Deno.readTextFile(directory.at()), `${HEADER}1\n2\n`);
});
