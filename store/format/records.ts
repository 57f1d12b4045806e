import type { MiniError } from "../../base/errors.ts";
import { MAX_DEPTH } from "../../base/json.ts";
import { parseLine, valueStart } from "./line.ts";
import { strayReason } from "./shape.ts";
import { cutsOf, parseJson } from "../../base/walk.ts";

/** Turns the lines of one segment into records. */
export interface LineParser {
  /** The number of the next record, of those that were taken. */
  readonly next: number;
  /** The time of the last line and its records, in milliseconds since 1970; `undefined` if the segment has told none so far. */
  readonly at: number | undefined;
  /**
   * The records of the next line, to be taken before it is asked for another;
   * those below `from`, and those before the time `since`, may be left out.
   */
  parse(line: string, from: number, since?: number): Iterable<unknown>;
  /** Continues with the line of record `next`; the lines before it have told the time `at`. */
  moveTo(next: number, at?: number): void;
}

/** A damage in a segment, and its place. */
export interface Damage {
  readonly reason: string;
  readonly offset?: number;
  readonly line?: number;
  readonly seq?: number;
}

/** Makes the error for damage in the segment that is being read. */
export type Refuse = (damage: Damage) => MiniError;

const NONE: readonly unknown[] = [];

/** The number of characters of a long batch that are parsed at a time. */
const CHUNK_CHARS = 64 * 1024;

/** Parses the lines of this package's own format, whose checksums have been verified. */
export class NativeLines implements LineParser {
  readonly #refuse: Refuse;
  /** The header is the first line, and is not among those it gets. */
  #line = 1;
  next: number;
  at: number | undefined;

  constructor(base: number, refuse: Refuse) {
    this.#refuse = refuse;
    this.next = base + 1;
  }

  moveTo(next: number, at?: number): void {
    this.next = next;
    this.at = at;
    this.#line = NaN;
  }

  parse(text: string, from: number, since?: number): Iterable<unknown> {
    this.#line++;
    const start = valueStart(text, this.next, "data", this);
    const isWanted = this.next >= from && !isBefore(this.at, since);
    if (start !== undefined && !isWanted) {
      this.next++;
      return NONE;
    }
    // Almost every line holds one record, and nothing else of it need be parsed.
    const alone = start === undefined
      ? undefined
      : parsed(text.slice(start, -1), MAX_DEPTH);
    if (alone === undefined) return this.#batch(text) ?? this.#any(text);
    this.next++;
    return [alone.value];
  }

  /** The records of a batch, a part of them at a time: all of them may take many times the memory of their text. */
  #batch(text: string): Iterable<unknown> | undefined {
    const start = valueStart(text, this.next, "batch", this);
    const cuts = start === undefined
      ? undefined
      : cutsOf(text, start, CHUNK_CHARS);
    return cuts && this.#between(text, cuts);
  }

  *#between(
    text: string,
    cuts: readonly number[],
  ): Generator<unknown, void, undefined> {
    for (let index = 1; index < cuts.length; index++) {
      const json = text.slice(cuts[index - 1]! + 1, cuts[index]);
      const part = parsed(`[${json}]`, MAX_DEPTH + 1)?.value as unknown[];
      if (part === undefined || part.length === 0) throw this.#stray();
      for (const record of part) {
        this.next++;
        yield record;
      }
    }
  }

  /** A line of another make than ours, or that holds no records. */
  #any(text: string): readonly unknown[] {
    const line = parseLine(text);
    if (line?.kind === "close" && line.seq === this.next - 1) return NONE;
    if (line?.kind !== "records") throw this.#stray();
    if (line.seq !== this.next) {
      const reason = `the number of the line does not follow record ${
        this.next - 1
      }`;
      throw this.#corrupt(reason);
    }
    this.next += line.records.length;
    this.at = line.at ?? this.at;
    return line.records;
  }

  #stray(): MiniError {
    return this.#corrupt(strayReason(this.next));
  }

  #corrupt(reason: string): MiniError {
    const line = this.#line;
    return this.#refuse({ reason, ...(line && { line }), seq: this.next });
  }
}

/** Whether a record is not known to be as late as `since`. */
export function isBefore(
  at: number | undefined,
  since: number | undefined,
): boolean {
  return since !== undefined && !(at !== undefined && at >= since);
}

function parsed(
  json: string,
  maxDepth: number,
): { readonly value: unknown } | undefined {
  try {
    return { value: parseJson(json, maxDepth) };
  } catch {
    return undefined;
  }
}
