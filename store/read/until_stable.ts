import { pause } from "../../base/deadline.ts";

/** The most looks at something that a writer may be changing. */
const MAX_LOOKS = 10;

/** The pause between two looks at damage: a write that was seen half done is complete by then. */
export const SECOND_LOOK_MS = 50;

/** The result of one look: a value, or why there is none. */
export type Look<T> =
  | { readonly value: T; readonly isStable: boolean }
  | { readonly error: unknown };

/**
 * Looks again and again at files that a writer in another process may be
 * changing, until a look is stable. `look` gets the value of the look before.
 *
 * @returns The value of the last look. Throws its error if that is all it has.
 */
export async function untilStable<T>(
  look: (before: T | undefined) => Promise<Look<T>>,
  pauseMs = 0,
): Promise<T> {
  let before: T | undefined;
  for (let looks = 1;; looks++) {
    const seen = await look(before);
    const isLast = looks === MAX_LOOKS;
    if ("value" in seen) {
      if (seen.isStable || isLast) return seen.value;
      before = seen.value;
    } else if (isLast) throw seen.error;
    if (pauseMs > 0) await pause(pauseMs);
  }
}
