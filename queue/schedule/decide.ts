import type { Due } from "./occurrences.ts";

/** The most occurrences that fire at once. */
const MAX_AT_ONCE = 100;

/** How late an occurrence may be without having been missed, in milliseconds. */
const TOLERANCE_MS = 60_000;

/** A decision about an occurrence, as an entry has it. */
export interface Decision {
  readonly for: number;
  /** The number of missed occurrences that are passed over; this one included, if it does not fire. */
  readonly skipped?: number;
  readonly fires: boolean;
}

/** How many of the latest occurrences that are due may fire. */
export function mayFire(missed: "once" | "skip" | "all"): number {
  return missed === "all" ? MAX_AT_ONCE : 1;
}

/**
 * Decides which of the occurrences that are due fire.
 *
 * @param isBusy Whether a message of an earlier one is in the way.
 */
export function decide(
  { latest, count }: Due,
  now: number,
  missed: "once" | "skip" | "all",
  isBusy: boolean,
): Decision[] {
  const last = latest.at(-1)!;
  const isTooLate = missed === "skip" && now - last > TOLERANCE_MS;
  if (isTooLate || isBusy && count > 1) {
    return [{ for: last, skipped: count, fires: false }];
  }
  if (isBusy) return [{ for: last, fires: false }];
  const skipped = count - latest.length;
  return latest.map((at, index) => ({
    for: at,
    fires: true,
    ...(index === 0 && skipped > 0 && { skipped }),
  }));
}
