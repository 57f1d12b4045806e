import { Joiner } from "../../base/bytes.ts";
import { isUtf8 } from "node:buffer";
import {
  FRAME_BYTES,
  hasPrefix,
  HEADER_BYTES,
  type LineStart,
  type Verified,
  verifyLines,
} from "./line.ts";
import { NEWLINE } from "../../base/bytes.ts";
import { type Shape, shapeOf, strayReason, writtenLine } from "./shape.ts";

const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Takes the bytes of a segment in order and hands back the whole lines of it
 * that it has verified. Pure: no file, no clock.
 */
export interface Scanner {
  /**
   * Takes the next bytes and returns the verified lines that they complete,
   * oldest first. The lines of the call before are overwritten. A broken scanner
   * takes no more.
   */
  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /** Continues with the bytes after verified lines, which end at `offset`. */
  restart(offset: number, chain: number): void;
  /** How many bytes have been verified; the next line starts here. */
  readonly offset: number;
  /** The running checksum at `offset`. */
  readonly chain: number;
  /** Where the last verified line starts, and the running checksum there, in a format that has one. */
  readonly lastStart?: LineStart | undefined;
  /** The bytes that are read and not verified: an unfinished line, or those from the first bad line on. */
  readonly rest: Uint8Array<ArrayBuffer>;
  /** A bad line starts at `offset`: nothing after it can be verified. */
  readonly isBroken: boolean;
}

/** Verifies the running checksum, a block at a time, and line by line only where a block disagrees. */
export class ChainScanner implements Scanner {
  readonly #maxLineBytes: number;
  offset = 0;
  chain = 0;
  lastStart: LineStart | undefined;
  rest: Uint8Array<ArrayBuffer> = EMPTY;
  isBroken = false;
  readonly #joiner = new Joiner();

  constructor(maxRecordBytes: number) {
    this.#maxLineBytes = maxRecordBytes + FRAME_BYTES;
  }

  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const newline = block.lastIndexOf(NEWLINE);
    const end = newline === -1 ? 0 : this.rest.length + newline + 1;
    const bytes = this.#joiner.join(this.rest, block);
    this.rest = bytes;
    // No line of a block is longer than the block.
    if (bytes.length <= this.#maxLineBytes) {
      if (end === 0) return bytes.subarray(0, 0);
      const { offset, chain } = this;
      const found = verifyLines(bytes.subarray(0, end), { offset, chain });
      if (found !== undefined) return this.#accept(end, found);
    }
    return this.#pushByLine(bytes, end);
  }

  restart(offset: number, chain: number): void {
    this.offset = offset;
    this.chain = chain;
    this.lastStart = undefined;
    this.rest = EMPTY;
    this.isBroken = false;
  }

  #pushByLine(bytes: Uint8Array, end: number): Uint8Array<ArrayBuffer> {
    let found: Verified = { chain: this.chain, lastStart: this.lastStart };
    let good = 0;
    while (good < end) {
      const next = bytes.indexOf(NEWLINE, good) + 1;
      if (next - 1 - good > this.#limitAt(good)) break;
      const start = { offset: this.offset + good, chain: found.chain };
      const after = verifyLines(bytes.subarray(good, next), start);
      if (after === undefined) break;
      found = after;
      good = next;
    }
    this.isBroken = good < end || bytes.length - end > this.#limitAt(end);
    return this.#accept(good, found);
  }

  /** The longest line that may start `ahead` bytes after `offset`. A header is not a record, and has a length of its own. */
  #limitAt(ahead: number): number {
    const isHeader = this.offset + ahead === 0;
    return isHeader
      ? Math.max(HEADER_BYTES, this.#maxLineBytes)
      : this.#maxLineBytes;
  }

  #accept(
    bytes: number,
    { chain, lastStart }: Verified,
  ): Uint8Array<ArrayBuffer> {
    const accepted = this.rest.subarray(0, bytes);
    this.rest = this.rest.subarray(bytes);
    this.offset += bytes;
    this.chain = chain;
    this.lastStart = lastStart;
    return accepted;
  }
}

/** An intact line that no writer of this format writes there. */
export interface Stray {
  /** Where it starts in the lines. */
  readonly at: number;
  readonly reason: string;
}

/**
 * Follows the sequence numbers through verified lines, and refuses what a reader
 * of the records would, without parsing them, which would cost as much as
 * replaying them.
 */
export class SequenceCheck {
  /** The number that the next record must have. */
  next: number;
  /** The number of marks of a clean end that the lines so far end with. */
  marks = 0;
  /** Up to where the lines so far say that records had been applied. */
  applied = 0;
  /** The last time that the lines so far say; `undefined` if they say none. */
  at: number | undefined;

  constructor(base: number) {
    this.next = base + 1;
  }

  /** Takes complete lines after the segment's header; gives the first that does not belong there. */
  push(lines: Uint8Array): Stray | undefined {
    const isText = isUtf8(lines);
    for (let at = 0; at < lines.length;) {
      // Almost every line is one, which tells its own end.
      const written = isText && hasPrefix(lines, at)
        ? writtenLine(lines, at)
        : undefined;
      const isWritten = written !== undefined && lines[written.end] === NEWLINE;
      const end = isWritten ? written.end : lines.indexOf(NEWLINE, at);
      const reason = isWritten
        ? this.#take(written.shape)
        : this.#takeLine(lines.subarray(at, end), isText);
      if (reason !== undefined) return { at, reason };
      at = end + 1;
    }
    return undefined;
  }

  #takeLine(line: Uint8Array, isText: boolean): string | undefined {
    return isText || isUtf8(line)
      ? this.#take(shapeOf(line))
      : "it is not UTF-8";
  }

  /** Takes a line, or says why not. */
  #take(shape: Shape | undefined): string | undefined {
    if (shape === undefined || shape.kind === "header") {
      return strayReason(this.next);
    }
    const isMark = shape.kind === "close";
    if (shape.seq !== (isMark ? this.next - 1 : this.next)) {
      return `the number of a line does not follow record ${this.next - 1}`;
    }
    this.marks = isMark ? this.marks + 1 : 0;
    this.applied = Math.max(this.applied, isMark ? shape.seq : shape.applied);
    if (isMark) return undefined;
    this.next += shape.count;
    this.at = shape.at ?? this.at;
    return undefined;
  }
}
