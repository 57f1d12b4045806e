import {
  FRAME_BYTES,
  HEADER_BYTES,
  NEWLINE,
  parseLine,
  PREFIX_BYTES,
  verifyLines,
} from "./line.ts";

const encoder = new TextEncoder();
const SEQ = encoder.encode('"seq":');
const CLOSE = encoder.encode('"close":');
const DURABLE = encoder.encode('"durable":');
const APPLIED = encoder.encode('"applied":');
const BATCH = encoder.encode('"batch":');
const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Takes the bytes of a segment in order and hands back the whole lines of it
 * that it has verified. Pure: no file, no clock.
 */
export interface Scanner {
  /**
   * Takes the next bytes and returns the verified lines that they complete,
   * oldest first. What it has given before is not to be used any more. Not to be
   * called once it is broken.
   */
  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /** How many bytes have been verified; the next line starts here. */
  readonly offset: number;
  /** The running checksum at `offset`. */
  readonly chain: number;
  /** What has been taken in and not verified: an unfinished line, or from the first bad line on. */
  readonly rest: Uint8Array<ArrayBuffer>;
  /** A bad line starts at `offset`: nothing after it can be verified. */
  readonly isBroken: boolean;
}

/** Verifies the running checksum, a block at a time, and line by line only where a block disagrees. */
export class ChainScanner implements Scanner {
  readonly #maxLineBytes: number;
  offset = 0;
  chain = 0;
  rest: Uint8Array<ArrayBuffer> = EMPTY;
  isBroken = false;
  readonly #joiner = new Joiner();

  constructor(maxRecordBytes: number) {
    this.#maxLineBytes = maxRecordBytes + FRAME_BYTES;
  }

  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const bytes = this.#joiner.join(this.rest, block);
    this.rest = bytes;
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    // A block that is shorter than the longest line has no line that is too long.
    if (bytes.length <= this.#maxLineBytes) {
      const lines = bytes.subarray(0, end);
      const chain = end === 0 ? this.chain : verifyLines(lines, this.chain);
      if (chain !== undefined) return this.#accept(end, chain);
    }
    return this.#pushByLine(bytes, end);
  }

  #pushByLine(bytes: Uint8Array, end: number): Uint8Array<ArrayBuffer> {
    let { chain } = this;
    let good = 0;
    while (good < end) {
      const next = bytes.indexOf(NEWLINE, good) + 1;
      if (next - 1 - good > this.#limitAt(good)) break;
      const after = verifyLines(bytes.subarray(good, next), chain);
      if (after === undefined) break;
      chain = after;
      good = next;
    }
    this.isBroken = good < end || bytes.length - end > this.#limitAt(end);
    return this.#accept(good, chain);
  }

  /** The longest line that may start so many bytes after `offset`. A header is not a record, and has a length of its own. */
  #limitAt(ahead: number): number {
    const isHeader = this.offset + ahead === 0;
    return isHeader
      ? Math.max(HEADER_BYTES, this.#maxLineBytes)
      : this.#maxLineBytes;
  }

  #accept(bytes: number, chain: number): Uint8Array<ArrayBuffer> {
    const accepted = this.rest.subarray(0, bytes);
    this.rest = this.rest.subarray(bytes);
    this.offset += bytes;
    this.chain = chain;
    return accepted;
  }
}

/** Puts what is left of one block before the next, in the same memory again and again. */
export class Joiner {
  #memory = EMPTY;

  /** One array from both; what was given before is not to be used any more. */
  join(rest: Uint8Array, block: Uint8Array): Uint8Array<ArrayBuffer> {
    const length = rest.length + block.length;
    const memory = length <= this.#memory.length
      ? this.#memory
      : new Uint8Array(Math.max(length, 2 * this.#memory.length));
    memory.set(rest);
    memory.set(block, rest.length);
    this.#memory = memory;
    return memory.subarray(0, length);
  }
}

/** One array from several. */
export function concat(
  ...parts: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Follows the sequence numbers through verified lines without parsing the
 * records, which would cost as much as replaying them.
 */
export class NumberWalk {
  /** The number that the next record must have. */
  next: number;
  /** How many marks of a clean end the last lines so far are. */
  marks = 0;
  /** Up to where the lines so far say that records had been applied. */
  applied = 0;

  constructor(base: number) {
    this.next = base + 1;
  }

  /**
   * Takes whole lines, the segment's header not among them.
   *
   * @returns The offset in `lines` of a line that does not follow on, or `undefined`.
   */
  push(lines: Uint8Array): number | undefined {
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(NEWLINE, start);
      const count = this.#records(lines, start, end);
      if (count === undefined) return start;
      this.next += count;
      this.marks = count === 0 ? this.marks + 1 : 0;
      start = end + 1;
    }
    return undefined;
  }

  /** How many records the line holds, 0 for a close mark; `undefined` where its number does not follow on. */
  #records(lines: Uint8Array, start: number, end: number): number | undefined {
    const at = start + PREFIX_BYTES;
    if (startsWith(lines, at, CLOSE)) {
      const mark = numberAt(lines, at + CLOSE.length);
      if (mark.value !== this.next - 1) return undefined;
      this.applied = Math.max(this.applied, mark.value);
      return 0;
    }
    if (!startsWith(lines, at, SEQ)) return undefined;
    const seq = numberAt(lines, at + SEQ.length);
    if (seq.value !== this.next) return undefined;
    let field = seq.end + 1;
    let applied = seq.value - 1;
    for (const name of [DURABLE, APPLIED]) {
      if (!startsWith(lines, field, name)) continue;
      const { value, end } = numberAt(lines, field + name.length);
      applied = value;
      field = end + 1;
    }
    this.applied = Math.max(this.applied, applied);
    if (!startsWith(lines, field, BATCH)) return 1;
    const line = parseLine(
      new TextDecoder().decode(lines.subarray(start, end)),
    );
    return line?.kind === "records" ? line.records.length : undefined;
  }
}

function startsWith(bytes: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let index = 0; index < what.length; index++) {
    if (bytes[at + index] !== what[index]) return false;
  }
  return true;
}

/** The decimal number at `at`, and where it ends. */
function numberAt(
  bytes: Uint8Array,
  at: number,
): { value: number; end: number } {
  let value = 0;
  let end = at;
  for (;; end++) {
    const digit = bytes[end]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) return { value, end };
    value = value * 10 + digit;
  }
}
