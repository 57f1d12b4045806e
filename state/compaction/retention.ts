import {
  aDate,
  assertOptions,
  checkCount,
  type Checks,
  countFrom,
} from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { wallClockMs } from "../../fs/system.ts";
import type { SnapshotInfo } from "../../snap/mod.ts";
import type { Log } from "../../store/mod.ts";

/**
 * How much of the past of a state stays, at least: the largest part that one of
 * the limits asks for.
 *
 * @example A past of two records
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * await using sum = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 *   snapshotEvery: 1,
 *   keepSnapshots: 1,
 *   retain: { records: 2 },
 * });
 * for (const by of [1, 2, 3, 4]) await sum.apply(by);
 * assertEquals([await sum.at(2), sum.firstSequence > 1], [3, true]);
 * ```
 */
export interface Retention {
  /** The number of records. */
  records?: number;
  /** The size of their part of the log, in bytes, counted in whole segments. */
  bytes?: number;
  /**
   * The age of the oldest, in milliseconds. Needs `timestamps`. Records without a
   * time, and all while the wall clock shows a time before 2020, are young.
   */
  ageMs?: number;
}

const RETENTION_CHECKS: Checks<Retention> = {
  records: countFrom(0),
  bytes: countFrom(0),
  ageMs: countFrom(0),
};

/** Checks for what `retain` may be. */
export function aRetention(name: string, value: unknown): void {
  if (value === "all") return;
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `${name} must be "all" or an object, not ${String(value)}`,
    );
  }
  assertOptions<Retention>(name, value, RETENTION_CHECKS);
  if (Object.values(value).some((limit) => limit !== undefined)) return;
  const limits = Object.keys(RETENTION_CHECKS).join(" or ");
  throw new TypeError(`${name} must be an object with ${limits}`);
}

/** Throws a `TypeError` for limits that the log cannot measure. */
export function checkRetention({ retain, log, timestamps }: {
  readonly retain?: "all" | Retention;
  readonly log?: Log<unknown>;
  readonly timestamps?: boolean;
}): void {
  const { bytes = 0, ageMs } = Object(retain) as Retention;
  if (bytes > 0 && log !== undefined && log.seqBefore === undefined) {
    throw new TypeError("retain.bytes needs a log that has seqBefore()");
  }
  if (ageMs === undefined) return;
  if (log === undefined && !timestamps) {
    throw new TypeError("retain.ageMs needs timestamps: true");
  }
  if (log !== undefined && log.seqAt === undefined) {
    throw new TypeError("retain.ageMs needs a log that has seqAt()");
  }
}

/** The record that the retained past begins after, if record `sequence` is the last. */
export async function startOf(
  { records = 0, bytes = 0, ageMs }: Retention,
  log: Log<unknown>,
  sequence: number,
): Promise<number> {
  const start = Math.min(
    Math.max(0, sequence - records),
    bytes === 0 ? sequence : log.seqBefore!(bytes),
  );
  if (ageMs === undefined) return start;
  const now = wallClockMs();
  if (now === undefined) return 0;
  const last = await log.seqAt!(new Date(Math.max(0, now - ageMs)));
  // That record stays too: its time says since when its state stood.
  return Math.min(start, Math.max(0, last - 1));
}

/** The number of a record up to `sequence`, or of the last one at a time. Throws `COMPACTED` if records of that time are gone. */
export async function seqOf(
  when: number | Date,
  log: Log<unknown>,
  sequence: number,
): Promise<number> {
  if (when instanceof Date) return Math.min(await seqAt(log, when), sequence);
  checkCount("seq", when, 0);
  if (when <= sequence) return when;
  throw new RangeError(`seq must be at most ${sequence}, not ${when}`);
}

async function seqAt(log: Log<unknown>, time: Date): Promise<number> {
  aDate("when", time);
  if (log.seqAt === undefined) {
    throw new TypeError(
      "Cannot rebuild the state as of a time: the log has none",
    );
  }
  const seq = await log.seqAt(time);
  const { firstSequence } = log;
  if (seq > 0 || firstSequence === 1) return seq;
  throw new MiniError(
    "COMPACTED",
    `Cannot rebuild the state as of ${time.toISOString()}: no record before ${firstSequence} is left to tell which was the last by then; nothing was changed`,
    { seq: firstSequence },
  );
}

/**
 * The snapshots that a past needs which begins after record `start`: the one that
 * it is rebuilt from, which is after `start` where an earlier one is gone. If
 * `start` will move on, also the next, to rebuild it from then.
 */
export function neededFrom(
  start: number,
  snapshots: readonly SnapshotInfo[],
  isMoving: boolean,
): number[] {
  const base = snapshots.findLast(({ seq }) => seq <= start);
  const next = snapshots.find(({ seq }) => seq > start);
  const needed = isMoving ? [base, next] : [base ?? next];
  return needed.flatMap((found) => found === undefined ? [] : found.seq);
}
