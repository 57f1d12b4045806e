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
  /** Reads the last time of a segment, `null` if it tells none. */
  lastTime(segment: SealedSegment): Promise<number | null>;
}

/** The number up to which records may go, because the segments that hold them are entirely beyond a limit. */
export async function excess(
  { bytes = Infinity, records = Infinity, ageMs = Infinity }: KeepOptions,
  segments: KeptSegments,
): Promise<number> {
  const { sealed, active } = segments;
  const { sizeBytes, base } = active;
  let kept = sizeBytes;
  let end = base;
  for (const { base, sizeBytes } of sealed.toReversed()) {
    if (kept >= bytes) break;
    kept += sizeBytes;
    end = base;
  }
  const expired = await countExpired(segments, ageMs);
  const next = sealed[expired]?.base ?? base;
  return Math.max(end, base - records, expired === 0 ? 0 : next);
}

/** The number of the oldest segments whose records are all older than that, as far as a clock that was set tells. */
async function countExpired(
  { sealed, lastTime }: KeptSegments,
  ageMs: number,
): Promise<number> {
  const before = (wallClockMs() ?? 0) - ageMs;
  let expired = 0;
  if (before <= 0) return expired;
  for (const [index, segment] of sealed.entries()) {
    const at = await lastTime(segment);
    // What comes before a segment that tells its time is older.
    if (at === null) continue;
    if (at >= before) break;
    expired = index + 1;
    if (expired >= MAX_EXPIRED) break;
  }
  return Math.min(expired, MAX_EXPIRED);
}
