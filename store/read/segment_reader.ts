import { onAbort } from "../../base/abort.ts";
import { concat, NEWLINE } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum.ts";
import type { MiniError } from "../../base/errors.ts";
import { BlockReader, readBlock } from "../../fs/blocks.ts";
import type { FileHandle } from "../../fs/file_system.ts";
import { corrupt } from "../corruption.ts";
import { type Header, type LineStart, lineStart } from "../format/line.ts";
import type { LineParser } from "../format/records.ts";
import type { Scanner } from "../format/scanner.ts";

/** The end of a log as the writer in this process knows it. */
export interface CommittedEnd {
  /** The number of the last record. */
  readonly sequence: number;
  /** The base of the segment that is being written. */
  readonly base: number;
  /** How many bytes of the segment are acknowledged; `Infinity` for a sealed one. */
  limitOf(base: number): number;
  /** Resolves when there is more to read, or never will be. */
  readonly changed: Promise<void>;
  /** Whether no more records will come. */
  readonly isEnded: boolean;
  /** Why none will come, if the log was not closed. */
  readonly failure: MiniError | undefined;
}

/** Verified lines of a segment. */
export interface VerifiedBlock {
  /** Each with its newline. The next block overwrites them. */
  readonly lines: Uint8Array<ArrayBuffer>;
  /** Where in the file they start. */
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
}

/** The beginning of a line, by which a reader knows it again: it holds the checksum of everything up to its end. */
export interface LineMark {
  /** Where the line starts in its segment. */
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The number of bytes of a line that are compared. */
const MARK_BYTES = 64;

/** Marks a line that starts at `start`. */
export function markOf(line: Uint8Array, start: number): LineMark {
  return { start, bytes: line.slice(0, MARK_BYTES) as Uint8Array<ArrayBuffer> };
}

/** A place between two verified lines. */
export interface LinePlace {
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
  /** The line before it. */
  readonly mark: LineMark;
}

/** A segment that is open for reading its records. */
export interface OpenSegment {
  readonly reader: SegmentReader;
  /** Its base, or how many segments of a Rust journal are before it. */
  readonly key: number;
  readonly header: Header;
  readonly isActive: boolean;
  /** Makes records of its lines. */
  readonly lines: LineParser;
  /**
   * Judges what the reader could not verify: gives a last line that lacks only
   * its newline, or nothing. Throws for damage, and for anything unfinished that
   * is acknowledged or sealed.
   *
   * @param next The number of the next record. @default {as the last line tells}
   */
  judgeEnd(
    role: SegmentRole,
    next?: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** The role of a segment: only an active one may end with an unfinished write. */
export type SegmentRole = "active" | "sealed" | "acknowledged";

/** How a segment is read. */
interface SegmentFormat {
  readonly scanner: Scanner;
  /** How many bytes may be read when the segment is opened. */
  readonly limit?: number;
  /**
   * The header in the first line, or `undefined` if its write was never finished.
   * Without a verified line, `line` is empty, and `rest` is what was read.
   */
  headerOf(line: Uint8Array, rest: Uint8Array): Header | undefined;
}

/** Reads a segment from its start: its header, blocks of verified lines, then whatever follows them. */
export class SegmentReader {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #blocks: BlockReader;
  readonly #scanner: Scanner;
  /** How many bytes may be read; `Infinity` without a writer in this process, and for a sealed segment, which stays sealed. */
  #limit: number;
  /** How many bytes were read. */
  #taken = 0;
  #header: Header | undefined;
  /** The place after the header. */
  #start: LinePlace | undefined;
  /** The lines that were verified together with the header. */
  #first: VerifiedBlock | undefined;
  /** The last line that was read and verified, with its newline; empty if there is none. */
  lastLine: Uint8Array<ArrayBuffer> = concat();
  #lastMark: LineMark | undefined;

  private constructor(
    path: string,
    file: FileHandle,
    { scanner, limit = Infinity }: SegmentFormat,
  ) {
    this.path = path;
    this.#limit = limit;
    this.#file = file;
    this.#blocks = new BlockReader(file);
    this.#scanner = scanner;
  }

  /** Reads the header of a file that was just opened. Closes the file if that throws. */
  static async at(
    path: string,
    file: FileHandle,
    format: SegmentFormat,
  ): Promise<SegmentReader> {
    const reader = new SegmentReader(path, file, format);
    return await reader.orClose(async () => {
      const { lines, offset } = await reader.#firstLines();
      const end = lines.indexOf(NEWLINE) + 1;
      const { rest } = format.scanner;
      const line = lines.subarray(0, end);
      reader.#header = format.headerOf(line, rest);
      const chain = crc32(line);
      reader.#start = { offset: end, chain, mark: markOf(line, 0) };
      reader.#first = {
        lines: lines.subarray(end),
        offset: offset + end,
        chain,
      };
      return reader;
    });
  }

  /** Does something with a file that was just opened. Closes the file if that throws. */
  async orClose<R>(act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #firstLines(): Promise<VerifiedBlock> {
    for (;;) {
      const block = await this.#next();
      if (block === undefined || this.#scanner.isBroken) {
        return block ?? { lines: concat(), offset: 0, chain: 0 };
      }
      if (block.lines.length > 0) return block;
    }
  }

  /** The header; `undefined` if its write was never finished. */
  get header(): Header | undefined {
    return this.#header;
  }

  /** How many bytes are verified lines. */
  get offset(): number {
    return this.#scanner.offset;
  }

  /** The running checksum at `offset`. */
  get chain(): number {
    return this.#scanner.chain;
  }

  /** The place after the header. */
  get start(): LinePlace {
    return this.#start!;
  }

  /** Whether nothing was read but the header, and what was verified with it. */
  get isAtStart(): boolean {
    return this.#first !== undefined;
  }

  /** The last verified line. */
  get lastMark(): LineMark {
    return this.#lastMark ??= markOf(
      this.lastLine,
      this.offset - this.lastLine.length,
    );
  }

  /** Where the last verified line starts, and the running checksum there. */
  get lastStart(): LineStart | undefined {
    return this.#scanner.lastStart;
  }

  /**
   * The lines after the header, up to the first that is damaged or unfinished;
   * with `committed`, as far as they are acknowledged, and those to come.
   */
  async *blocks(
    committed?: CommittedEnd,
    stopper?: Stopper,
  ): AsyncGenerator<VerifiedBlock, void, undefined> {
    const { base } = this.#header!;
    while (!stopper?.isStopped) {
      // Both are asked for before the limit, so that no change goes unseen.
      const changed = committed?.changed;
      const isEnded = committed?.isEnded;
      if (this.#limit !== Infinity) this.#limit = committed!.limitOf(base);
      const block = await this.read();
      if (block !== undefined) {
        yield block;
        continue;
      }
      if (this.isBroken) return;
      if (isEnded && committed?.failure) throw committed.failure;
      if (this.#limit === Infinity || isEnded) return;
      if (this.#taken < this.#limit) {
        const reason = "the file ends before the last acknowledged record";
        throw corrupt(this.path, { offset: this.#taken, reason });
      }
      // What is acknowledged ends with a newline: the rest of it is damage.
      if (this.hasRest) return;
      await stopper!.wait(changed!);
    }
  }

  /** Reads on: the verified lines that come next; `undefined` if there are none as the file is now. */
  async read(): Promise<VerifiedBlock | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && first.lines.length > 0) return first;
    while (!this.isBroken) {
      const block = await this.#next();
      if (block === undefined || block.lines.length > 0) return block;
    }
    return undefined;
  }

  /** Reads on from a place that was verified, in this file or in one that is equal up to there. */
  async resume({ offset, chain, mark }: LinePlace): Promise<void> {
    this.#first = undefined;
    this.#lastMark = mark;
    this.#taken = offset;
    this.#scanner.restart(offset, chain);
    await this.#file.seek(offset);
  }

  /** The place after the last verified line. */
  get end(): LinePlace {
    const { offset, chain, lastMark: mark } = this;
    return { offset, chain, mark };
  }

  /** The place after the first `end` bytes of the lines that were read last, where one of them ends. */
  placeIn({ lines, offset, chain }: VerifiedBlock, end: number): LinePlace {
    const start = lineStart(lines, end);
    return {
      offset: offset + end,
      chain: end === lines.length
        ? this.chain
        : crc32(lines.subarray(0, end), chain),
      mark: markOf(lines.subarray(start, end), offset + start),
    };
  }

  /** Whether the line before a place is in the file as it is now. Opening keeps one that lacks only its newline. */
  async holds({ offset, mark: { start, bytes } }: LinePlace): Promise<boolean> {
    const { sizeBytes } = await this.#file.stat();
    if (sizeBytes < offset - 1) return false;
    const found = new Uint8Array(Math.min(bytes.length, sizeBytes - start));
    await this.#file.seek(start);
    for (let done = 0; done < found.length;) {
      const count = await this.#file.read(found.subarray(done));
      // It was cut since.
      if (count === 0) break;
      done += count;
    }
    await this.#file.seek(this.#taken);
    return found.every((byte, index) =>
      byte === bytes[index] || byte === 0 && bytes[index] === NEWLINE
    );
  }

  /** Identifies the file. */
  async identity(): Promise<string> {
    return (await this.#file.stat()).identity;
  }

  /** Reads up to the limit; `undefined` if there is nothing to read. */
  async #next(): Promise<VerifiedBlock | undefined> {
    if (this.#taken >= this.#limit) return undefined;
    const block = await this.#blocks.next(this.#limit - this.#taken);
    if (block.length === 0) return undefined;
    this.#taken += block.length;
    const { offset, chain } = this.#scanner;
    const lines = this.#scanner.push(block);
    if (lines.length > 0) {
      this.lastLine = lines.slice(lines.lastIndexOf(NEWLINE, -2) + 1);
      this.#lastMark = undefined;
    }
    return { lines, offset, chain };
  }

  /** Whether a line after the verified ones is damaged. */
  get isBroken(): boolean {
    return this.#scanner.isBroken;
  }

  /** Whether any byte that was read follows the verified lines. */
  get hasRest(): boolean {
    return this.#scanner.rest.length > 0;
  }

  /** The bytes that follow the verified lines. */
  async rest(): Promise<Uint8Array<ArrayBuffer>> {
    const { isBroken, rest } = this.#scanner;
    if (!isBroken) return rest;
    // A broken scanner takes no more.
    const parts: Uint8Array[] = [rest];
    for (;;) {
      const block = await readBlock(this.#file);
      if (block.length === 0) return concat(...parts);
      parts.push(block);
    }
  }

  /** Frees the file. It was only read, so that a failure loses nothing, and must not hide why the reading has ended. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}

/** Ends a wait for more of the log. */
export class Stopper {
  isStopped = false;
  #wake = () => {};

  readonly #letGo: () => void;

  constructor(signal: AbortSignal | undefined) {
    this.#letGo = onAbort(signal, () => this.#stop());
    // It may have fired while the segment was opened.
    if (signal?.aborted) this.#stop();
  }

  #stop(): void {
    this.isStopped = true;
    this.#wake();
  }

  /** Stops, and lets go of the signal. */
  end(): void {
    this.#letGo();
    this.#stop();
  }

  /**
   * Resolves when `changed` does, or when stopped. A race with one promise that
   * lasts as long as the reader would leave something behind at every wait.
   */
  async wait(changed: Promise<void>): Promise<void> {
    // It may have been stopped since that was last asked.
    if (this.isStopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      changed.then(resolve);
    });
  }
}
