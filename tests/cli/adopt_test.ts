import { assertEquals } from "@std/assert";
import { adoptAll } from "../support/adopt.ts";

const CUT = "a value that is cut short";
const NOT_JSON = "not JSON";
const UNSURE = "perhaps only a part of a value";

/** A file, its records, and what is left out: line, offset, size and reason. */
type Case = [
  text: string | Uint8Array,
  records: unknown[],
  ...lost: [number, number, number, string][],
];

function bytes(...parts: (string | number)[]): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...encoder.encode(part)] : [part]
    ),
  );
}

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const CASES: Record<string, Case> = {
  "nothing": ["", []],
  "lines": ['{"a":1}\n{"b":2}\n', [{ a: 1 }, { b: 2 }]],
  "no newline at the end": ['{"a":1}\n{"b":2}', [{ a: 1 }, { b: 2 }]],
  "a half line at the end": ['{"a":1}\n{"b":', [{ a: 1 }], [2, 8, 5, CUT]],
  "a half line in the middle": [
    '{"a":1}\n{"in":{"b":2}\n{"c":3}\n',
    [{ a: 1 }, { c: 3 }],
    [2, 8, 13, CUT],
  ],
  "two objects on a line": ['{"a":1}{"b":2}\n', [{ a: 1 }, { b: 2 }]],
  "a half one and another": [
    '{"a":1,"b{"c":3}\n',
    [{ c: 3 }],
    [1, 0, 9, CUT],
  ],
  "a half one in an escape, and another": [
    '{"a":"\\{"c":3}\n{"a":"\\u00[4]\n',
    [{ c: 3 }, [4]],
    [1, 0, 7, CUT],
    [2, 15, 10, CUT],
  ],
  "a half one in a character, and another": [
    bytes('{"a":"', 0xc3, '{"c":3}\n'),
    [{ c: 3 }],
    [1, 0, 7, CUT],
  ],
  "a half one, where another may be a part of it": [
    '{"a":{"b":2}\n[1,{"c":3}\n',
    [],
    [1, 0, 12, CUT],
    [2, 13, 10, CUT],
  ],
  "the same, and one that cannot be": [
    '{"a":{"b":2}{"c":3}\n',
    [{ c: 3 }],
    [1, 0, 12, CUT],
  ],
  "three half ones, the last with a part that looks whole": [
    '{"a":"x{"b":"y{"c":1,"in":{"d":2}\n',
    [],
    [1, 0, 7, CUT],
    [1, 7, 7, CUT],
    [1, 14, 19, CUT],
  ],
  "two half ones and another": [
    '{"a":"x{"b":"y{"c":1}\n',
    [{ c: 1 }],
    [1, 0, 7, CUT],
    [1, 7, 7, CUT],
  ],
  "quotes that nobody has escaped": [
    '{"k":"{"x":1}"}\n{"k":"{"x":1}{"y":2}"}\n',
    [],
    [1, 0, 6, CUT],
    [1, 6, 9, NOT_JSON],
    [2, 16, 6, CUT],
    [2, 22, 16, NOT_JSON],
  ],
  "several values on a line": [
    ' 1 "two"\t[3] null true {}\n',
    [1, "two", [3], null, true, {}],
  ],
  "values that may be parts of others": [
    '1 "two" x\n12{"a":1}\n"a": ["b"],\n7',
    [{ a: 1 }],
    [1, 0, 1, UNSURE],
    [1, 2, 5, UNSURE],
    [1, 8, 1, NOT_JSON],
    [2, 10, 2, CUT],
    [3, 20, 3, UNSURE],
    [3, 23, 8, NOT_JSON],
    [4, 32, 1, UNSURE],
  ],
  "NULs for lines": [
    '{"a":1}\n\0\0\0{"b":2}\n\0\n',
    [{ a: 1 }, { b: 2 }],
    [2, 8, 3, "3 NUL bytes"],
    [3, 19, 1, "1 NUL byte"],
  ],
  "NULs in a line": [
    '{"a":"x\0\0y"}\n{"b":2}\0\0\n',
    [{ b: 2 }],
    [1, 0, 7, CUT],
    [1, 7, 2, "2 NUL bytes"],
    [1, 9, 3, NOT_JSON],
    [2, 20, 2, "2 NUL bytes"],
  ],
  "NULs before what may be a part": [
    '\0{"b":2}}\n\0{"b":2}\0\n\0 5\n\0{"b":2}',
    [],
    [1, 0, 1, "1 NUL byte"],
    [1, 1, 8, NOT_JSON],
    [2, 10, 1, "1 NUL byte"],
    [2, 11, 7, UNSURE],
    [2, 18, 1, "1 NUL byte"],
    [3, 20, 1, "1 NUL byte"],
    [3, 22, 1, UNSURE],
    [4, 24, 1, "1 NUL byte"],
    [4, 25, 7, UNSURE],
  ],
  "marks, CRLF, blank lines": [
    '\ufeff{"a":1}\r\n\r\n \n\n\ufeff{"b":2}\r\n\ufeff\n',
    [{ a: 1 }, { b: 2 }],
  ],
  "bytes that are not UTF-8": [
    bytes(
      '{"a":"caf',
      0xe9,
      '"}\n["',
      0xed,
      0xa0,
      0x80,
      '"]\n["é€😀"]\n',
      0xff,
    ),
    [["é€😀"]],
    [1, 0, 12, NOT_JSON],
    [2, 13, 7, NOT_JSON],
    [4, 35, 1, NOT_JSON],
  ],
  "half a surrogate": ['["\\ud83d"]\n', [["\ud83d"]]],
  "a raw control character": ['["a\tb"]\n', [], [1, 0, 7, NOT_JSON]],
  "too many levels": [
    `${deep(1_000)}\n${deep(1_001)}\n[1]\n`,
    [JSON.parse(deep(1_000)), [1]],
    [2, 2_001, 2_002, "nested deeper than 1,000 levels"],
  ],
  "numbers that JavaScript has not": [
    '[1e400]\n{"n":9007199254740993}\n[-1E-400]\n{"n":[9007199254740992,"9007199254740993\\\\",0e5,1.5e3]}\n',
    [{ n: [9007199254740992, "9007199254740993\\", 0, 1500] }],
    [1, 0, 7, "a JavaScript number cannot hold 1e400"],
    [2, 8, 22, "a JavaScript number cannot hold 9007199254740993"],
    [3, 31, 9, "a JavaScript number cannot hold -1E-400"],
  ],
  "integers in other words": [
    "[9007199254740993.0]\n[9007199254740993e0]\n[-90071992547409930e-1]\n[9.007199254740993E+15]\n" +
    "[1e23,1.7976931348623157e308,9007199254740994.00,1180591620717411303424]\n[0.12345678901234567890123,-9007199254740993.5]\n",
    [
      [1e23, Number.MAX_VALUE, 9007199254740994, 2 ** 70],
      [0.12345678901234568, -9007199254740994],
    ],
    [1, 0, 20, "a JavaScript number cannot hold 9007199254740993.0"],
    [2, 21, 20, "a JavaScript number cannot hold 9007199254740993e0"],
    [3, 42, 23, "a JavaScript number cannot hold -90071992547409930e-1"],
    [4, 66, 23, "a JavaScript number cannot hold 9.007199254740993E+15"],
  ],
  "minus zero, a name twice, and names that objects have": [
    '[-0,-0.0]\n{"a":1,"a":2}\n{"__proto__":{"x":1},"toString":2}\n',
    [[0, 0], { a: 2 }, JSON.parse('{"__proto__":{"x":1},"toString":2}')],
  ],
  "one array, a value a line": [
    '[\n{"a":1},\n{"b":2}\n]\n',
    [{ a: 1 }, { b: 2 }],
    [1, 0, 1, CUT],
    [2, 9, 1, NOT_JSON],
    [4, 19, 1, NOT_JSON],
  ],
  "one object on several lines": [
    '{\n  "a": {"x":1},\n  "b": ["y"]\n}\n',
    [],
    [1, 0, 1, CUT],
    [2, 4, 3, UNSURE],
    [2, 7, 10, NOT_JSON],
    [3, 20, 3, UNSURE],
    [3, 23, 7, NOT_JSON],
    [4, 31, 1, NOT_JSON],
  ],
  "one object on several lines, an item a line": [
    '{\n"in": [\n{"x":1},\n{"x":2}\n]\n}\n',
    [{ x: 1 }, { x: 2 }],
    [1, 0, 1, CUT],
    [2, 2, 4, UNSURE],
    [2, 6, 3, NOT_JSON],
    [3, 17, 1, NOT_JSON],
    [5, 27, 1, NOT_JSON],
    [6, 29, 1, NOT_JSON],
  ],
  "text before the JSON": [
    'WARN {"a":1}\n12:30 {"a":1}\n',
    [],
    [1, 0, 12, NOT_JSON],
    [2, 13, 13, NOT_JSON],
  ],
};

Deno.test("mini adopt takes what is certain of any file, and reports the rest with its place", async () => {
  const all = await adoptAll(Object.values(CASES).map(([text]) => text));
  for (
    const [at, [name, [, records, ...lost]]] of Object.entries(CASES).entries()
  ) {
    const found = all[at]!;
    const { report } = found;
    const told = report.lost.map((
      { line, offset, sizeBytes, reason },
    ) => [line, offset, sizeBytes, reason]);
    assertEquals(told, lost, name);
    assertEquals(found.records, records, name);
    assertEquals(report.losses, lost.length, name);
    const size = lost.reduce((sum, [, , size]) => sum + size, 0);
    assertEquals(report.lostBytes, size, name);
    assertEquals(
      [found.code, found.verified],
      [lost.length > 0 ? 1 : 0, 0],
      name,
    );
  }
});

Deno.test("mini adopt leaves out a line of nothing but beginnings, in memory that does not grow with it", async () => {
  const many = "{".repeat(100_000);
  const few = "{".repeat(1_000);
  const [found] = await adoptAll([`[1]${many}[2]\n${few}[3]\n`]);
  assertEquals(found!.records, [[1], [3]]);
  const { losses, lostBytes } = found!.report;
  assertEquals([losses, lostBytes], [1 + 1 + 1_000, 100_003 + 1_000]);
  const { line, offset, sizeBytes, reason } = found!.report.lost[1]!;
  assertEquals([line, offset, sizeBytes, reason], [1, 4, 100_002, NOT_JSON]);
});

Deno.test("mini adopt leaves out what is longer than a record, in memory that does not grow with it", async () => {
  const long = `["${"x".repeat(2_000_000)}"]`;
  const grown = `[${"1e20,".repeat(15)}1]`;
  const text = `[1]\n${long}\n[2]\n${grown}\n[3]\0${long}`;
  const [found] = await adoptAll([text], "--max-record-bytes", "100");
  assertEquals(found!.records, [[1], [2], [3]]);
  assertEquals(
    found!.report.lost.map((
      { line, sizeBytes, after, reason },
    ) => [line, sizeBytes, after, reason]),
    [
      [2, long.length, 1, "longer than 100 bytes"],
      [4, grown.length, 2, "longer than 100 bytes"],
      [5, 1, 3, "1 NUL byte"],
      [5, long.length, 3, "longer than 100 bytes"],
    ],
  );
});
