import { MAX_DEPTH } from "../../base/json.ts";
import { count, grouped, size } from "../../base/text.ts";
import { levelsOf } from "../../base/walk.ts";
import { flawedNumber } from "./numbers.ts";
import type { Piece } from "./pieces.ts";
import { afterSpace, isDigit, isOpening, isSpace, scanValue } from "./scan.ts";

/** A value of a file, or bytes of it that are none. */
export type Found =
  | {
    readonly kind: "record";
    /** As `JSON.stringify` writes it. */
    readonly json: string;
  }
  | ({ readonly kind: "loss" } & Loss);

/** A part of a file that was left out. */
export interface LostPart {
  /** The number of the line, from 1. */
  readonly line: number;
  /** The byte in the file at which the part starts, from 0. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** The reason, in words. */
  readonly reason: string;
  /** The number of the last record before it, 0 if there is none. */
  readonly after: number;
}

/** The same, before the records are counted. */
export type Loss = Omit<LostPart, "after">;

/** A part of a piece. */
interface Part {
  readonly start: number;
  readonly end: number;
  /** Why it is no value. */
  readonly reason?: string;
}

const CUT_SHORT = "a value that is cut short";
const NOT_JSON = "not JSON";
const UNSURE = "perhaps only a part of a value";

/** The most values of a line that may be cut short: after them it is no line of values, and each would cost memory. */
const MAX_CUT = 1_000;

/**
 * The values of a piece, and what of it is left out. Pure.
 *
 * An object or array is taken only if it cannot be a part of another: where a
 * line starts, after such a value, or after a cut one that allows no value there.
 * After NULs, and of other values, a line is taken only as a whole.
 */
export function* valuesIn(
  piece: Piece,
  maxBytes: number,
): Generator<Found, void, undefined> {
  const { bytes, kind } = piece;
  if (kind !== "text") {
    const reason = kind === "NULs"
      ? count(piece.sizeBytes, "NUL byte")
      : `longer than ${size(maxBytes)}`;
    yield lossOf(piece, { start: 0, end: piece.sizeBytes, reason });
    return;
  }
  for (const part of partsOf(piece)) {
    if (part.reason !== undefined) {
      yield lossOf(piece, part);
      continue;
    }
    const found = recordOf(bytes.subarray(part.start, part.end), maxBytes);
    if ("json" in found) yield { kind: "record", json: found.json };
    else yield lossOf(piece, { ...part, ...found });
  }
}

function lossOf(
  { line, offset }: Piece,
  { start, end, reason = NOT_JSON }: Part,
): Found {
  const place = { line, offset: offset + start, sizeBytes: end - start };
  return { kind: "loss", ...place, reason };
}

/** Cuts a piece into values and losses. */
function partsOf(piece: Piece): Part[] {
  const { bytes, isStart, end } = piece;
  const parts = cutIntoParts(piece);
  if (parts.length === 0) return parts;
  const isClean = parts.every(({ reason }) => reason === undefined);
  if (!isStart && !(isClean && end === "newline")) {
    const { start } = parts[0]!;
    const reason = isClean ? UNSURE : NOT_JSON;
    return [{ start, end: parts.at(-1)!.end, reason }];
  }
  return parts.map((part) => {
    if (part.reason !== undefined || isOpening(bytes[part.start])) return part;
    // Digits of a number may be missing.
    const isCut = end !== "newline" && part.end === bytes.length &&
      isDigit(bytes[part.end - 1]);
    const isSure = isStart && isClean && !isCut;
    return isSure ? part : { ...part, reason: UNSURE };
  });
}

/** The same, as far as the bytes alone tell. */
function cutIntoParts({ bytes, isStart }: Piece): Part[] {
  const parts: Part[] = [];
  const last = endOfText(bytes);
  /** How many parts there are before the first value that follows a cut one. */
  let sure: number | undefined;
  let cut = 0;
  let at = startOfText(bytes, isStart);
  while (at < last) {
    const { isWhole, end, brace } = scanValue(bytes, at);
    const isExpected = sure === undefined || isOpening(bytes[at]);
    const isValue = isWhole && isSeparate(bytes, at, end);
    const next = isValue ? undefined : nextStart(bytes, at, end, brace);
    if (isExpected && isValue) {
      parts.push({ start: at, end });
      at = afterSpace(bytes, end);
    } else if (isExpected && next !== undefined && cut < MAX_CUT) {
      cut++;
      parts.push({ start: at, end: next, reason: CUT_SHORT });
      sure ??= parts.length;
      at = next;
    } else {
      const isCut = isOpening(bytes[at]) && end >= last;
      if (!isCut && sure !== undefined) {
        // Then what follows the cut value may be parts of it.
        at = parts[sure]?.start ?? at;
        parts.length = sure;
      }
      const reason = isCut ? CUT_SHORT : NOT_JSON;
      parts.push({ start: at, end: last, reason });
      break;
    }
  }
  return parts;
}

/** Where a value may start that is no part of the one from `at` on, which is broken at `end`. */
function nextStart(
  bytes: Uint8Array,
  at: number,
  end: number,
  brace: number,
): number | undefined {
  if (end === at) return undefined;
  if (isOpening(bytes[end])) return end;
  return isOpening(bytes[at]) && brace !== -1 ? brace : undefined;
}

/** Whether a value is clearly over: a number or a word may be longer. */
function isSeparate(bytes: Uint8Array, start: number, end: number): boolean {
  const isDelimited = isOpening(bytes[start]) || bytes[start] === 0x22;
  return isDelimited || end === bytes.length || isSpace(bytes[end]);
}

/** Without a byte order mark, which may begin each of several files that were joined. */
function startOfText(bytes: Uint8Array, isStart: boolean): number {
  const hasMark = isStart && bytes[0] === 0xef && bytes[1] === 0xbb &&
    bytes[2] === 0xbf;
  return afterSpace(bytes, hasMark ? 3 : 0);
}

function endOfText(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1])) end--;
  return end;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The record that is a value, or why there can be none. */
function recordOf(
  bytes: Uint8Array,
  maxBytes: number,
): { json: string } | { reason: string } {
  const text = decoder.decode(bytes);
  if (levelsOf(text, MAX_DEPTH + 1) > MAX_DEPTH) {
    return { reason: `nested deeper than ${grouped(MAX_DEPTH)} levels` };
  }
  const number = flawedNumber(text);
  if (number !== undefined) {
    return { reason: `a JavaScript number cannot hold ${number}` };
  }
  const json = JSON.stringify(JSON.parse(text));
  const isFitting = json.length * 3 <= maxBytes ||
    new TextEncoder().encode(json).length <= maxBytes;
  return isFitting ? { json } : { reason: `longer than ${size(maxBytes)}` };
}
