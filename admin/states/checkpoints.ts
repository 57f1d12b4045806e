import type {
  SnapshotInfo,
  SnapshotReader,
  SnapStore,
} from "../../snap/mod.ts";

/** So much JSON of states is kept at most, and one state in any case; */
const MAX_CHARS = 16_000_000;
/** The most states that are kept. */
const MAX_KEPT = 100;

/** A state that was made before. */
interface Checkpoint {
  readonly seq: number;
  readonly json: string;
}

/**
 * States that were made before, in memory, beside the snapshots on disk: the
 * next one is made from the nearest of them.
 */
export class Checkpoints {
  #kept: Checkpoint[] = [];

  clear(): void {
    this.#kept = [];
  }

  /** Keeps the JSON of a state; what was not used for longest goes. */
  keep(seq: number, json: string): void {
    this.#kept = this.#kept.filter((kept) => kept.seq !== seq);
    this.#kept.push({ seq, json });
    let chars = 0;
    let from = this.#kept.length;
    while (from > 0 && this.#kept.length - from < MAX_KEPT) {
      chars += this.#kept[from - 1]!.json.length;
      if (chars > MAX_CHARS && from < this.#kept.length) break;
      from--;
    }
    this.#kept = this.#kept.slice(from);
  }

  /** Forgets those at `seq` and behind it: they were made of a record that has turned out to have no effect. */
  forgetFrom(seq: number): void {
    this.#kept = this.#kept.filter((kept) => kept.seq < seq);
  }

  /** The nearest one at `upTo` or before. */
  nearest(upTo: number): Checkpoint | undefined {
    const found = this.#kept
      .filter(({ seq }) => seq <= upTo)
      .reduce<Checkpoint | undefined>(
        (best, one) => best === undefined || one.seq > best.seq ? one : best,
        undefined,
      );
    if (found !== undefined) {
      this.#kept = [...this.#kept.filter((kept) => kept !== found), found];
    }
    return found;
  }

  /** Puts them before the snapshots on disk. */
  before<S>(
    disk: SnapStore<S>,
    version: number,
  ): SnapshotReader<S> {
    return {
      list: (): Promise<SnapshotInfo[]> => disk.list(),
      rejected: disk.rejected,
      restore: async (upTo = Infinity) => {
        const kept = this.nearest(upTo);
        const listed = (await disk.list()).findLast(({ seq }) => seq <= upTo);
        if (kept === undefined || (listed?.seq ?? 0) > kept.seq) {
          const restored = await disk.restore(upTo);
          // What stands on disk may be damaged, and the one before it older.
          if (kept === undefined || (restored?.seq ?? 0) > kept.seq) {
            return restored;
          }
        }
        return { state: JSON.parse(kept.json) as S, seq: kept.seq, version };
      },
    };
  }
}
