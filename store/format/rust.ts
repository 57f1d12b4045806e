import { Joiner, NEWLINE, withNewline } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { keepInteger, MAX_DEPTH } from "../../base/json.ts";
import { parseJson } from "../../base/walk.ts";
import { HEADER_BYTES, type WriteFormat } from "./line.ts";
import type { LineParser, Refuse } from "./records.ts";
import type { Scanner } from "./scanner.ts";

/**
 * Journals of the Rust crate `ministore`: a comment line, then one bare JSON
 * record a line. A record's number is its place; there is no checksum, no batch
 * and no mark of a clean end.
 */
const HEADER = /^\/\/ MINISTORE JOURNAL v\d+\.\d+\.\d\S*$/;
export const RUST_HEADER_START = "// MINISTORE JOURNAL v";

/** Appends as the Rust program does, so that it can continue the journal. */
export const rustFormat: WriteFormat = {
  encode(units, _firstSeq, _durable, chain) {
    const text = units.map((unit) => `${unit.text}\n`).join("");
    return { bytes: new TextEncoder().encode(text), chain };
  },
  isNative: false,
};

/** Whether the first line of a segment is its header. */
export function isRustHeader(line: Uint8Array): boolean {
  const text = decoded(line.subarray(0, -1));
  return text !== undefined && HEADER.test(text);
}

/** Cuts a Rust journal into complete lines, which carry nothing to verify them by. */
export class RustScanner implements Scanner {
  readonly #maxRecordBytes: number;
  readonly chain = 0;
  offset = 0;
  rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  isBroken = false;
  readonly #joiner = new Joiner();

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  push(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const seen = this.rest.length;
    const bytes = this.#joiner.join(this.rest, block);
    const end = this.#endOfLines(bytes, seen);
    this.rest = bytes.subarray(end);
    this.offset += end;
    return bytes.subarray(0, end);
  }

  restart(offset: number): void {
    this.offset = offset;
    this.rest = new Uint8Array(0);
    this.isBroken = false;
  }

  /** Where the complete lines end, or the first line over the limit starts; no line ends in the `seen` bytes. A header has a limit of its own. */
  #endOfLines(bytes: Uint8Array, seen: number): number {
    for (let start = 0;;) {
      const newline = bytes.indexOf(NEWLINE, Math.max(start, seen));
      const end = newline === -1 ? bytes.length : newline;
      const isHeader = this.offset + start === 0;
      this.isBroken = end - start >
        Math.max(this.#maxRecordBytes, isHeader ? HEADER_BYTES : 0);
      if (newline === -1 || this.isBroken) return start;
      start = newline + 1;
    }
  }
}

/** Parses the lines of one segment, its header not among them. */
export class RustLines implements LineParser {
  readonly #refuse: Refuse;
  #line = 1;
  next: number;
  /** The format has no times. */
  readonly at = undefined;

  constructor(base: number, refuse: Refuse) {
    this.#refuse = refuse;
    this.next = base + 1;
  }

  moveTo(next: number): void {
    this.next = next;
    this.#line = NaN;
  }

  parse(text: string): readonly unknown[] {
    this.#line++;
    const record = this.#parsed(text);
    this.next++;
    return [record];
  }

  #parsed(text: string): unknown {
    try {
      return parseJson(text, MAX_DEPTH, keepInteger);
    } catch (cause) {
      if (cause instanceof MiniError) throw cause;
      const reason = "the line is not JSON, or is nested too deeply";
      const line = this.#line;
      throw this.#refuse({ ...(line && { line }), reason });
    }
  }
}

/**
 * A last line that lacks only its newline, with one. A bare number does not
 * count: what is left of `123` may be `12`.
 */
export function wholeLine(
  rest: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  let end = rest.length;
  while (end > 0 && rest[end - 1] === 0) end--;
  const text = decoded(rest.subarray(0, end));
  if (text === undefined) return undefined;
  try {
    const value = parseJson(text, MAX_DEPTH, keepInteger);
    if (typeof value === "number") return undefined;
  } catch (cause) {
    if (cause instanceof MiniError) throw cause;
    return undefined;
  }
  return withNewline(rest.subarray(0, end));
}

/** The text of bytes, if they are UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
