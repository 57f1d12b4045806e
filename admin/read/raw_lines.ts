import type { FileSystem } from "../../fs/file_system.ts";
import { NEWLINE } from "../../base/bytes.ts";
import { concat } from "../../base/bytes.ts";
import { readBlock } from "../../fs/blocks.ts";

/** A line of a file, whatever is in it; blank lines that follow each other are one. */
export interface RawLine {
  /** Without its newline; empty if it is too long. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in the file it starts. */
  readonly offset: number;
  /** Its number, the first being 1 where reading starts at the beginning. */
  readonly line: number;
  /** The number of lines: more than one only if they are blank. */
  readonly lines: number;
  /** Without the last newline. */
  readonly sizeBytes: number;
  readonly isTooLong: boolean;
  /** Whether it ends in a newline. */
  readonly isEnded: boolean;
  /** Whether it is what the disk cannot read, with what stands before that on its line. */
  readonly isUnreadable: boolean;
  /** Whether it begins in such bytes, as far as is known. */
  readonly isRest: boolean;
}

/** Reads a file by lines, some at a time, to be taken before the next; in memory bounded by the longest. */
export async function* rawLines(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): AsyncGenerator<Iterable<RawLine>, void, undefined> {
  const file = await fs.open(path, "read");
  const cutter = new LineCutter(maxBytes);
  try {
    for (;;) {
      const block = await readBlock(file);
      if (block.length === 0) break;
      yield cutter.push(block);
    }
    yield cutter.end();
  } finally {
    await file.close();
  }
}

/** Cuts blocks into lines. Pure. */
export class LineCutter {
  readonly #maxBytes: number;
  /** Parts of a line that has not ended yet. */
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #offset = 0;
  #line = 1;
  #isUnreadable = false;
  #isRest = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that the next bytes of the file complete. */
  *push(block: Uint8Array<ArrayBuffer>): Generator<RawLine, void, undefined> {
    if (this.#isUnreadable) yield this.#cut(false, 1);
    let start = 0;
    for (let end; (end = block.indexOf(NEWLINE, start)) !== -1;) {
      let after = end + 1;
      if (this.#size + end - start === 0) {
        while (block[after] === NEWLINE) after++;
      } else this.#take(block.subarray(start, end));
      yield this.#cut(true, after - end);
      start = after;
    }
    this.#take(block.subarray(start));
  }

  /** Leaves out bytes that cannot be read. The line that they are in ends with them. */
  skip(sizeBytes: number): void {
    this.#isUnreadable = true;
    this.#parts = [];
    this.#size += sizeBytes;
  }

  /** The end of the file, if it has no newline. */
  end(): RawLine[] {
    return this.#size === 0 ? [] : [this.#cut(false, 1)];
  }

  #take(part: Uint8Array<ArrayBuffer>): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #cut(isEnded: boolean, lines: number): RawLine {
    const [only = NOTHING, ...others] = this.#parts;
    const raw = {
      bytes: others.length === 0 ? only : concat(only, ...others),
      offset: this.#offset,
      line: this.#line,
      lines,
      sizeBytes: this.#size + lines - 1,
      isTooLong: this.#size > this.#maxBytes && !this.#isUnreadable,
      isEnded,
      isUnreadable: this.#isUnreadable,
      isRest: this.#isRest,
    };
    this.#offset += this.#size + (this.#isUnreadable ? 0 : lines);
    this.#line += lines;
    this.#isRest = this.#isUnreadable;
    this.#isUnreadable = false;
    if (this.#size > 0) this.#parts = [];
    this.#size = 0;
    return raw;
  }
}

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);
