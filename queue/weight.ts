import type { LedgerEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";
import { linesOf } from "./lines.ts";

/** So much behind a snapshot is not worth another, however little it leaves. */
const MIN_DEAD_WEIGHT = 1_000;

/** What a log holds behind its newest snapshot, counted in what has happened to messages: a record may be about many. */
export class Weight {
  behind = 0;

  add(entry: LedgerEntry): void {
    const list = Object.values(entry).find(Array.isArray);
    this.behind += list?.length ?? 1;
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
