import { assertOptions, type Checks, countFrom } from "../../base/checks.ts";
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
 * assertEquals([sum.firstSequence, await sum.at(2)], [3, 3]);
 * ```
 */
export interface Retention {
  /** The number of records. */
  records?: number;
  /** The size of their part of the log, in bytes, counted in whole segments. */
  bytes?: number;
}

const RETENTION_CHECKS: Checks<Retention> = {
  records: countFrom(0),
  bytes: countFrom(0),
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

/** Throws a `TypeError` for limits that the caller's log cannot measure. */
export function checkRetention(
  { retain, log }: {
    readonly retain?: "all" | Retention;
    readonly log?: Log<unknown>;
  },
): void {
  const { bytes = 0 } = Object(retain) as Retention;
  if (bytes === 0 || log === undefined || log.seqBefore) return;
  throw new TypeError("retain.bytes needs a log that has seqBefore()");
}

/** The record that the retained past begins after, if record `sequence` is the last. */
export function startOf(
  { records = 0, bytes = 0 }: Retention,
  log: Log<unknown>,
  sequence: number,
): number {
  return Math.min(
    Math.max(0, sequence - records),
    bytes === 0 ? sequence : log.seqBefore!(bytes),
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
