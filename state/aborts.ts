import { hasCode } from "../base/errors.ts";
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
    // Asked at each append: clearing a set makes a new table, of an empty one too.
    if (this.#unwritten.size === 0) return [];
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

  /** Reads which records from `seq` on are recorded as aborted. Throws `COMPACTED` if what would say so is gone. */
  async learnFrom(seq: number, records?: Records): Promise<void> {
    if (seq >= this.#knownFrom) return;
    await this.#read(records ?? this.#after(seq));
    this.knowFrom(seq);
  }

  /** Returns a function that does the same later, from `first` on, also if the log is closed by then. */
  learning(first: number): (seq: number) => Promise<void> {
    let begun = first < this.#knownFrom ? this.#after(first) : undefined;
    return async (seq) => {
      const records = begun;
      begun = undefined;
      try {
        await this.learnFrom(seq, records);
      } catch (error) {
        if (records === undefined || !isCompacted(error)) throw error;
        // Compaction may have removed only what stands between `first` and this record.
        await this.learnFrom(seq);
      }
    };
  }

  /** The records after one: its abort is among them. */
  #after(seq: number): Records {
    const from = seq + 1;
    const to = Math.min(this.#log.sequence, this.readUpTo);
    return to < from ? [] : this.#log.replay({ from, to });
  }

  async #read(records: Records): Promise<void> {
    for await (const { seq, data } of records) {
      const entry = entryOf(data, seq, this.isRust);
      if ("abort" in entry) this.add(entry.abort);
    }
  }
}

type Records =
  | AsyncIterable<LogRecord<unknown>>
  | Iterable<LogRecord<unknown>>;

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
  return hasCode(error, "COMPACTED");
}
