import { isPromise } from "../../base/promise.ts";
import { firedTo } from "../ledger/schedules.ts";
import type { ScheduleState } from "../ledger/ledger.ts";

/** Gives the first occurrence after a time, in milliseconds; `Infinity` if there is none. */
export type Next = (after: number) => number;

/** The most occurrences that are counted one by one. */
const MAX_COUNTED = 1_000;

/** Where to begin to look for the latest occurrence: this long ago. */
const FIRST_STEP_MS = 60_000;

/** The occurrences of whatever has a method `nextRun`. Throws for an answer that is none. */
export function nextOf(
  when: { nextRun(after: Date): Date | null },
): Next {
  return (after) => {
    const answer: unknown = when.nextRun(new Date(after));
    if (answer === null) return Infinity;
    // The rejection of a promise must not end the process.
    const at = !isPromise(answer) && answer instanceof Date
      ? answer.getTime()
      : NaN;
    if (at > after) return at;
    throw new TypeError(
      `nextRun() must return a valid Date after its argument, or null, not ${
        textOf(answer)
      } for ${new Date(after).toISOString()}`,
    );
  };
}

function textOf(answer: unknown): string {
  const isDate = answer instanceof Date && !Number.isNaN(answer.getTime());
  return isDate ? answer.toISOString() : String(answer);
}

/** The occurrences at an interval, in milliseconds, counted from a time. */
export function nextEvery(everyMs: number, since: number): Next {
  return (after) =>
    since + (Math.floor((after - since) / everyMs) + 1) * everyMs;
}

/** The occurrences that have not fired. */
export function unfired(
  next: Next,
  schedule: Pick<ScheduleState, "fired">,
): Next {
  return (after) => {
    for (;;) {
      const at = next(after);
      const to = firedTo(schedule, at);
      if (to === undefined) return at;
      after = to;
    }
  };
}

/** Occurrences that are due. */
export interface Due {
  /** The latest ones, in order. */
  readonly latest: readonly number[];
  /** How many there are, of which 1,000 count at most. */
  readonly count: number;
}

/**
 * The occurrences after `from`, up to `now`. The cost does not grow with their
 * number.
 *
 * @param max How many to give.
 */
export function dueBetween(
  next: Next,
  from: number,
  now: number,
  max: number,
): Due {
  const all: number[] = [];
  let at = next(from);
  while (at <= now && all.length < MAX_COUNTED) {
    all.push(at);
    at = next(at);
  }
  if (at > now) return { latest: all.slice(-max), count: all.length };
  const latest: number[] = [];
  let to = now;
  let stepMs = FIRST_STEP_MS;
  while (latest.length < max) {
    const known = at;
    const found = latestUpTo(next, known, to, stepMs);
    latest.unshift(found);
    if (found === known) break;
    stepMs = to - found + 1;
    to = found - 1;
  }
  const rest = all.slice(all.length - (max - latest.length));
  return { latest: [...rest, ...latest], count: MAX_COUNTED };
}

/** The last occurrence from one that is known up to a time: doubles its steps back from there, then halves them. */
function latestUpTo(
  next: Next,
  known: number,
  to: number,
  stepMs: number,
): number {
  let low = known;
  let high = to;
  for (let step = stepMs; to - step > known; step *= 2) {
    const at = next(to - step);
    if (at <= to) {
      low = at;
      break;
    }
    high = to - step;
  }
  for (;;) {
    const at = next(low);
    if (at > to) return low;
    low = at;
    const middle = Math.floor((low + high) / 2);
    if (middle <= low) continue;
    const later = next(middle);
    if (later <= to) low = later;
    else high = middle;
  }
}
