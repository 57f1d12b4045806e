/** How long to put off a message whose handler has thrown. */
export interface BackoffOptions {
  /** After the first delivery, in milliseconds. @default {1_000} */
  firstMs?: number;
  /** At most, in milliseconds. @default {900_000} */
  maxMs?: number;
  /** Gives a number from 0 up to 1. @default {Math.random} */
  random?: () => number;
}

/**
 * Twice as long after each delivery, less up to half at random, so that what
 * failed together is not tried again together.
 *
 * @param options How long.
 * @returns The milliseconds after so many deliveries.
 *
 * @example The longest of each
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
