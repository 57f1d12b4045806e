import { withResolvers } from "../base/promise.ts";

/** An entry takes no more characters of items than this, or one item: damage to a line should not destroy more than a page of a disk does. */
const MAX_ENTRY_CHARS = 4_096;

/** An entry that still takes items. */
interface PendingEntry {
  /** The fields of the entry before its items, as JSON. */
  readonly stamp: string;
  readonly items: string[];
  chars: number;
  readonly applied: PromiseWithResolvers<unknown>;
}

/**
 * Puts items of one kind that are added in one turn of the event loop into one
 * entry, if their stamps are equal.
 */
export class EntryBatcher {
  readonly #kind: string;
  readonly #apply: (entry: string) => Promise<unknown>;
  #pending: PendingEntry | undefined;

  /**
   * @param kind The kind of the entries.
   * @param apply Applies an entry, given as JSON.
   */
  constructor(kind: string, apply: (entry: string) => Promise<unknown>) {
    this.#kind = kind;
    this.#apply = apply;
  }

  /** Adds an item, given as JSON, to an entry with this stamp. Resolves when that entry was applied. */
  add(stamp: string, item: string): Promise<unknown> {
    const hasRoom = this.#pending?.stamp === stamp &&
      this.#pending.chars + item.length <= MAX_ENTRY_CHARS;
    if (!hasRoom) this.flush();
    const pending = this.#pending ??= this.#begin(stamp);
    pending.items.push(item);
    pending.chars += item.length;
    return pending.applied.promise;
  }

  #begin(stamp: string): PendingEntry {
    const applied = withResolvers<unknown>();
    const pending = { stamp, items: [], chars: 0, applied };
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
    const { stamp, items, applied: { resolve, reject } } = pending;
    this.#apply(`{${stamp},"${this.#kind}":[${items.join()}]}`)
      .then(resolve, reject);
  }
}
