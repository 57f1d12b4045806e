import type { JournalContext } from "../../store/internal.ts";
import {
  consumerReasons,
  degraded,
  diskReasons,
  failed,
  type Health,
  HEALTH_DEFAULTS,
  healthFor,
} from "../../base/telemetry/health.ts";
import { count } from "../../base/text.ts";
import { freeOn } from "../../fs/directory.ts";
import type { ConsumerReport } from "./consumers.ts";
import { type LogSummary, totalOf } from "./log_summary.ts";

/** The findings about a log that its health depends on. */
export interface Judged {
  /** The damage for which opening refuses the log, or the records that are lost at its end, in words. */
  readonly problem?: string | undefined;
  /** The unfinished write that opening would cut off, in words. */
  readonly torn?: string | undefined;
  /** A snapshot that may be overdue, in words. */
  readonly overdue?: string | undefined;
  readonly consumers: readonly ConsumerReport[];
  /** The number of dead letters, if it is a queue that was read. */
  readonly deadLetters?: number | undefined;
}

/** The health that files show without a process, by the thresholds that `health()` has by itself. */
export async function filesHealth(
  { fs, paths: { active: path, directory } }: JournalContext,
  { problem, torn, overdue, consumers, deadLetters = 0 }: Judged,
): Promise<Health> {
  const { minFreeBytes, maxLag } = HEALTH_DEFAULTS;
  const free = await freeOn(fs, directory);
  const dead = `The queue in "${directory}" has ${
    count(deadLetters, "dead letter")
  }; nobody delivers them until they are redriven`;
  return healthFor([
    ...problem === undefined ? [] : [failed("DAMAGED", problem)],
    ...torn === undefined ? [] : [degraded("TORN", torn)],
    ...overdue === undefined ? [] : [degraded("SNAPSHOT_OVERDUE", overdue)],
    ...deadLetters === 0 ? [] : [degraded("DEAD_LETTERS", dead)],
    ...diskReasons(path, free, minFreeBytes),
    ...consumerReasons(path, consumers, maxLag),
  ]);
}

/** A snapshot may be overdue if the log after the last one is `OVERDUE_TIMES` its size, and at least `OVERDUE_BYTES`. */
const OVERDUE_TIMES = 16;
const OVERDUE_BYTES = 8 * 1024 * 1024;

/**
 * Says that much of the log of a state follows its last snapshot. One that a state
 * makes by itself may fail each time, as where it holds what JSON does not keep;
 * only its program is told.
 */
export function overdueIn(
  { first, last, segments }: LogSummary,
  snapshots: readonly { readonly seq: number; readonly sizeBytes: number }[],
): string | undefined {
  const { seq: newest, sizeBytes } = snapshots.at(-1) ??
    { seq: 0, sizeBytes: 0 };
  const behind = last - newest;
  // Segments do not end where snapshots stand: records count alike.
  const bytes = totalOf(segments) * behind / Math.max(1, last - first + 1);
  if (bytes < Math.max(OVERDUE_BYTES, OVERDUE_TIMES * sizeBytes)) {
    return undefined;
  }
  const since = newest === 0 ? "there is none" : `the last is at ${newest}`;
  return `a snapshot may be overdue: ${since}, and opening replays ${
    count(behind, "record")
  }; unless the state is as large as that, snapshotFailure of its program says why none was made`;
}
