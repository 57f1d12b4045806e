import { MiniError } from "../store/errors.ts";
import type { StoreRecord } from "../store/mod.ts";
import type { Log } from "./interfaces.ts";
import { entryOf } from "./mutation.ts";

/** Which records have no effect, as far as that was found out. */
export class Aborts {
  readonly #log: Log<unknown>;
  readonly #isBare: boolean;
  readonly #seqs = new Set<number>();
  /** Of this record and all behind it, it is known which were recorded as aborted. */
  #knownFrom = Infinity;
  /** Those whose `apply` has thrown, and that are not on record yet. */
  unrecorded: number[] = [];

  constructor(log: Log<unknown>, isBare: boolean) {
    this.#log = log;
    this.#isBare = isBare;
  }

  has(seq: number): boolean {
    return this.#seqs.has(seq);
  }

  add(seq: number): void {
    this.#seqs.add(seq);
  }

  /** All that are known, in order. */
  get all(): number[] {
    return [...this.#seqs].sort((a, b) => a - b);
  }

  /** Says that every record from here on was seen. */
  knowFrom(seq: number): void {
    this.#knownFrom = Math.min(this.#knownFrom, seq);
  }

  /** Reads which records from `seq` on were recorded as aborted. */
  async learnFrom(seq: number): Promise<void> {
    await this.learning(seq)(seq);
  }

  /** How to learn the same later, from `first` on, also of a log that is closed by then. */
  learning(first: number): (seq: number) => Promise<void> {
    let reading = first < this.#knownFrom ? this.#begin(first) : undefined;
    return async (seq) => {
      while (seq < this.#knownFrom) {
        reading ??= this.#begin(seq);
        const { from, records } = reading;
        reading = undefined;
        try {
          await this.#read(records);
          this.knowFrom(seq);
        } catch (error) {
          // Compaction beside it has removed records that nobody asks for any more.
          if (!isCompacted(error) || this.#log.firstSequence === from) {
            throw error;
          }
        }
      }
    };
  }

  #begin(seq: number): Reading {
    const { firstSequence, sequence: to } = this.#log;
    const from = Math.max(seq, firstSequence);
    // An abort stands somewhere behind its record.
    return { from, records: to < from ? [] : this.#log.replay({ from, to }) };
  }

  async #read(records: Reading["records"]): Promise<void> {
    for await (const { seq, data } of records) {
      const entry = entryOf(data, seq, this.#isBare);
      if ("abort" in entry) this.add(entry.abort);
    }
  }
}

/** Records to look for aborts in. */
interface Reading {
  readonly from: number;
  readonly records:
    | AsyncIterable<StoreRecord<unknown>>
    | Iterable<StoreRecord<unknown>>;
}

/** Whether records were asked for that compaction has removed. */
export function isCompacted(error: unknown): boolean {
  return error instanceof MiniError && error.code === "COMPACTED";
}
