/** Counted values. Plain JSON. */
export interface Histogram {
  /** The number of values. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** The highest; 0 if there are none. */
  readonly max: number;
  /** The number of values up to a bound and above the one before. The others, up to `count`, are above the last. */
  readonly buckets: readonly {
    readonly upTo: number;
    readonly count: number;
  }[];
}

/** Bounds for durations, in milliseconds. */
export const DURATIONS_MS: readonly number[] = [
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  5_000,
  30_000,
];

/** Bounds for numbers of things. */
export const COUNTS: readonly number[] = [
  1,
  2,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  10_000,
];

/** Counts values by ranges, in the same memory however many there are. */
export class ValueCounter {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;
  #max = 0;

  /** @param bounds The upper ends of the ranges, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Counts a value. */
  record(value: number): void {
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.#counts[at]!++;
  }

  /** Everything counted so far. */
  read(): Histogram {
    return {
      count: this.#count,
      sum: this.#sum,
      max: this.#max,
      buckets: this.#bounds.map((upTo, at) => ({
        upTo,
        count: this.#counts[at]!,
      })),
    };
  }
}
