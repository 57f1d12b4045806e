import { MAX_DEPTH } from "../../base/json.ts";
import { parseLine, PREFIX_BYTES } from "./line.ts";
import { walkJson } from "../../base/walk.ts";

/** A line without its records. */
export type Shape =
  | { readonly kind: "header"; readonly base: number }
  | { readonly kind: "close"; readonly seq: number }
  | {
    readonly kind: "records";
    /** The sequence number of the first of them. */
    readonly seq: number;
    readonly durable: number;
    readonly applied: number;
    /** When they were written, in milliseconds since 1970, if the line says so. */
    readonly at: number | undefined;
    readonly count: number;
  };

const encoder = new TextEncoder();
const SEQ = encoder.encode('"seq":');
const DURABLE = encoder.encode('"durable":');
const APPLIED = encoder.encode('"applied":');
const AT = encoder.encode('"at":');
const DATA = encoder.encode('"data":');
const BATCH = encoder.encode('"batch":');
const END = 0x7d;
const COMMA = 0x2c;
const ARRAY = 0x5b;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A line of records as this code writes it. */
interface WrittenLine {
  readonly shape: Shape & { readonly kind: "records" };
  /** Where the line ends. */
  readonly end: number;
}

/**
 * The result of `parseLine` for a line that begins with the fixed prefix, without its newline, at a fraction of the
 * cost, and in no memory: records are walked over, and not parsed.
 */
export function shapeOf(line: Uint8Array): Shape | undefined {
  const written = writtenLine(line, 0);
  return written?.end === line.length
    ? written.shape
    : parsedShape(decoder.decode(line));
}

/**
 * The line of records that starts at `start` with the fixed prefix, if the rest
 * is as this code writes it; any other line may still be one that can be read.
 */
export function writtenLine(
  bytes: Uint8Array,
  start: number,
): WrittenLine | undefined {
  cursor = start + PREFIX_BYTES;
  if (!takes(bytes, SEQ)) return undefined;
  const seq = takeNumber(bytes);
  const durable = takes(bytes, DURABLE) ? takeNumber(bytes) : seq - 1;
  const applied = takes(bytes, APPLIED) ? takeNumber(bytes) : durable;
  const at = takes(bytes, AT) ? takeNumber(bytes) : undefined;
  if (Number.isNaN(seq + durable + applied + (at ?? 0))) return undefined;
  const isBatch = takes(bytes, BATCH);
  if (!isBatch && !takes(bytes, DATA)) return undefined;
  const isList = !isBatch || bytes[cursor] === ARRAY;
  const value = walkJson(bytes, cursor, isBatch ? MAX_DEPTH + 1 : MAX_DEPTH);
  if (value === undefined || bytes[value.end] !== END) return undefined;
  const count = isBatch ? value.items : 1;
  if (count === 0 || !isList) return undefined;
  const shape = { kind: "records", seq, durable, applied, at, count } as const;
  return { shape, end: value.end + 1 };
}

/** Where the next field of a line begins; nobody reads a line while another does. */
let cursor = 0;

/** Steps over `name`, if it stands at the cursor. */
function takes(bytes: Uint8Array, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    if (bytes[cursor + index] !== name[index]) return false;
  }
  cursor += name.length;
  return true;
}

/** Steps over a decimal number and the comma after it; `NaN` if there is none. */
function takeNumber(bytes: Uint8Array): number {
  const start = cursor;
  let value = 0;
  for (let digit; (digit = bytes[cursor]! - 0x30) >= 0 && digit <= 9;) {
    value = value * 10 + digit;
    cursor++;
  }
  const isPadded = bytes[start] === 0x30 && cursor > start + 1;
  const isNone = cursor === start || isPadded || !Number.isSafeInteger(value);
  return isNone || bytes[cursor++] !== COMMA ? NaN : value;
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

/** The number of the record that follows a line of this format, which ends in its newline. */
export function numberAfter(line: Uint8Array): number {
  const shape = shapeOf(line.subarray(0, -1))!;
  if (shape.kind === "records") return shape.seq + shape.count;
  return (shape.kind === "close" ? shape.seq : shape.base) + 1;
}

/** Why an intact line does not belong where record `next` does. */
export function strayReason(next: number): string {
  return `what follows record ${
    next - 1
  } is neither a close mark nor a record in the form that this package writes`;
}
