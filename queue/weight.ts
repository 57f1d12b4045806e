import type { LedgerEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { linesOf } from "./lines.ts";

/** So much behind a snapshot is not worth another, however little it leaves. */
const MIN_DEAD_WEIGHT = 1_000;

/** What a log holds since its queue was opened or compacted, counted in what has happened to messages: a record may be about many. */
export class Weight {
  #behind = 0;
  /** For how much of it a snapshot was asked for by itself: one that fails is not to be tried with every record. */
  #asked = 0;

  get behind(): number {
    return this.#behind;
  }

  add(entry: LedgerEntry): void {
    const list = Object.values(entry).find(Array.isArray);
    this.#behind += list?.length ?? 1;
  }

  /** Whether there is as much as `limit` for which no snapshot was asked for. */
  isDue(limit: number): boolean {
    if (this.#behind - this.#asked < limit) return false;
    this.#asked = this.#behind;
    return true;
  }

  /** Takes off what a snapshot has made unneeded. */
  release(weight: number): void {
    this.#behind -= weight;
    this.#asked = Math.max(0, this.#asked - weight);
  }
}

/** From which weight behind a snapshot on most of it is dead. */
export function deadWeightOf<T>(
  ledger: Ledger<T>,
  picked: ReadonlySet<number>,
): number {
  const { size, dead } = linesOf(ledger, picked);
  return Math.max(MIN_DEAD_WEIGHT, 4 * (size + dead + ledger.dedupe.length));
}
