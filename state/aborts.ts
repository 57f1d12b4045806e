import { MiniError } from "../base/errors.ts";
import type { LogReader, LogRecord } from "../store/mod.ts";
import { entryOf } from "./entry.ts";

/** The records that are known to have no effect, and which of them the log does not say so of yet. */
export class Aborts {
  readonly #log: LogReader<unknown>;
  /** Whether the log holds plain mutations, as the Rust program writes them. */
  isRust: boolean;
  readonly #seqs = new Set<number>();
  /** From this record on, every abort that the log records is known. */
  #knownFrom = Infinity;
  /** The last record that is looked at for aborts. */
  readUpTo: number = Infinity;
  /** Those whose abort is not acknowledged, in order. */
  readonly #unacknowledged = new Set<number>();
  /** Those whose abort is not being written either. */
  readonly #unwritten = new Set<number>();
  /** Those that opening found: it is unknown whether they threw before. */
  readonly #found = new Set<number>();

  constructor(log: LogReader<unknown>, isRust: boolean) {
    this.#log = log;
    this.isRust = isRust;
  }

  /** Takes over what is known of the same log, read by other means. */
  takeOver(known: Aborts): void {
    for (const seq of known.#seqs) this.#seqs.add(seq);
    for (const seq of known.#found) this.addUnrecorded(seq, true);
    this.knowFrom(known.#knownFrom);
  }

  /** Forgets everything: the log is not what it was. */
  clear(): void {
    this.#seqs.clear();
    this.#unacknowledged.clear();
    this.#unwritten.clear();
    this.#found.clear();
    this.#knownFrom = Infinity;
  }

  has(seq: number): boolean {
    return this.#seqs.has(seq);
  }

  /** The number of those that are known. */
  get known(): number {
    return this.#seqs.size;
  }

  add(seq: number): void {
    this.#seqs.add(seq);
  }

  /** Adds one that the log does not record. A journal of the Rust program never will. */
  addUnrecorded(seq: number, isFound: boolean): void {
    this.#seqs.add(seq);
    if (isFound) this.#found.add(seq);
    if (this.isRust) return;
    this.#unacknowledged.add(seq);
    this.#unwritten.add(seq);
  }

  /** Returns those whose abort is to be written; the caller writes them. */
  takeUnwritten(): number[] {
    const seqs = [...this.#unwritten];
    this.#unwritten.clear();
    return seqs;
  }

  /** Puts back one whose abort could not be written. */
  putBack(seq: number): void {
    this.#unwritten.add(seq);
  }

  /** Notes that the log records it, durably. */
  acknowledge(seq: number): void {
    this.#unacknowledged.delete(seq);
  }

  /** The first whose abort is not acknowledged. */
  get firstUnacknowledged(): number | undefined {
    for (const seq of this.#unacknowledged) return seq;
    return undefined;
  }

  /** All that are known, in order. */
  get all(): number[] {
    return [...this.#seqs].sort((a, b) => a - b);
  }

  /** Whether opening found it. */
  isFound(seq: number): boolean {
    return this.#found.has(seq);
  }

  /** Those that opening found, in order. */
  get found(): number[] {
    return [...this.#found].sort((a, b) => a - b);
  }

  /** Notes that every record from here on was seen. */
  knowFrom(seq: number): void {
    this.#knownFrom = Math.min(this.#knownFrom, seq);
  }

  /** Reads which records from `seq` on are recorded as aborted. */
  async learnFrom(seq: number): Promise<void> {
    await this.learning(seq)(seq);
  }

  /** Returns a function that does the same later, from `first` on, also if the log is closed by then. */
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
          // A compaction has removed records that nobody needs any more.
          if (!isCompacted(error) || this.#log.firstSequence === from) {
            throw error;
          }
        }
      }
    };
  }

  #begin(seq: number): Reading {
    const { firstSequence, sequence } = this.#log;
    const from = Math.max(seq, firstSequence);
    const to = Math.min(sequence, this.readUpTo);
    // An abort stands somewhere after its record.
    return { from, records: to < from ? [] : this.#log.replay({ from, to }) };
  }

  async #read(records: Reading["records"]): Promise<void> {
    for await (const { seq, data } of records) {
      const entry = entryOf(data, seq, this.isRust);
      if ("abort" in entry) this.add(entry.abort);
    }
  }
}

/** Records to look for aborts in. */
interface Reading {
  readonly from: number;
  readonly records:
    | AsyncIterable<LogRecord<unknown>>
    | Iterable<LogRecord<unknown>>;
}

/** Whether record `seq` has an effect is not known yet: `apply` throws, and the log says neither that it was applied nor that it was aborted. */
export class Undecided extends Error {
  readonly seq: number;

  constructor(seq: number) {
    super(`it is not known yet whether record ${seq} was applied`);
    this.seq = seq;
  }
}

/** Whether an error says that compaction has removed the records. */
export function isCompacted(error: unknown): boolean {
  return error instanceof MiniError && error.code === "COMPACTED";
}
