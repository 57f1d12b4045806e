/** Options of {@linkcode exponentialBackoff}. */
export interface BackoffOptions {
  /** The longest delay after the first delivery, in milliseconds. @default {1_000} */
  firstMs?: number;
  /** The longest delay of all, in milliseconds. @default {900_000} */
  maxMs?: number;
  /** Returns a number from 0 (inclusive) to 1 (exclusive). @default {Math.random} */
  random?: () => number;
}

/**
 * Doubles the delay after each delivery, and shortens it by up to half at
 * random, so that messages that fail together are not retried together.
 *
 * @param options The limits of the delay.
 * @returns A function from the number of deliveries to a delay in milliseconds.
 *
 * @example The longest delays
 * ```ts
 * import { exponentialBackoff } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const backoff = exponentialBackoff({ firstMs: 100, maxMs: 500, random: () => 0 });
 * assertEquals([1, 2, 3, 4].map(backoff), [100, 200, 400, 500]);
 * ```
 */
export function exponentialBackoff(
  { firstMs = 1_000, maxMs = 900_000, random = Math.random }: BackoffOptions =
    {},
): (attempts: number) => number {
  return (attempts) => {
    const longest = Math.min(maxMs, firstMs * 2 ** (attempts - 1));
    return Math.round(longest * (1 - random() / 2));
  };
}
