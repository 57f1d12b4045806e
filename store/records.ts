import type { MiniError } from "./errors.ts";
import { isTooDeep } from "./json.ts";
import { parseLine } from "./line.ts";
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
  parse(text: string, from: number): readonly StoreRecord<unknown>[];
}

/** Parses the lines of this package's own format, whose checksums have been verified. */
export class NativeLines implements LineParser {
  readonly #path: string;
  #line = 0;
  next: number;

  constructor(path: string, base: number) {
    this.#path = path;
    this.next = base + 1;
  }

  parse(text: string, from: number): readonly StoreRecord<unknown>[] {
    this.#line++;
    if (this.next < from && this.#isSingle(text)) {
      this.next++;
      return [];
    }
    const line = parseLine(text);
    if (line?.kind === "header" && this.#line === 1) return [];
    if (line?.kind === "close" && line.seq === this.next - 1) return [];
    const first = this.next;
    if (line?.kind !== "records" || line.seq !== first) {
      throw this.#corrupt(`the line does not follow on record ${first - 1}`);
    }
    if (isTooDeep(line.records, text.length)) {
      throw this.#corrupt(
        "the record is nested deeper than any that is written",
      );
    }
    this.next += line.records.length;
    return line.records.map((data, index) => ({ seq: first + index, data }));
  }

  /** Whether the line is the next record and no batch, told without parsing the record. */
  #isSingle(text: string): boolean {
    const head = /^.{18}"seq":(\d+),(?:"durable":\d+,)?"data":/.exec(text);
    return head !== null && Number(head[1]) === this.next;
  }

  #corrupt(reason: string): MiniError {
    return corrupt(this.#path, { reason, line: this.#line, seq: this.next });
  }
}
