import type { MiniError } from "./errors.ts";
import { isTooDeep } from "./json.ts";
import { dataStart, parseLine } from "./line.ts";
import { corrupt } from "./segment.ts";

/** One record, and its place in the log. */
export interface StoreRecord<T> {
  /** Its sequence number: from 1, without gaps. */
  readonly seq: number;
  /** What was appended. */
  readonly data: T;
}

/** Turns the lines of one segment into records. */
export interface LineParser {
  /** The number of the next record. */
  readonly next: number;
  /** The records of the next line; those below `from` may be left out. */
  parse(line: string, from: number): readonly unknown[];
}

const NONE: readonly unknown[] = [];

/** Parses the lines of this package's own format, whose checksums have been verified. */
export class NativeLines implements LineParser {
  readonly #path: string;
  #line = 0;
  next: number;

  constructor(path: string, base: number) {
    this.#path = path;
    this.next = base + 1;
  }

  parse(text: string, from: number): readonly unknown[] {
    this.#line++;
    const start = dataStart(text, this.next);
    if (start !== undefined && this.next < from) {
      this.next++;
      return NONE;
    }
    const records = this.#parseAlone(text, start) ?? this.#parseAny(text);
    if (isTooDeep(records, text.length)) {
      throw this.#corrupt(
        "the record is nested deeper than any that is written",
      );
    }
    this.next += records.length;
    return records;
  }

  /** A record alone in its line, of which nothing else is parsed. Almost every line is one. */
  #parseAlone(text: string, start: number | undefined): [unknown] | undefined {
    if (start === undefined) return undefined;
    try {
      return [JSON.parse(text.slice(start, -1))];
    } catch {
      return undefined;
    }
  }

  #parseAny(text: string): readonly unknown[] {
    const line = parseLine(text);
    if (line?.kind === "header" && this.#line === 1) return [];
    if (line?.kind === "close" && line.seq === this.next - 1) return [];
    if (line?.kind !== "records" || line.seq !== this.next) {
      throw this.#corrupt(
        `the line does not follow on record ${this.next - 1}`,
      );
    }
    return line.records;
  }

  #corrupt(reason: string): MiniError {
    return corrupt(this.#path, { reason, line: this.#line, seq: this.next });
  }
}
