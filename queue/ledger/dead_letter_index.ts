import type { DeadLetter, Ledger } from "./ledger.ts";

/** The list is rebuilt once it holds more removed ids than this. */
const MIN_GONE = 64;

/**
 * The dead letters by id: finding a page costs no more than the page. Derived
 * from the ledger and kept beside it.
 */
export class DeadLetterIndex<T> {
  readonly #dead: Ledger<T>["dead"];
  /** May hold removed ids, and ids twice, until it is tidied. */
  #ids: number[];
  #isInOrder = true;
  /** The number of dead letters. */
  size: number;

  constructor({ dead }: Ledger<T>) {
    this.#dead = dead;
    this.#ids = Object.keys(dead).map(Number).sort((a, b) => a - b);
    this.size = this.#ids.length;
  }

  add(id: number): void {
    this.#isInOrder &&= id > (this.#ids.at(-1) ?? -1);
    this.#ids.push(id);
    this.size++;
  }

  /** Notes that a dead letter was removed from the ledger. */
  remove(): void {
    this.size--;
    const gone = this.#ids.length - this.size;
    if (gone > Math.max(MIN_GONE, this.size)) this.#tidy();
  }

  /** The first dead letters above an id, up to `limit`. */
  above(id: number, limit: number): DeadLetter<T>[] {
    if (!this.#isInOrder) this.#tidy();
    const found: DeadLetter<T>[] = [];
    for (let at = this.#indexAfter(id); at < this.#ids.length; at++) {
      if (found.length >= limit) break;
      const message = this.#dead[this.#ids[at]!];
      if (message !== undefined) found.push(message);
    }
    return found;
  }

  #tidy(): void {
    const ids = this.#ids.filter((id) => this.#dead[id] !== undefined);
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
