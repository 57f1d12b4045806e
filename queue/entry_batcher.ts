import { withResolvers } from "../base/promise.ts";

/** An entry takes no more characters of items than this, or one item: damage to a line should not destroy more than a page of a disk does. */
const MAX_ENTRY_CHARS = 4_096;

/** The fields of an entry before its items. */
export interface Stamp {
  readonly at: number;
  readonly v?: number;
  readonly drift?: number;
}

/** An entry that still takes items. */
interface PendingEntry {
  readonly stamp: Stamp;
  readonly texts: string[];
  chars: number;
  readonly applied: PromiseWithResolvers<unknown>;
}

/**
 * Puts items of one kind that are added in one turn of the event loop into one
 * entry, if their stamps are equal.
 */
export class EntryBatcher {
  readonly #kind: string;
  readonly #apply: (json: string) => Promise<unknown>;
  #pending: PendingEntry | undefined;

  /**
   * @param kind The kind of the entries.
   * @param apply Applies an entry, given as JSON.
   */
  constructor(kind: string, apply: (json: string) => Promise<unknown>) {
    this.#kind = kind;
    this.#apply = apply;
  }

  /** Adds items, given as JSON, to an entry with this stamp. Resolves when that entry was applied. */
  add(stamp: Stamp, items: readonly string[]): Promise<unknown> {
    // A comma stands between two.
    let chars = items.length - 1;
    for (const text of items) chars += text.length;
    const pending = this.#entryFor(stamp, chars);
    for (const text of items) pending.texts.push(text);
    pending.chars += chars;
    return pending.applied.promise;
  }

  /** The entry for items with this stamp, of `chars` characters. */
  #entryFor(stamp: Stamp, chars: number): PendingEntry {
    const pending = this.#pending;
    const hasRoom = pending !== undefined &&
      pending.chars + chars <= MAX_ENTRY_CHARS && isSame(pending.stamp, stamp);
    if (hasRoom) return pending;
    this.flush();
    return this.#pending = this.#begin(stamp);
  }

  #begin(stamp: Stamp): PendingEntry {
    const applied = withResolvers<unknown>();
    const pending = { stamp, texts: [], chars: 0, applied };
    queueMicrotask(() => {
      if (this.#pending === pending) this.flush();
    });
    return pending;
  }

  /** Applies the pending entry, if there is one. */
  flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { stamp, texts, applied: { resolve, reject } } = pending;
    const start = JSON.stringify(stamp).slice(0, -1);
    this.#apply(`${start},"${this.#kind}":[${texts.join()}]}`)
      .then(resolve, reject);
  }
}

function isSame(one: Stamp, other: Stamp): boolean {
  return one.at === other.at && one.v === other.v && one.drift === other.drift;
}
