import { type Eventual, type Steps, wait } from "../../fs/steps/steps.ts";
import { wallClockMs } from "../../fs/system.ts";
import type { KeepOptions } from "../options.ts";
import type { SealedSegment } from "../recover.ts";

/** The most segments that their age removes at a time: a clock that jumps ahead must not empty the log at once. */
const MAX_EXPIRED = 2;

/** The segments of a log that has just begun a new one. */
export interface KeptSegments {
  /** Oldest first. */
  readonly sealed: readonly SealedSegment[];
  readonly active: { readonly base: number; readonly sizeBytes: number };
}

/** The number up to which records may go, because the segments that hold them are entirely beyond a size. */
export function beyondSize(
  { bytes = Infinity, records = Infinity }: KeepOptions,
  { sealed, active: { base, sizeBytes } }: KeptSegments,
): number {
  let kept = sizeBytes;
  let end = base;
  for (const { base, sizeBytes } of sealed.toReversed()) {
    if (kept >= bytes) break;
    kept += sizeBytes;
    end = base;
  }
  return Math.max(end, base - records);
}

/**
 * The number up to which records may go, because all of them are older than an
 * age, as far as a clock that was set tells. `lastTime` tells the last time of a
 * segment, `null` if it has none, `undefined` if that is not known.
 */
export function* beyondAge(
  { ageMs = Infinity }: KeepOptions,
  { sealed, active, lastTime }: KeptSegments & {
    lastTime(segment: SealedSegment): Eventual<number | null | undefined>;
  },
): Steps<number> {
  const before = (wallClockMs() ?? 0) - ageMs;
  let expired = 0;
  if (before <= 0) return 0;
  for (const [index, segment] of sealed.entries()) {
    const at = yield* wait(lastTime(segment));
    // What comes before a segment that tells its time is older.
    if (at === null) continue;
    if (at === undefined || at >= before) break;
    expired = index + 1;
    if (expired >= MAX_EXPIRED) break;
  }
  const count = Math.min(expired, MAX_EXPIRED);
  return count === 0 ? 0 : sealed[count]?.base ?? active.base;
}
