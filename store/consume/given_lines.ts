import type { Place } from "./placed.ts";

/** The most lines that are remembered. */
const MAX_LINES = 4_096;

interface GivenLine {
  /** The number of its first record that was given. */
  readonly first: number;
  readonly place: Place;
}

/** The ends of the lines whose records an iteration has given, without a gap; not those of long ago. */
export class GivenLines {
  readonly #lines: GivenLine[] = [];
  #last = 0;

  /** Adds a record, in order. */
  add(seq: number, place: Place): void {
    this.#last = seq;
    if (this.#lines.at(-1)?.place === place) return;
    this.#lines.push({ first: seq, place });
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, MAX_LINES / 2);
  }

  /** The end of the line that holds a record; `undefined` if it was not given, or is not remembered. */
  endOf(seq: number): Place | undefined {
    return seq > this.#last ? undefined : this.#lines[this.#find(seq)]?.place;
  }

  /** Forgets the lines before the one that holds a record. */
  forgetBefore(seq: number): void {
    this.#lines.splice(0, this.#find(seq));
  }

  #find(seq: number): number {
    return this.#lines.findLastIndex(({ first }) => first <= seq);
  }
}
