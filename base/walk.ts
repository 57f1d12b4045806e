import { MAX_DEPTH } from "./json.ts";

/**
 * JSON, walked over without being parsed: in one pass, and without memory for
 * what it holds.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const END_OF_ARRAY = 0x5d;
const OBJECT = 0x7b;
const END_OF_OBJECT = 0x7d;
const MINUS = 0x2d;

/**
 * How deep a JSON text nests; no more than `enough` is counted, nor looked at.
 * Where it is no JSON the number means nothing.
 */
export function levelsOf(text: string, enough: number): number {
  // Every level takes two characters.
  if (text.length < 2 * enough) return 0;
  let [deepest, depth] = [0, 0];
  for (let at = 0; at < text.length && deepest < enough; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === ARRAY || unit === OBJECT) {
      deepest = Math.max(deepest, ++depth);
    } else if (unit === END_OF_ARRAY || unit === END_OF_OBJECT) depth--;
  }
  return deepest;
}

/** Parses JSON that nests no deeper than `maxDepth`; throws a `SyntaxError` for any other text. */
export function parseJson(
  text: string,
  maxDepth: number = MAX_DEPTH,
  reviver?: (key: string, value: unknown) => unknown,
): unknown {
  if (levelsOf(text, maxDepth + 1) > maxDepth) {
    throw new SyntaxError(`nested deeper than ${maxDepth} levels`);
  }
  return JSON.parse(text, reviver);
}

/** The closing quote of a string that starts at `at`. */
function endOfString(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) at++;
  }
  return at;
}

/**
 * Where to cut the array that a text has from `start` to its last character but
 * one, so that between two cuts stand whole values, of `chars` characters or
 * little more. The first cut is the opening bracket, the last the closing one,
 * the others are commas. `undefined` where the array ends elsewhere.
 */
export function cutsOf(
  text: string,
  start: number,
  chars: number,
): number[] | undefined {
  if (text.charCodeAt(start) !== ARRAY) return undefined;
  const cuts = [start];
  let depth = 0;
  let next = start + chars;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === ARRAY || unit === OBJECT) depth++;
    else if (unit === END_OF_ARRAY || unit === END_OF_OBJECT) {
      if (--depth > 0) continue;
      return at === text.length - 2 ? [...cuts, at] : undefined;
    } else if (unit === COMMA && depth === 1 && at >= next) {
      cuts.push(at);
      next = at + chars;
    }
  }
  return undefined;
}

/** A JSON value that was walked over. */
export interface Walked {
  /** Where it ends. */
  readonly end: number;
  /** How many values it holds, those within them not counted. */
  readonly items: number;
}

/** The bracket that each open container ends with, outermost first; nobody walks while another does. */
const closings = new Uint8Array(MAX_DEPTH + 1);

/** Walks over a value without white space between its parts; `undefined` if there is none, or it nests deeper than `maxDepth`, which is at most one more than that of a record. */
export function walkJson(
  bytes: Uint8Array,
  start: number,
  maxDepth: number,
): Walked | undefined {
  let [at, depth, items] = [start, 0, 0];
  for (;;) {
    const first = bytes[at]!;
    if (first === OBJECT || first === ARRAY) {
      if (depth === maxDepth) return undefined;
      const closing = first + 2;
      at++;
      if (bytes[at] === closing) at++;
      else {
        closings[depth++] = closing;
        if (first === OBJECT) at = afterKey(bytes, at);
        continue;
      }
    } else at = first === QUOTE ? afterString(bytes, at) : afterWord(bytes, at);
    for (;;) {
      if (depth === 1) items++;
      if (at < 0) return undefined;
      if (depth === 0) return { end: at, items };
      const closing = closings[depth - 1];
      const next = bytes[at++];
      if (next === COMMA) {
        if (closing === END_OF_OBJECT) at = afterKey(bytes, at);
        break;
      }
      if (next !== closing) return undefined;
      depth--;
    }
  }
}

// Each returns where the part that starts at `at` ends; a negative number if there is no such part, or `at` is negative.

function afterKey(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return -1;
  const end = afterString(bytes, at);
  return bytes[end] === COLON ? end + 1 : -1;
}

function afterString(bytes: Uint8Array, at: number): number {
  for (at++;; at++) {
    while (PLAIN[bytes[at]!] === 1) at++;
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return -1;
    at = afterEscape(bytes, at + 1) - 1;
    if (at < 0) return -1;
  }
}

/** 1 for each byte that stands for itself in a string. */
const PLAIN = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/** The characters that stand for another after a backslash. */
const ESCAPES = new Set(new TextEncoder().encode('"\\/bfnrt'));

function afterEscape(bytes: Uint8Array, at: number): number {
  if (ESCAPES.has(bytes[at]!)) return at + 1;
  if (bytes[at] !== 0x75) return -1;
  for (let digit = 1; digit <= 4; digit++) {
    if (!isHex(bytes[at + digit]!)) return -1;
  }
  return at + 5;
}

function isHex(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || letter >= 0x61 && letter <= 0x66;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

const WORDS = ["true", "false", "null"].map((word) =>
  new TextEncoder().encode(word)
);

/** After a number, or a word. */
function afterWord(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (isDigit(first) || first === MINUS) return afterNumber(bytes, at);
  const word = WORDS.find((word) => word[0] === first);
  const isIt = word?.every((byte, index) => bytes[at + index] === byte);
  return isIt ? at + word!.length : -1;
}

function afterNumber(bytes: Uint8Array, at: number): number {
  if (bytes[at] === MINUS) at++;
  at = bytes[at] === 0x30 ? at + 1 : afterDigits(bytes, at);
  if (bytes[at] === 0x2e) at = afterDigits(bytes, at + 1);
  if ((bytes[at]! | 0x20) !== 0x65) return at;
  const sign = bytes[at + 1];
  return afterDigits(bytes, at + (sign === 0x2b || sign === 0x2d ? 2 : 1));
}

function afterDigits(bytes: Uint8Array, at: number): number {
  const start = at;
  while (isDigit(bytes[at]!)) at++;
  return at === start ? -1 : at;
}
