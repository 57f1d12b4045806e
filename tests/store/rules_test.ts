// What opening lets pass, every reader reads; and what one refuses, the others refuse too.
import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import { MiniError, MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, hex, JournalBytes } from "../support/journal.ts";
import { miniMany } from "../support/mini.ts";

const encoder = new TextEncoder();

/** Two records, and this JSON as a third line, its checksum right. */
function withLine(json: string): JournalBytes {
  return new JournalBytes().records(1, 2).addText(json);
}

const READER = `
import { MiniStore } from "@mini/state/store";
let count = 0;
await using store = await MiniStore.open(Deno.args[0]);
for await (const _ of store.replay()) count++;
console.log(count);`;

/** The codes of reading and opening, and the numbers that were read. */
async function told(path: string): Promise<[codes: string[], number[]]> {
  const records: number[] = [];
  const read = await codeOf(async () => {
    for await (const { seq } of MiniStore.replay(path)) records.push(seq);
  });
  const opened = await codeOf(async () => {
    await using _store = await MiniStore.open(path);
  });
  return [[read, opened], records];
}

async function codeOf(act: () => Promise<void>): Promise<string> {
  try {
    await act();
    return "well";
  } catch (error) {
    if (error instanceof MiniError) return error.code;
    throw error;
  }
}

/** Writes each line as the third of a journal; gives what `mini verify` finds in it, and its path. */
async function verified(
  directory: TestDirectory,
  lines: readonly string[],
): Promise<{ path: string; code: string }[]> {
  const paths = lines.map((_, index) => directory.at(`${index}.jsonl`));
  for (const [index, path] of paths.entries()) {
    await Deno.writeFile(path, withLine(lines[index]!).bytes);
  }
  const printed = await miniMany(
    paths.map((path) => ["verify", path, "--json"]),
  );
  return printed.map(({ stdout }, index) => {
    const { findings } = JSON.parse(stdout);
    return { path: paths[index]!, code: findings[0]?.code ?? "well" };
  });
}

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const BATCH = JSON.stringify(
  Array.from({ length: 20_000 }, (_, index) => ({ text: '"]},[{\\', index })),
);

const WELL: [line: string, records: number][] = [
  ...[
    '""',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\\ud800"',
    '"a quote \\" and [brackets}"',
    "0",
    "-0",
    "120",
    "-1.50",
    "1e5",
    "1E+5",
    "2.5e-10",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    '[[],{},[1,[2,"]"]],{"a":{"b":[]},"c":1}]',
    ' { "white" : [ 1 , 2 ] } ',
    nested(1_000),
    `"${"[".repeat(5_000)}"`,
  ].map((data): [string, number] => [`{"seq":3,"data":${data}}`, 3]),
  ['{"seq":3,"durable":0,"data":1}', 3],
  ['{"seq":3,"applied":1,"data":1}', 3],
  ['{"seq":3,"durable":0,"applied":2,"batch":[1,2]}', 4],
  ['{"seq":3,"data":1,"more":{"data":2}}', 3],
  ['{"data":1,"seq":3}', 3],
  ['{"seq":3.0,"data":1}', 3],
  ['{"seq":3,"batch":[1,[2,3],"],"]}', 5],
  ['{"seq":3,"batch":[1,2],"more":[3]}', 4],
  ['{"seq":3,"batch":[ 1 , 2 ]}', 4],
  [`{"seq":3,"batch":[${nested(1_000)}]}`, 3],
  [`{"seq":3,"batch":${BATCH}}`, 20_002],
  ['{"close":2,"more":1}', 2],
];

Deno.test("reading, opening and mini verify take every line that is JSON, and what it should be", async () => {
  await using directory = new TestDirectory();
  const found = await verified(directory, WELL.map(([line]) => line));
  for (const [index, { path, code }] of found.entries()) {
    const [line, last] = WELL[index]!;
    const all = Array.from({ length: last }, (_, index) => index + 1);
    const [codes, records] = await told(path);
    assertEquals([code, ...codes], ["well", "well", "well"], line.slice(0, 80));
    assertEquals(records, all, line.slice(0, 80));
  }
});

const BAD: [what: string, line: string][] = [
  ...[
    ["no value", ""],
    ["a string that is not closed", '"a'],
    ["half an escape", '"\\'],
    ["an escape of nothing", '"\\x"'],
    ["half a code unit", '"\\u12g4"'],
    ["a tab in a string", '"\t"'],
    ["a word that is none", "truth"],
    ["half a word", "nul"],
    ["a minus sign", "-"],
    ["a number that begins with 0", "01"],
    ["a number that ends in a dot", "1."],
    ["a number without exponent", "1e"],
    ["an array that is not closed", "[1"],
    ["an array that is closed twice", "[1]]"],
    ["an array that is closed as an object", "[1}"],
    ["a comma without a value", "[1,]"],
    ["a key without quotes", "{a:1}"],
    ["a key without a value", '{"a"}'],
    ["a comma without a key", '{"a":1,}'],
    ["two values", "1 2"],
    ["1,001 levels", nested(1_001)],
    ["1,000,000 levels", nested(1_000_000)],
    ["1,000,000 levels that are not closed", "[".repeat(1_000_000)],
  ].map(([what, data]): [string, string] => [
    `a record of ${what}`,
    `{"seq":3,"data":${data}}`,
  ]),
  ["neither record nor batch", '{"seq":3,"note":1}'],
  ["a line that is closed as an array", '{"seq":3,"data":1]'],
  [
    "a long string that is not closed",
    `{"seq":3,"data":"${"a".repeat(5_000)}}`,
  ],
  ["a batch with a string that is not closed", '{"seq":3,"batch":["a}'],
  ["a line that is not closed", '{"seq":3,"data":12'],
  ["a durable below 0", '{"seq":3,"durable":-5,"data":1}'],
  ["a durable that is no integer", '{"seq":3,"durable":1.5,"data":1}'],
  [
    "a durable that no number holds",
    `{"seq":3,"durable":${"9".repeat(20)},"data":1}`,
  ],
  ["an applied below 0", '{"seq":3,"durable":1,"applied":-1,"data":1}'],
  ["a durable of nothing", '{"seq":3,"durable":,"data":1}'],
  ["a durable that begins with 0", '{"seq":3,"durable":02,"data":1}'],
  ["a number that begins with 0", '{"seq":03,"data":1}'],
  ["a number that a later field changes", '{"seq":3,"data":1,"seq":4}'],
  ["a batch of nothing", '{"seq":3,"batch":[]}'],
  ["a batch of white space", '{"seq":3,"batch":[ ]}'],
  ["a batch that is an object", '{"seq":3,"batch":{"a":1}}'],
  ["a batch with a comma too many", '{"seq":3,"batch":[1,]}'],
  ["a batch that is not closed", '{"seq":3,"batch":[1}'],
  [
    "a long batch with a comma too many",
    `{"seq":3,"batch":${BATCH.replace(/\]$/, ",]")}}`,
  ],
  ["a batch of 1,001 levels", `{"seq":3,"batch":[1,${nested(1_001)}]}`],
  ["a batch of 1,000,000 levels", `{"seq":3,"batch":[${nested(1_000_000)}]}`],
  [
    "a header that is no first line",
    '{"mini":1,"journal":"","base":2,"prev":""}',
  ],
];

Deno.test("reading, opening and mini verify refuse every line that is no JSON, or not what it should be", async () => {
  await using directory = new TestDirectory();
  const found = await verified(directory, BAD.map(([, line]) => line));
  for (const [index, { path, code }] of found.entries()) {
    const [what] = BAD[index]!;
    const [codes, records] = await told(path);
    assertEquals([code, ...codes], ["CORRUPT", "CORRUPT", "CORRUPT"], what);
    // Of a long batch some may be given before the damage in it.
    assertEquals(records.slice(0, 2), [1, 2], what);
    const error = await errorOf(MiniStore.open(path));
    assertEquals([error.line, error.seq], [4, 3], what);
  }
});

const HEADERS: [what: string, crc: string | undefined, id: number][] = [
  ["is not UTF-8", undefined, 0xff],
  ["has another checksum", "00000000", 0x61],
];
for (const [what, crc, id] of HEADERS) {
  Deno.test(`reading and opening refuse a header that ${what} and is vouched for by later lines`, async () => {
    await using directory = new TestDirectory();
    const path = directory.at("journal.jsonl");
    const [start, end] = [
      '"mini":1,"journal":"',
      '","base":0,"prev":"00000000"}',
    ];
    const body = [...encoder.encode(start), id, ...encoder.encode(`${end}\n`)];
    const own = crc ?? hex(crc32(Uint8Array.from(body.slice(0, -1))));
    const header = [...encoder.encode(`{"crc":"${own}",`), ...body];
    const mark = '"close":0}';
    const chain = crc32(mark, crc32(Uint8Array.from(header)));
    const line = encoder.encode(`{"crc":"${hex(chain)}",${mark}\n`);
    await Deno.writeFile(path, Uint8Array.from([...header, ...line]));
    assertEquals(await told(path), [["CORRUPT", "CORRUPT"], []]);
  });
}

Deno.test("opening and replaying a batch of a million records takes a small multiple of its text", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    await using store = await MiniStore.open(path);
    await store.appendBatch(new Array(1_000_000).fill([""]));
  }
  const flags = ["-A", "--v8-flags=--max-old-space-size=32"];
  const { stdout, stderr } = await runScript(READER, [path], flags);
  assertEquals(stdout, "1000000", stderr);
});
