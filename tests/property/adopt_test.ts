import { assert, assertEquals } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { adoptAll } from "../support/adopt.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const FILES = size(20, 500);
const LINES = 100;
const encoder = new TextEncoder();

const TEXTS = [
  "",
  "a",
  "{",
  '{"',
  '"}',
  "[",
  "\\",
  'x{"c":3}',
  "é😀",
  "\n",
  "\0",
  "b{",
  " {",
];
const SCALARS = [null, true, false, 0, -1.5, 1e21, 42];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

/** A JSON value; the names in its objects are words. */
function valueOf(random: Random, depth = 0): unknown {
  const kind = random.below(depth === 0 ? 3 : 6);
  if (kind === 5) return pick(random, SCALARS);
  if (kind > 2 || depth > 3) return pick(random, TEXTS) + pick(random, TEXTS);
  const items = Array.from(
    { length: random.below(4) },
    () => valueOf(random, depth + 1),
  );
  if (kind === 0) return items;
  return Object.fromEntries(items.map((item, at) => [`k${at}`, item]));
}

/** The text of a value, as one program or another writes it. */
function textOf(random: Random, value: unknown): string {
  const json = JSON.stringify(value);
  if (random.oneIn(3)) {
    return JSON.stringify(value, null, 1).replace(/\n */g, " ");
  }
  // Escapes stand for the same characters.
  return random.oneIn(3)
    ? json.replace(
      /[{é]/g,
      (found, at) =>
        isInText(json, at) ? `\\u00${found.charCodeAt(0).toString(16)}` : found,
    )
    : json;
}

function isInText(json: string, at: number): boolean {
  return stateOf(encoder.encode(json.slice(0, at))).isInText;
}

/** How the beginning of a value stops: in a text, or where a value may come. */
function stateOf(
  half: Uint8Array,
): { isInText: boolean; isBeforeValue: boolean } {
  const open: string[] = [];
  let [isInText, isEscaped] = [false, false];
  let last = "";
  for (const char of new TextDecoder("latin1").decode(half)) {
    if (isInText) {
      if (isEscaped) isEscaped = false;
      else if (char === "\\") isEscaped = true;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "{" || char === "[") open.push(char);
    else if (char === "}" || char === "]") open.pop();
    if (char !== " ") last = char;
  }
  const isBeforeValue = !isInText &&
    (last === ":" || last === "[" || last === "," && open.at(-1) === "[");
  return { isInText: isInText && !isEscaped, isBeforeValue };
}

/** Whether an object or array that follows half of another is certain to be none of its parts. */
function isCertain(half: Uint8Array, text: string): boolean {
  const { isInText, isBeforeValue } = stateOf(half);
  const isInEscape = /\\u[0-9a-f]{0,3}$/i.test(
    new TextDecoder("latin1").decode(half),
  );
  const isInCharacter = half.at(-1)! >= 0x80 && !isUtf8(half);
  if (isInText && !isInEscape && !isInCharacter) return /^\{ *"/.test(text);
  return !isBeforeValue;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes) !== "";
  } catch {
    return false;
  }
}

/** A file, and the values that are to be found in it. */
class Hostile {
  readonly #random: Random;
  readonly #parts: Uint8Array[] = [];
  readonly values: unknown[] = [];
  damages = 0;

  constructor(random: Random) {
    this.#random = random;
    if (random.oneIn(2)) this.#put("\ufeff");
    for (let line = 0; line < LINES; line++) this.#putLine();
    this.#putDamage("");
    if (random.oneIn(2)) this.#putHalf();
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(
      this.#parts.reduce((n, { length }) => n + length, 0),
    );
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #put(part: string | Uint8Array): void {
    this.#parts.push(typeof part === "string" ? encoder.encode(part) : part);
  }

  #putLine(): void {
    const random = this.#random;
    const end = pick(random, ["\n", "\n", "\r\n", " \n\n", "\n\ufeff"]);
    if (random.oneIn(3)) this.#putDamage(end);
    const before = this.#parts.length;
    const value = valueOf(random);
    const text = textOf(random, value);
    // At most one damage before a value on its line.
    const kind = random.below(8);
    let isKept = true;
    if (kind === 0) {
      const half = this.#putHalf();
      isKept = isCertain(half, text);
    } else if (kind === 1) {
      this.damages++;
      this.#put("\0".repeat(1 + random.below(5_000)));
    }
    this.#put(text);
    if (isKept) this.values.push(value);
    while (isKept && random.oneIn(4)) {
      const next = valueOf(random);
      this.#put(pick(random, ["", " "]) + textOf(random, next));
      this.values.push(next);
    }
    assert(this.#parts.length > before);
    this.#put(end);
  }

  /** The beginning of a value. */
  #putHalf(): Uint8Array {
    this.damages++;
    for (;;) {
      const bytes = encoder.encode(textOf(this.#random, valueOf(this.#random)));
      if (bytes.length < 3) continue;
      const half = bytes.subarray(0, 1 + this.#random.below(bytes.length - 1));
      this.#put(half);
      return half;
    }
  }

  /** A line without a value. */
  #putDamage(end: string): void {
    const random = this.#random;
    this.damages++;
    const kind = random.below(6);
    if (kind === 0) this.#putHalf();
    else if (kind === 1) this.#put("\0".repeat(1 + random.below(600)));
    else if (kind === 2) {
      this.#put(`[${"[".repeat(1_000)}${"]".repeat(1_000)}]`);
    } else if (kind === 3) {
      this.#put(
        pick(random, [
          "[1e999]",
          '{"id":12345678901234567891}',
          "{}}".slice(1),
        ]),
      );
    } else if (kind === 4) {
      this.#put(pick(random, ["--", "TRUE", "{'a':1}", '"a": 1,', "<a/>"]));
    } else {this.#put(Uint8Array.from([
        0xff,
        ...Array.from({ length: 9 }, () => 0x80 + random.below(0x80)),
      ]));}
    this.#put(end);
  }
}

Deno.test("mini adopt finds exactly the values that are not damaged, in order, whatever is between them", async () => {
  const files = Array.from(
    { length: FILES },
    (_, at) => new Hostile(new Random(seed + at)),
  );
  const all = await adoptAll(files.map(({ bytes }) => bytes));
  let [records, losses] = [0, 0];
  for (const [at, { values, bytes }] of files.entries()) {
    const { records: found, report, code, verified } = all[at]!;
    const label = `SEED=${seed + at} shows it first`;
    // Which one is missing, and not two long lists.
    const first = values.findIndex((value, at) =>
      JSON.stringify(value) !== JSON.stringify(found[at])
    );
    assertEquals(
      first === -1 ? [] : [first, values[first], found[first]],
      [],
      label,
    );
    assertEquals([found.length, code, verified], [values.length, 1, 0], label);
    let end = 0;
    for (const { offset, sizeBytes } of report.lost) {
      assert(offset >= end && sizeBytes > 0, label);
      end = offset + sizeBytes;
    }
    assert(end <= bytes.length, label);
    assertEquals(report.sizeBytes, bytes.length, label);
    records += found.length;
    losses += report.losses;
  }
  say(
    `seed ${seed}: ${FILES} files, ${records} records, ${losses} losses, 0 wrong`,
  );
});

/** A file of which stretches are lost, as a file system leaves it after a power cut. */
function loseStretches(random: Random): {
  bytes: Uint8Array;
  values: unknown[];
  /** Which of the values are there for certain. */
  isSure: boolean[];
} {
  // Each is there once, so that nothing passes for another.
  const values = Array.from(
    { length: 60 },
    (_, line) =>
      pick<unknown>(random, [
        1_000 + line,
        `${line} {} [${line}]`,
        [line, valueOf(random)],
        { line, value: valueOf(random), more: [valueOf(random)] },
      ]),
  );
  const lines = values.map((value) =>
    encoder.encode(`${textOf(random, value)}\n`)
  );
  const bytes = new Uint8Array(lines.reduce((n, { length }) => n + length, 0));
  const isLost = new Uint8Array(bytes.length);
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
  }
  for (let left = 1 + random.below(12); left > 0; left--) {
    const from = random.below(bytes.length);
    const to = from + 1 + random.below(random.oneIn(2) ? 8 : 200);
    bytes.fill(0, from, to);
    isLost.fill(1, from, to);
  }
  at = 0;
  const isSure = values.map((value, line) => {
    const start = at;
    at += lines[line]!.length;
    const isWhole = !isLost.subarray(start, at).includes(1);
    // Of what follows NULs, an object or array is known to be no part of another.
    const isAfterLine = start === 0 || isLost[start - 1] === 0;
    return isWhole &&
      (isAfterLine || typeof value === "object" && value !== null);
  });
  return { bytes, values, isSure };
}

Deno.test("mini adopt makes up no value where stretches of a file are lost, and finds every other", async () => {
  const files = Array.from(
    { length: FILES },
    (_, at) => loseStretches(new Random(seed + at)),
  );
  const all = await adoptAll(files.map(({ bytes }) => bytes));
  for (const [at, { values, isSure }] of files.entries()) {
    const label = `SEED=${seed + at} shows it first`;
    const found = all[at]!.records.map((value) => JSON.stringify(value));
    let next = 0;
    for (const [line, value] of values.entries()) {
      const isFound = found[next] === JSON.stringify(value);
      if (isFound) next++;
      assert(isFound || !isSure[line], `${label}: line ${line + 1}`);
    }
    assertEquals(found.slice(next), [], label);
  }
});
