import { isMostlyStale } from "./heap.ts";

/**
 * Messages that have ended, by id: finding a page costs no more than the page.
 * Derived from the ledger and kept beside it.
 */
export class IdIndex<E> {
  readonly #find: () => Readonly<Record<string, E>>;
  /** May hold removed ids, and ids twice, until it is tidied. */
  #ids: number[];
  #isInOrder = true;
  /** The number of messages. */
  size: number;

  /** @param find Gives the messages. */
  constructor(find: () => Readonly<Record<string, E>>) {
    this.#find = find;
    this.#ids = Object.keys(find()).map(Number).sort((a, b) => a - b);
    this.size = this.#ids.length;
  }

  add(id: number): void {
    this.#isInOrder &&= id > (this.#ids.at(-1) ?? -1);
    this.#ids.push(id);
    this.size++;
  }

  /** Notes that a message was removed from the ledger. */
  remove(): void {
    this.size--;
    const gone = this.#ids.length - this.size;
    if (isMostlyStale(gone, this.size)) this.#tidy();
  }

  /** The first messages above an id, up to `limit`. */
  above(id: number, limit: number): E[] {
    if (!this.#isInOrder) this.#tidy();
    const found: E[] = [];
    const messages = this.#find();
    for (let at = this.#indexAfter(id); at < this.#ids.length; at++) {
      if (found.length >= limit) break;
      const message = messages[this.#ids[at]!];
      if (message !== undefined) found.push(message);
    }
    return found;
  }

  #tidy(): void {
    const messages = this.#find();
    const ids = this.#ids.filter((id) => messages[id] !== undefined);
    this.#ids = [...new Set(ids.sort((a, b) => a - b))];
    this.#isInOrder = true;
  }

  /** Finds the first id above another. */
  #indexAfter(id: number): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
