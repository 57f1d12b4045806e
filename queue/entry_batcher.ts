import { withResolvers } from "../base/promise.ts";

/** An entry takes no more than this many characters of items, or one item alone: damage to a line is to cost no more than that to a disk's page. */
const MAX_ENTRY_CHARS = 4_096;

/** Items that are entered as one. */
interface Round {
  /** What stands before them in the entry. */
  readonly stamp: string;
  readonly items: string[];
  chars: number;
  readonly entered: PromiseWithResolvers<void>;
}

/**
 * Items, as JSON, that are given in one turn of the program share an entry,
 * where nothing tells them apart.
 */
export class Gathering {
  readonly #enter: (stamp: string, items: readonly string[]) => Promise<void>;
  #round: Round | undefined;

  constructor(
    enter: (stamp: string, items: readonly string[]) => Promise<void>,
  ) {
    this.#enter = enter;
  }

  /** Adds an item to an entry that starts with `stamp`; resolves when that was entered. */
  add(stamp: string, item: string): Promise<void> {
    const hasRoom = this.#round?.stamp === stamp &&
      this.#round.chars + item.length <= MAX_ENTRY_CHARS;
    if (!hasRoom) this.flush();
    const round = this.#round ??= this.#begin(stamp);
    round.items.push(item);
    round.chars += item.length;
    return round.entered.promise;
  }

  #begin(stamp: string): Round {
    const entered = withResolvers<void>();
    const round = { stamp, items: [], chars: 0, entered };
    queueMicrotask(() => {
      if (this.#round === round) this.flush();
    });
    return round;
  }

  /** Enters what was given so far. */
  flush(): void {
    const round = this.#round;
    if (round === undefined) return;
    this.#round = undefined;
    const { resolve, reject } = round.entered;
    this.#enter(round.stamp, round.items).then(resolve, reject);
  }
}
