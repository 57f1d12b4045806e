import { NEWLINE } from "../../base/bytes.ts";
import { crc32, crc32Moved, crc32OfFew } from "../../base/checksum.ts";
import { MAX_DEPTH } from "../../base/json.ts";
import { levelsOf } from "../../base/walk.ts";

/**
 * The format of one line, and the only place that knows it.
 *
 * Every line starts `{"crc":"` + eight hex digits + `",`, so that what the
 * checksum covers starts at byte 18. The checksum is running: it covers every
 * byte of the segment before the line as well.
 */
export const PREFIX_BYTES = 18;

/** The version of the format that this code writes, and the newest it reads. */
export const FORMAT_VERSION = 1;

/** The most bytes a line has beside the JSON of its record or records. */
export const FRAME_BYTES = 128;

/** The most bytes a header has. */
export const HEADER_BYTES = 160;

const CRC_PLACEHOLDER = '{"crc":"00000000",';
const encoder = new TextEncoder();
const PREFIX = encoder.encode(CRC_PLACEHOLDER);
const CLOSE = encoder.encode('"close":');
const SEQ = '"seq":';
const DURABLE = '"durable":';
const APPLIED = '"applied":';
const AT = '"at":';
const VALUE = { data: '"data":', batch: '"batch":' };
const HEX_DIGITS = encoder.encode("0123456789abcdef");
/** The value of each byte as a lower-case hex digit; -1 for any other. */
const HEX_VALUES = Int8Array.from(
  { length: 256 },
  (_, byte) => HEX_DIGITS.indexOf(byte),
);
const CRC_START = 8;
const CRC_END = 16;

/** The first line of a segment. */
export interface Header {
  /** 128 random bits in hex, the same in every segment of a journal. */
  readonly journal: string;
  /** The sequence number before the segment's first record. */
  readonly base: number;
  /** The running checksum at the end of the segment before, in hex. */
  readonly prev: string;
}

/** One line, parsed. */
export type Line =
  | {
    readonly kind: "header";
    readonly version: number;
    readonly header: Header;
  }
  | {
    readonly kind: "records";
    /** The sequence number of the first of them. */
    readonly seq: number;
    /** The last record that was on stable storage when the line was written. */
    readonly durable: number;
    /** Up to where, by then, every record had been applied, or was on record as aborted. */
    readonly applied: number;
    /** When they were written, in milliseconds since 1970, if the line says so. */
    readonly at: number | undefined;
    readonly records: readonly unknown[];
  }
  | { readonly kind: "close"; readonly seq: number };

/** The content of one line of {@linkcode encodeLines}: one record, or a batch that is one atomic unit. */
export interface Unit {
  /** The JSON text of the record, or of the array of records. */
  readonly text: string;
  /** How many records; `undefined` for a record on its own. */
  readonly batch?: number | undefined;
  /** Up to where records are applied now, in a log whose records are applied to something. */
  readonly applied?: (() => number) | undefined;
  /** The time of the records; without it, that of the commit. */
  readonly at?: number | undefined;
  /** The message of the operation that appends it, if that is observed. */
  message?: object | undefined;
}

/** Bytes ready to be appended, and the running checksum after them. */
export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly chain: number;
}

/**
 * Encodes the units of a commit into lines. `durable` is the highest sequence
 * number on stable storage now, `now` the time of the commit, in a log with times.
 */
export function encodeLines(
  units: readonly Unit[],
  firstSeq: number,
  durable: number,
  chain: number,
  now?: number,
): Encoded {
  let text = "";
  const lengths: number[] = [];
  let seq = firstSeq;
  let last: number | undefined;
  for (const { text: json, batch, applied, at = now } of units) {
    const start = text.length;
    text += `${CRC_PLACEHOLDER}"seq":${seq},`;
    if (durable !== seq - 1) text += `"durable":${durable},`;
    const upTo = applied?.();
    if (upTo !== undefined && upTo !== durable) text += `"applied":${upTo},`;
    if (at !== undefined && at !== last) text += `"at":${last = at},`;
    text += batch === undefined ? `"data":${json}}\n` : `"batch":${json}}\n`;
    seq += batch ?? 1;
    lengths.push(text.length - start);
  }
  return seal(text, lengths, chain);
}

/** Encodes the mark of a clean end after record `seq`. */
export function encodeClose(seq: number, chain: number): Encoded {
  return sealLine(`${CRC_PLACEHOLDER}"close":${seq}}\n`, chain);
}

/** Encodes the first line of a segment. */
export function encodeHeader({ journal, base, prev }: Header): Encoded {
  return sealLine(
    `${CRC_PLACEHOLDER}"mini":${FORMAT_VERSION},"journal":"${journal}","base":${base},"prev":"${prev}"}\n`,
    0,
  );
}

/** Encodes the only line of a file of its own. */
export function encodeAlone(fields: object): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify(fields);
  return sealLine(`${CRC_PLACEHOLDER}${json.slice(1)}\n`, 0).bytes;
}

/** As {@linkcode hex}, into bytes. */
function writeHex(crc: number, into: Uint8Array, at: number): void {
  for (let shift = 28; shift >= 0; shift -= 4) {
    into[at++] = HEX_DIGITS[(crc >>> shift) & 0xf]!;
  }
}

function sealLine(line: string, chain: number): Encoded {
  return seal(line, [line.length], chain);
}

/** Up to here a second pass of the checksum takes less time than the tables that spare it, which are not in the cache. */
const FEW_BYTES = 2 * 1024;

/** Fills in the checksum of every line of `text`; `lengths` are those of the lines, in characters. */
function seal(
  text: string,
  lengths: readonly number[],
  chain: number,
): Encoded {
  const bytes = encoder.encode(text);
  const isFew = bytes.length <= FEW_BYTES;
  let start = 0;
  for (const length of lengths) {
    // A character has at least one byte, and most lines are ASCII.
    let end = start + length - 1;
    if (bytes[end] !== NEWLINE) end = bytes.indexOf(NEWLINE, end);
    const prefixEnd = start + PREFIX_BYTES;
    const body = bytes.subarray(prefixEnd, end);
    const crc = crc32(body, chain);
    writeHex(crc, bytes, start + CRC_START);
    if (isFew) {
      chain = crc32(bytes.subarray(start, end + 1), chain);
    } else {
      const prefixed = crc32OfFew(bytes, start, prefixEnd, chain);
      const moved = crc32Moved(crc, body, chain, prefixed);
      chain = crc32OfFew(bytes, end, end + 1, moved);
    }
    start = end + 1;
  }
  return { bytes, chain };
}

/** Where a line starts in its segment, and the running checksum there. */
export interface LineStart {
  readonly offset: number;
  readonly chain: number;
}

/** The end of lines that were verified. */
export interface Verified {
  /** The running checksum after them. */
  readonly chain: number;
  /** Where the last of them starts. */
  readonly lastStart: LineStart | undefined;
}

/**
 * Checks whole lines against the checksum running before them; `undefined` if
 * they do not match. Only the last line's own checksum is looked at: it vouches
 * for all.
 */
export function verifyLines(
  lines: Uint8Array,
  { offset, chain }: LineStart,
): Verified | undefined {
  const start = lines.lastIndexOf(NEWLINE, -2) + 1;
  const before = crc32(lines.subarray(0, start), chain);
  if (!isIntact(lines.subarray(start, -1), before)) return undefined;
  return {
    chain: crc32(lines.subarray(start), before),
    lastStart: { offset: offset + start, chain: before },
  };
}

/** The checksum written in the line at `start`; `undefined` where the fixed prefix is not there. */
function storedCrc(bytes: Uint8Array, start: number): number | undefined {
  // A line has something behind it.
  if (bytes.length - start <= PREFIX_BYTES) return undefined;
  if (!hasPrefix(bytes, start)) return undefined;
  let crc = 0;
  for (let index = CRC_START; index < CRC_END; index++) {
    crc = crc * 16 + HEX_VALUES[bytes[start + index]!]!;
  }
  return crc;
}

/** Whether the line at `start` is a mark of a clean end. */
function isMark(lines: Uint8Array, start: number): boolean {
  return CLOSE.every((byte, index) =>
    lines[start + PREFIX_BYTES + index] === byte
  );
}

/** Where the line starts that ends at `end`. */
export function lineStart(lines: Uint8Array, end: number): number {
  return lines.lastIndexOf(NEWLINE, end - 2) + 1;
}

/** Where the marks of a clean end start that follow the records: the next opening may cut them off. */
export function endOfRecords(lines: Uint8Array, end: number): number {
  while (end > 0) {
    const start = lineStart(lines, end);
    if (!isMark(lines, start)) break;
    end = start;
  }
  return end;
}

/** Whether the bytes at `start` are the fixed prefix of a line, so far as they go. */
export function hasPrefix(bytes: Uint8Array, start = 0): boolean {
  const length = Math.min(PREFIX_BYTES, bytes.length - start);
  for (let index = 0; index < length; index++) {
    const byte = bytes[start + index]!;
    const isCrc = index >= CRC_START && index < CRC_END;
    if (isCrc ? HEX_VALUES[byte]! < 0 : byte !== PREFIX[index]) return false;
  }
  return true;
}

/** Whether a line without its newline matches its checksum. */
export function isIntact(line: Uint8Array, chain: number): boolean {
  const stored = storedCrc(line, 0);
  return stored !== undefined &&
    stored === crc32(line.subarray(PREFIX_BYTES), chain);
}

/**
 * Parses a line without its newline; `undefined` if it is not one of ours, or
 * nests deeper than any that is written. The checksum is not looked at.
 */
export function parseLine(text: string): Line | undefined {
  if (!/^\{"crc":"[0-9a-f]{8}",/.test(text)) return undefined;
  const levels = levelsOf(text, MAX_DEPTH + 3);
  if (levels > MAX_DEPTH + 2) return undefined;
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if ("seq" in json) return parseRecords(json, levels);
  if ("close" in json) {
    return isNumber(json.close)
      ? { kind: "close", seq: json.close }
      : undefined;
  }
  return parseHeader(json);
}

/**
 * Where the JSON of record `seq` starts, or of the batch that begins with it,
 * which then ends before the last character of the line, if it is JSON;
 * `undefined` for every other line. If the line has a time, `timed` gets it.
 */
export function valueStart(
  text: string,
  seq: number,
  field: "data" | "batch",
  timed: { at: number | undefined },
): number | undefined {
  if (!text.startsWith(SEQ, PREFIX_BYTES)) return undefined;
  let at = afterNumber(text, PREFIX_BYTES + SEQ.length, seq);
  for (const name of [DURABLE, APPLIED]) {
    if (text.startsWith(name, at)) at = afterNumber(text, at + name.length);
  }
  if (text.startsWith(AT, at)) {
    const start = at + AT.length;
    at = afterNumber(text, start);
    timed.at = Number(text.slice(start, at - 1));
  }
  const isIt = text.startsWith(VALUE[field], at) && text.endsWith("}");
  return isIt ? at + VALUE[field].length : undefined;
}

/** Where a decimal number and the comma after it end; `NaN` if it is not `expected`. */
function afterNumber(text: string, start: number, expected?: number): number {
  let value = 0;
  let at = start;
  for (let digit; (digit = text.charCodeAt(at) - 0x30) >= 0 && digit <= 9;) {
    value = value * 10 + digit;
    at++;
  }
  const isOther = expected !== undefined && value !== expected;
  const isPadded = text[start] === "0" && at > start + 1;
  const isNone = at === start || !isNumber(value);
  return isOther || isPadded || isNone || text[at] !== "," ? NaN : at + 1;
}

function parseRecords(
  json: Record<string, unknown>,
  levels: number,
): Line | undefined {
  const { seq, batch, at } = json;
  if (!isNumber(seq) || at !== undefined && !isNumber(at)) return undefined;
  const { durable = seq - 1 } = json;
  const { applied = durable } = json;
  if (!isNumber(durable) || !isNumber(applied)) return undefined;
  if (batch === undefined && !("data" in json)) return undefined;
  const records = batch === undefined ? [json.data] : batch;
  if (!Array.isArray(records) || records.length === 0) return undefined;
  // A batch is one level more, and the line another.
  if (batch === undefined && levels > MAX_DEPTH + 1) return undefined;
  return { kind: "records", seq, durable, applied, at, records };
}

function parseHeader(json: Record<string, unknown>): Line | undefined {
  const { mini: version, journal, base, prev } = json;
  if (!isNumber(version)) return undefined;
  const known = typeof journal === "string" && isNumber(base) &&
    typeof prev === "string";
  // A newer version may have other fields; its number is all that is asked of it.
  if (!known && version === FORMAT_VERSION) return undefined;
  const header = known
    ? { journal, base, prev }
    : { journal: "", base: 0, prev: "" };
  return { kind: "header", version, header };
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The format of the journal that a writer has open. */
export interface WriteFormat {
  /** Encodes units into bytes to append. */
  encode(
    units: readonly Unit[],
    firstSeq: number,
    durable: number,
    chain: number,
    now: number | undefined,
  ): Encoded;
  /** Encodes the mark of a clean end. Left out by a format that has none. */
  encodeClose?(seq: number, chain: number): Encoded;
  /** Whether a batch can be one atomic unit, and the log be split into segments that carry their base. */
  readonly isNative: boolean;
}

/** The format of this package. */
export const nativeFormat: WriteFormat = {
  encode: encodeLines,
  encodeClose,
  isNative: true,
};
