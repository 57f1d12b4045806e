import type { LedgerEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { linesOf } from "./ready_index.ts";

/** So much behind a snapshot is not worth another, however little it leaves. */
const MIN_DEAD_WEIGHT = 1_000;

/** So many snapshots are remembered; what stands before them counts as one. */
const MAX_MARKS = 100;

/** What has happened to messages: a record may be about many. */
export class Weight {
  #total = 0;
  /** Up to where a snapshot was made, or tried by itself: that is not to be done with every record. */
  #tried = 0;
  #marks: { readonly sequence: number; readonly total: number }[] = [];

  /** All that has happened, what was read on opening included. */
  get total(): number {
    return this.#total;
  }

  add(entry: LedgerEntry): void {
    const list = Object.values(entry).find(Array.isArray);
    this.#total += list?.length ?? 1;
  }

  /** Whether `limit` has happened since a snapshot was made, or tried. */
  isDue(limit: number): boolean {
    if (this.#total - this.#tried < limit) return false;
    this.#tried = this.#total;
    return true;
  }

  /** Says that one was made when `total` had happened. */
  made(total: number): void {
    this.#tried = Math.max(this.#tried, total);
  }

  /** Remembers what has happened up to a record, at which there may be a snapshot. */
  mark(sequence: number): void {
    this.#marks = this.#marks.slice(1 - MAX_MARKS);
    this.#marks.push({ sequence, total: this.#total });
  }

  /** What has happened since a record, and no less. */
  since(sequence: number): number {
    const mark = this.#marks.findLast((mark) => mark.sequence <= sequence);
    return this.#total - (mark?.total ?? 0);
  }
}

/** From which weight behind a snapshot on most of it is dead. */
export function deadWeightOf<T>(
  ledger: Ledger<T>,
  picked: ReadonlySet<number>,
): number {
  const { size, dead } = linesOf(ledger, picked);
  return Math.max(
    MIN_DEAD_WEIGHT,
    4 * (size + dead.size + ledger.dedupe.length),
  );
}
