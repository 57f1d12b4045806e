/**
 * A small generator of pseudo-random numbers. The same seed gives the same
 * numbers, so that a randomised test can run again. Not for secrets.
 *
 * @example The same seed, the same numbers
 * ```ts
 * import { Random } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Random(7).below(100), new Random(7).below(100));
 * ```
 */
export class Random {
  #state: number;

  /** Starts from a seed: any 32-bit integer. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Returns a whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    // The mixing function of splitmix32.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let bits = this.#state ^ (this.#state >>> 16);
    bits = Math.imul(bits, 0x21f0aaad);
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 0x735a2d97);
    bits ^= bits >>> 15;
    return Math.floor(((bits >>> 0) / 2 ** 32) * limit);
  }

  /** Returns `true` once in `times` calls, on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

/**
 * Returns a random seed. Print it, so that the run can be repeated.
 *
 * @example A run that can be repeated
 * ```ts
 * import { Random, randomSeed } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const seed = randomSeed(); // print it
 * assertEquals(new Random(seed).below(6), new Random(seed).below(6));
 * ```
 */
export function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0]!;
}
