import { MiniError } from "../store/errors.ts";
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
    while (seq < this.#knownFrom) {
      const from = Math.max(seq, this.#log.firstSequence);
      try {
        await this.#read(from);
        this.knowFrom(seq);
      } catch (error) {
        // Compaction beside it has removed records that nobody asks for any more.
        if (!isCompacted(error) || this.#log.firstSequence === from) {
          throw error;
        }
      }
    }
  }

  async #read(from: number): Promise<void> {
    const { sequence: to } = this.#log;
    if (to < from) return;
    // An abort stands somewhere behind its record.
    const records = this.#log.replay({ from, to });
    for await (const { seq, data } of records) {
      const entry = entryOf(data, seq, this.#isBare);
      if ("abort" in entry) this.add(entry.abort);
    }
  }
}

/** Whether records were asked for that compaction has removed. */
export function isCompacted(error: unknown): boolean {
  return error instanceof MiniError && error.code === "COMPACTED";
}
