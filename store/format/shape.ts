import { MAX_DEPTH } from "../../base/json.ts";
import { parseLine, PREFIX_BYTES } from "./line.ts";
import { walkJson } from "../../base/walk.ts";

/** What a line says, its records left out. */
export type Shape =
  | { readonly kind: "header"; readonly base: number }
  | { readonly kind: "close"; readonly seq: number }
  | {
    readonly kind: "records";
    /** The sequence number of the first of them. */
    readonly seq: number;
    readonly durable: number;
    readonly applied: number;
    readonly count: number;
  };

const encoder = new TextEncoder();
const SEQ = encoder.encode('"seq":');
const DURABLE = encoder.encode('"durable":');
const APPLIED = encoder.encode('"applied":');
const DATA = encoder.encode('"data":');
const BATCH = encoder.encode('"batch":');
const END = 0x7d;
const COMMA = 0x2c;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * What `parseLine` finds in a line that begins with the fixed prefix, without its newline, at a fraction of the
 * cost, and in no memory: records are walked over, and not parsed.
 */
export function shapeOf(line: Uint8Array): Shape | undefined {
  return writtenShape(line) ?? parsedShape(decoder.decode(line));
}

/** The shape of a line as it is written; any other may still be one that can be read. */
function writtenShape(line: Uint8Array): Shape | undefined {
  if (!startsWith(line, PREFIX_BYTES, SEQ)) return undefined;
  const seq = numberAt(line, PREFIX_BYTES + SEQ.length);
  if (seq === undefined) return undefined;
  const durable = fieldAt(line, seq.end, DURABLE, seq.value - 1);
  const applied = durable &&
    fieldAt(line, durable.end, APPLIED, durable.value);
  if (applied === undefined) return undefined;
  const isBatch = startsWith(line, applied.end, BATCH);
  if (!isBatch && !startsWith(line, applied.end, DATA)) return undefined;
  const start = applied.end + (isBatch ? BATCH : DATA).length;
  const value = walkJson(line, start, isBatch ? MAX_DEPTH + 1 : MAX_DEPTH);
  if (value === undefined || value.end !== line.length - 1) return undefined;
  if (line[value.end] !== END) return undefined;
  const count = isBatch ? value.items : 1;
  const isList = !isBatch || line[start] === 0x5b;
  if (count === 0 || !isList) return undefined;
  return {
    kind: "records",
    seq: seq.value,
    durable: durable!.value,
    applied: applied.value,
    count,
  };
}

/** A field that may be left out. */
function fieldAt(
  line: Uint8Array,
  at: number,
  name: Uint8Array,
  implied: number,
): Numeral | undefined {
  return startsWith(line, at, name)
    ? numberAt(line, at + name.length)
    : { value: implied, end: at };
}

/** A number, and where what stands behind it begins. */
interface Numeral {
  readonly value: number;
  readonly end: number;
}

function parsedShape(text: string): Shape | undefined {
  const line = parseLine(text);
  if (line?.kind === "header") {
    return { kind: line.kind, base: line.header.base };
  }
  if (line?.kind !== "records") return line;
  const { records, ...rest } = line;
  return { ...rest, count: records.length };
}

function startsWith(bytes: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let index = 0; index < what.length; index++) {
    if (bytes[at + index] !== what[index]) return false;
  }
  return true;
}

/** The decimal number at `at`, with a comma behind it. */
function numberAt(
  bytes: Uint8Array,
  at: number,
): Numeral | undefined {
  let value = 0;
  let end = at;
  for (let digit; (digit = bytes[end]! - 0x30) >= 0 && digit <= 9; end++) {
    value = value * 10 + digit;
  }
  const isPadded = bytes[at] === 0x30 && end > at + 1;
  const isNone = end === at || isPadded || !Number.isSafeInteger(value);
  return isNone || bytes[end] !== COMMA ? undefined : { value, end: end + 1 };
}

/** The number of the record that follows a verified line, which ends in its newline; 0 if there is no line. */
export function numberAfter(line: Uint8Array): number {
  const shape = shapeOf(line.subarray(0, -1));
  if (shape?.kind === "records") return shape.seq + shape.count;
  if (shape?.kind === "close") return shape.seq + 1;
  return shape === undefined ? 0 : shape.base + 1;
}

/** Why a line that is intact is not to be where record `next` is. */
export function strayReason(next: number): string {
  return `what follows record ${
    next - 1
  } is neither a mark nor a record as it is written`;
}
