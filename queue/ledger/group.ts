import type { LedgerMessage } from "./ledger.ts";

/** The messages of a group, in order. Only the first can be received. */
export class Group<T> {
  #messages: LedgerMessage<T>[] = [];
  #start = 0;

  get first(): LedgerMessage<T> | undefined {
    return this.at(0);
  }

  /** The message with `place` others before it. */
  at(place: number): LedgerMessage<T> | undefined {
    return this.#messages[this.#start + place];
  }

  push(message: LedgerMessage<T>): void {
    this.#messages.push(message);
  }

  shift(): void {
    this.#start++;
    if (this.#start * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#start);
    this.#start = 0;
  }

  /** The number of messages before this one, which is in the group. */
  placeOf({ order }: LedgerMessage<T>): number {
    let [low, high] = [this.#start, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#messages[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    return low - this.#start;
  }

  /** Removes the message at a place, or puts another there. */
  splice(place: number, ...others: LedgerMessage<T>[]): void {
    this.#messages.splice(this.#start + place, 1, ...others);
  }
}
