/** A binary heap: takes the first item in O(log n). */
export class Heap<T> {
  readonly #items: T[];
  readonly #isBefore: (a: T, b: T) => boolean;

  /** @param items The array that holds the heap: empty, or left by another heap with the same order. `arrange` makes any other a heap. */
  constructor(isBefore: (a: T, b: T) => boolean, items: T[] = []) {
    this.#isBefore = isBefore;
    this.#items = items;
  }

  /** Makes a heap of items in any order. Leaves a heap as it is. */
  arrange(): void {
    const items = this.#items;
    for (let at = items.length >> 1; at-- > 0;) this.#sink(items[at]!, at);
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the first item. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length > 0) this.#sink(last!);
    return first;
  }

  /** Gives the items in order, each in O(log n). Takes none. */
  *inOrder(): Generator<T, void, undefined> {
    const items = this.#items;
    const next = new Heap<number>((a, b) =>
      this.#isBefore(items[a]!, items[b]!)
    );
    for (let at: number | undefined = 0; at !== undefined; at = next.pop()) {
      if (at < items.length) yield items[at]!;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length) next.push(child);
      }
    }
  }

  /** Puts an item in a place, and sinks it to where it belongs. */
  #sink(item: T, at = 0): void {
    const items = this.#items;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      const right = child + 1;
      if (
        right < items.length && this.#isBefore(items[right]!, items[child]!)
      ) {
        child = right;
      }
      if (!this.#isBefore(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

/** Fewer stale items than this are never worth deriving an index again. */
const MIN_STALE = 64;

/** Whether deriving an index again costs less than the stale items that it holds. */
export function isMostlyStale(stale: number, others: number): boolean {
  return stale > Math.max(MIN_STALE, others);
}
