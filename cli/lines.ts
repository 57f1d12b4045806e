import type { FileSystem } from "../store/fs.ts";
import { NEWLINE } from "../store/line.ts";
import { concat } from "../store/scan.ts";
import { readBlock } from "../store/block.ts";

/** A line of a file, whatever is in it. */
export interface RawLine {
  /** Without its newline; nothing where it is too long. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in the file it starts. */
  readonly offset: number;
  /** Its number, the first being 1 where reading starts at the beginning. */
  readonly line: number;
  readonly sizeBytes: number;
  readonly isTooLong: boolean;
  /** Whether it ends in a newline. */
  readonly isEnded: boolean;
}

/** Reads a file by lines, some at a time, in memory bounded by the longest. */
export async function* rawLines(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): AsyncGenerator<RawLine[], void, undefined> {
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

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that the next bytes of the file complete. */
  push(block: Uint8Array<ArrayBuffer>): RawLine[] {
    const lines: RawLine[] = [];
    let start = 0;
    for (let end; (end = block.indexOf(NEWLINE, start)) !== -1;) {
      this.#take(block.subarray(start, end));
      lines.push(this.#cut(true));
      start = end + 1;
    }
    this.#take(block.subarray(start));
    return lines;
  }

  /** What the file ends with, where that is no newline. */
  end(): RawLine[] {
    return this.#size === 0 ? [] : [this.#cut(false)];
  }

  #take(part: Uint8Array<ArrayBuffer>): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #cut(isEnded: boolean): RawLine {
    const [only, ...others] = this.#parts;
    const line = {
      bytes: only !== undefined && others.length === 0
        ? only
        : concat(...this.#parts),
      offset: this.#offset,
      line: this.#line++,
      sizeBytes: this.#size,
      isTooLong: this.#size > this.#maxBytes,
      isEnded,
    };
    this.#offset += this.#size + 1;
    this.#parts = [];
    this.#size = 0;
    return line;
  }
}
