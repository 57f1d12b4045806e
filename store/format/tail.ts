import {
  FORMAT_VERSION,
  hasPrefix,
  HEADER_BYTES,
  isIntact,
  parseLine,
} from "./line.ts";
import { NEWLINE } from "../../base/bytes.ts";
import { shapeOf } from "./shape.ts";

/** The unit in which a disk writes, or loses, what was not synced. */
const SECTOR_BYTES = 512;

/** The verdict on the end of the newest segment, from its first bad or unfinished line on. */
export type Verdict =
  /** A whole record that lacks only its newline. */
  | { readonly kind: "whole"; readonly lineBytes: number }
  /** Bytes of a write that never became durable. */
  | { readonly kind: "torn"; readonly reason: string }
  /** Damage to what had been durable. */
  | { readonly kind: "corrupt"; readonly reason: string }
  /** A line beyond the limit that is not damaged. */
  | { readonly kind: "tooLarge"; readonly reason: string };

/** Where a tail stands. */
export interface TailPlace {
  /** Its offset in the file. */
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
  /** The number that the next record must have. */
  readonly next: number;
  /** The longest line that a reader takes. */
  readonly maxLineBytes: number;
}

/**
 * Tells a torn write from corruption. Pure, and the only place that decides to
 * cut.
 *
 * A torn write is what a power cut leaves of bytes that were not yet synced:
 * too few of them, or NULs where whole sectors are missing. Anything else, and
 * anything that a later line says had been durable, is corruption.
 */
export function judgeTail(tail: Uint8Array, place: TailPlace): Verdict {
  const end = tail.indexOf(NEWLINE);
  const line = end === -1 ? tail : tail.subarray(0, end);
  if (line.length > place.maxLineBytes && isIntact(line, place.chain)) {
    return tooLarge(line, place);
  }
  const proof = end === -1
    ? undefined
    : laterProof(tail.subarray(end + 1), place.next);
  if (proof !== undefined) return { kind: "corrupt", reason: proof };
  const nuls = nulRuns(tail, place.offset, line.length);
  if (nuls === "to the end") return judgeNulsToTheEnd(tail, place);
  if (nuls === "sectors") {
    return {
      kind: "torn",
      reason: "whole sectors of the last write are missing",
    };
  }
  if (end !== -1) {
    return {
      kind: "corrupt",
      reason: `record ${place.next} is complete but fails its checksum`,
    };
  }
  return judgeUnfinished(tail, place);
}

function judgeNulsToTheEnd(tail: Uint8Array, place: TailPlace): Verdict {
  const text = tail.subarray(0, lastNonNul(tail) + 1);
  if (text.length === 0 || !isIntact(text, place.chain)) {
    return { kind: "torn", reason: "the file ends in NULs" };
  }
  return text.length > place.maxLineBytes
    ? tooLarge(text, place)
    : { kind: "whole", lineBytes: text.length };
}

function tooLarge({ length }: Uint8Array, { next }: TailPlace): Verdict {
  return { kind: "tooLarge", reason: `record ${next} has ${length} bytes` };
}

/** A last line without a newline: whole, the beginning of one, or something that no write of ours begins with. */
function judgeUnfinished(line: Uint8Array, place: TailPlace): Verdict {
  if (isIntact(line, place.chain)) {
    return { kind: "whole", lineBytes: line.length };
  }
  if (isBeginningOfLine(line)) {
    return { kind: "torn", reason: "the last line is unfinished" };
  }
  return {
    kind: "corrupt",
    reason: "the last line has no newline and is not the beginning of a record",
  };
}

/**
 * Whether the bytes could be a line cut short: the fixed prefix so far as it
 * goes, and an object that is not closed yet. An object that *is* closed has
 * lost its newline to damage, not to a cut.
 */
function isBeginningOfLine(line: Uint8Array): boolean {
  if (!hasPrefix(line)) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < line.length; index++) {
    const byte = line[index];
    if (inString) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return false;
  }
  return true;
}

/** A later well-formed line's proof that record `next` had been durable, or `undefined`. */
function laterProof(lines: Uint8Array, next: number): string | undefined {
  let start = 0;
  for (let end; (end = lines.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
    // Most lines of what is no journal are short, and many.
    if (!hasPrefix(lines, start)) continue;
    const line = shapeOf(lines.subarray(start, end));
    if (line === undefined || line.kind === "header") continue;
    const durable = line.kind === "close" ? line.seq : line.durable;
    if (line.seq >= next && durable >= next) {
      return `record ${next} is damaged, and a later line says that it was durable`;
    }
    if (line.kind === "records" && line.seq === next) {
      return `a line between records ${next - 1} and ${next} is damaged`;
    }
  }
  return undefined;
}

/** Whether NULs stand in the first line as a power cut leaves them. `offset` is that of the line in the file. */
function nulRuns(
  tail: Uint8Array,
  offset: number,
  lineBytes: number,
): "to the end" | "sectors" | undefined {
  if (tail.length > 0 && tail[tail.length - 1] === 0) {
    if (lastNonNul(tail) < lineBytes) return "to the end";
  }
  let found: "sectors" | undefined;
  for (
    let start = 0;
    (start = tail.indexOf(0, start)) !== -1 && start < lineBytes;
  ) {
    let end = start;
    while (tail[end] === 0) end++;
    const startsWhereLost = start === 0 || isSectorEdge(offset + start);
    const endsWhereLost = end === tail.length || isSectorEdge(offset + end);
    if (!startsWhereLost || !endsWhereLost) return undefined;
    found = "sectors";
    start = end;
  }
  return found;
}

function isSectorEdge(offset: number): boolean {
  return offset % SECTOR_BYTES === 0;
}

function lastNonNul(bytes: Uint8Array): number {
  let index = bytes.length - 1;
  while (index >= 0 && bytes[index] === 0) index--;
  return index;
}

/** The verdict on a file that does not begin with an intact header of this version. */
export type HeaderVerdict =
  | "unfinished"
  | "corrupt"
  | "newer"
  | "not a journal";

/** Judges such a file by its start: all of it, or more than a header has. */
export function judgeHeader(start: Uint8Array): HeaderVerdict {
  const end = start.indexOf(NEWLINE);
  const text = new TextDecoder().decode(
    end === -1 ? start : start.subarray(0, end),
  );
  const line = parseLine(text);
  if (line?.kind === "header" && line.version !== FORMAT_VERSION) {
    return "newer";
  }
  const bytes = start.subarray(0, lastNonNul(start) + 1);
  if (end === -1 && start.length <= HEADER_BYTES) {
    const isPart = bytes.length === 0 || isBeginningOfLine(bytes);
    if (isPart || isIntact(bytes, 0)) return "unfinished";
  }
  const looksOurs = text.startsWith('{"crc":"') || start[0] === 0;
  return looksOurs ? "corrupt" : "not a journal";
}
