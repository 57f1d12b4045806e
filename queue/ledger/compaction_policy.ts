import type { LedgerEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { readyIndexOf } from "./ready_index.ts";

/** Fewer changes since a snapshot than this are not worth another one, however small the ledger is. */
const MIN_GARBAGE = 1_000;

/** The most marks that are kept; the changes before the first one count as one mark. */
const MAX_MARKS = 100;

/** Counts the changes of messages, to decide when a log is worth compacting. An entry may change many messages. */
export class CompactionPolicy {
  #total = 0;
  /** The total at the last snapshot, or automatic attempt at one: a failure must not be repeated at every record. */
  #tried = 0;
  #marks: { readonly sequence: number; readonly total: number }[] = [];

  /** All changes, those that opening replayed included. */
  get total(): number {
    return this.#total;
  }

  add(entry: LedgerEntry): void {
    const list = Object.values(entry).find(Array.isArray);
    this.#total += list?.length ?? 1;
  }

  /** Whether there were `threshold` changes since the last snapshot, or attempt at one. If so, this is an attempt. */
  isDue(threshold: number): boolean {
    if (this.#total - this.#tried < threshold) return false;
    this.#tried = this.#total;
    return true;
  }

  /** Notes that a snapshot was made when the total was `total`. */
  snapshotMade(total: number): void {
    this.#tried = Math.max(this.#tried, total);
  }

  /** Remembers the total at a record where a snapshot may be made. */
  mark(sequence: number): void {
    this.#marks = this.#marks.slice(1 - MAX_MARKS);
    this.#marks.push({ sequence, total: this.#total });
  }

  /** The number of changes since a record, or more. */
  since(sequence: number): number {
    const mark = this.#marks.findLast((mark) => mark.sequence <= sequence);
    return this.#total - (mark?.total ?? 0);
  }
}

/** The number of changes since a snapshot from which most of the log is garbage. */
export function garbageThreshold<T>(
  ledger: Ledger<T>,
  picked: ReadonlySet<number>,
): number {
  const { size, dead, finished } = readyIndexOf(ledger, picked);
  return Math.max(
    MIN_GARBAGE,
    4 * (size + dead.size + finished.size + ledger.dedupe.length),
  );
}
