import {
  assertOptions,
  type Check,
  type Checks,
  countFrom,
  having,
  oneOf,
} from "../../base/checks.ts";
import type { MessageHeaders } from "../ledger/entry.ts";

/**
 * A schedule: a message that is enqueued again and again, at the times of `when`
 * or every `everyMs`. It has one of the two.
 *
 * @typeParam T The payload of the messages.
 *
 * @example A report at three in the morning, by npm:croner
 * ```ts
 * import { Cron } from "croner";
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir(), {
 *   schedules: {
 *     "nightly report": {
 *       when: new Cron("0 3 * * *", { timezone: "Etc/UTC" }),
 *       payload: "report",
 *     },
 *   },
 * });
 * const [report] = await queue.schedules();
 * assertEquals(report?.next?.getUTCHours(), 3);
 * ```
 *
 * @example Every minute
 * ```ts
 * import { MiniQueue, systemClock } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * let now = 0;
 * const clock = { ...systemClock, monotonic: () => now, uptime: () => now };
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir(), {
 *   clock,
 *   schedules: { poll: { everyMs: 60_000, payload: "poll" } },
 * });
 * assertEquals(await queue.receive(), undefined);
 * now += 60_000;
 * assertEquals((await queue.receive())?.payload, "poll");
 * ```
 */
export interface ScheduleOptions<T> {
  /**
   * Gives the first occurrence after a date; `null` if there is none. By the
   * wall clock; nothing fires while that clock shows a time before 2020, and so
   * was never set. `Cron` of npm:croner is such an object; time zones and
   * daylight saving are its business. If it throws, or returns a date that is
   * invalid or not after its argument, the schedule stops until the queue is
   * opened again, and `onError` is told.
   */
  readonly when?: { nextRun(after: Date): Date | null };
  /** The time between two occurrences, in milliseconds. Does not depend on the wall clock, but for the time while the queue is closed. */
  readonly everyMs?: number;
  /** The content of each message; taken as it is at opening. */
  readonly payload: T;
  /**
   * Which of several occurrences fire that are due at once, because the process
   * did not run, nobody received, or the clock jumped ahead: the latest, none or
   * each. `"skip"` also passes over a single one that is more than a minute
   * late; `"all"` fires at most the latest 100. @default {"once"}
   */
  readonly missed?: "once" | "skip" | "all";
  /** Whether occurrences are passed over while a message of an earlier one waits or is in flight. Those that fire at once are not in each other's way. @default {"skip"} */
  readonly overlap?: "skip" | "allow";
  /** Higher goes first; equal priorities go in order. @default {0} */
  readonly priority?: number;
  /** Messages of one group are delivered one at a time, in order; a retry keeps its place. */
  readonly group?: string;
  /** Says more about each message, beside its payload. */
  readonly headers?: MessageHeaders;
}

/** A schedule, as it is on record. */
export interface ScheduleRecord {
  /** The name of the schedule. */
  readonly name: string;
  /** The last occurrence that fired. */
  readonly last: Date | undefined;
  /** How many occurrences were passed over. Of those that are due at once it counts at most 1,000. */
  readonly missed: number;
}

/**
 * The status of a schedule.
 *
 * @example When does it fire next
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir(), {
 *   schedules: { poll: { everyMs: 60_000, payload: "poll" } },
 * });
 * const [poll] = await queue.schedules();
 * assertEquals([poll?.name, poll?.last, poll?.missed], ["poll", undefined, 0]);
 * assertEquals(poll!.next! > new Date(), true);
 * ```
 */
export interface ScheduleStatus extends ScheduleRecord {
  /** The first occurrence that has neither fired nor was passed over: in the past if it is due and nobody has received since. `undefined` if there is none, the schedule has stopped, or the wall clock was not set yet. */
  readonly next: Date | undefined;
  /** Why the schedule has stopped: what `onError` was told. */
  readonly failure?: unknown;
}

const SCHEDULE_CHECKS: Checks<ScheduleOptions<unknown>> = {
  when: having("nextRun"),
  everyMs: countFrom(1),
  // Its own check says more.
  payload: () => {},
  missed: oneOf("once", "skip", "all"),
  overlap: oneOf("skip", "allow"),
  priority: () => {},
  group: () => {},
  headers: () => {},
};

/** Checks for schedules. Their messages are checked when they are made. */
export const areSchedules: Check = (option, value) => {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${option} must be an object`);
  }
  for (const [name, schedule] of Object.entries(value)) {
    if (name === "") throw new TypeError(`${option} must have non-empty names`);
    const call = `the schedule "${name}"`;
    assertOptions(call, schedule, SCHEDULE_CHECKS);
    if ((schedule.when === undefined) !== (schedule.everyMs === undefined)) {
      continue;
    }
    throw new TypeError(`${call} must have either when or everyMs`);
  }
};
