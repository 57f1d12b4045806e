import type { DeadLetter, Ledger } from "./ledger.ts";

/** So many that are dead no more are kept in the list before it is made anew. */
const MIN_GONE = 64;

/**
 * The dead messages in the order of their numbers: some are found without
 * looking at all the others. Follows from the ledger alone, and is kept beside
 * it.
 */
export class DeadLine<T> {
  readonly #dead: Ledger<T>["dead"];
  /** Some may be gone; some be there twice, until they are put in order. */
  #ids: number[];
  #isInOrder = true;
  /** How many are dead. */
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

  /** Says that one is gone from the ledger. */
  remove(): void {
    this.size--;
    const gone = this.#ids.length - this.size;
    if (gone > Math.max(MIN_GONE, this.size)) this.#tidy();
  }

  /** The first that are above a number, up to so many. */
  above(id: number, limit: number): DeadLetter<T>[] {
    if (!this.#isInOrder) this.#tidy();
    const found: DeadLetter<T>[] = [];
    for (let at = this.#placeBehind(id); at < this.#ids.length; at++) {
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

  /** Where the first stands that is above a number. */
  #placeBehind(id: number): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
