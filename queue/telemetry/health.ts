import { assertOptions, type Checks } from "../../base/checks.ts";
import {
  aThreshold,
  closedHealth,
  degraded,
  failedReasons,
  type Health,
  HEALTH_CHECKS,
  healthAbove,
  type HealthOptions,
  type HealthReason,
} from "../../base/telemetry/health.ts";
import { count, grouped } from "../../base/text.ts";
import { type LedgerView, waitingIn, waitOf } from "../ledger/read.ts";
import type { ToldQueue } from "./messages.ts";

/** From when on something about a queue, its state or its log is worth a look. */
export interface QueueHealthOptions extends HealthOptions {
  /** How long a message may wait once it can be received, in milliseconds of the queue's time. @default {3_600_000} */
  maxWaitMs?: number;
  /** For how long a message that has become a dead letter is worth a look, in milliseconds of the queue's time. @default {900_000} */
  deadLetterMs?: number;
}

const CHECKS: Checks<QueueHealthOptions> = {
  ...HEALTH_CHECKS,
  maxWaitMs: aThreshold,
  deadLetterMs: aThreshold,
};

/** The messages that are looked at, in the order of delivery. */
const LOOKED_AT = 1_000;

/** A queue as it is judged. */
export interface JudgedQueue {
  readonly about: ToldQueue;
  readonly failure: unknown;
  health(options: HealthOptions): Promise<Health | undefined>;
  /** The ledger at this moment, if it can be read. */
  lookNow(): LedgerView | undefined;
}

/** Judges a queue, and the state that it is in. Rejects for wrong options alone. */
export async function queueHealth(
  queue: JudgedQueue,
  options: QueueHealthOptions,
  { isClosed, stopped }: {
    readonly isClosed: boolean;
    /** Why schedules fire no more. */
    readonly stopped: readonly Error[];
  },
): Promise<Health> {
  assertOptions("health()", options, CHECKS);
  const { maxWaitMs = 3_600_000, deadLetterMs = 900_000, ...below } = options;
  const { about: { name, path }, failure } = queue;
  const what = `queue${name === undefined ? "" : ` "${name}"`}`;
  const which = path === undefined ? what : `${what} in "${path}"`;
  if (isClosed) return closedHealth(`The ${which}`);
  const view = failure === undefined ? queue.lookNow() : undefined;
  return healthAbove([
    ...failedReasons(failure),
    ...view === undefined ? [] : waitReasons(view, which, maxWaitMs),
    ...view === undefined ? [] : deadReasons(view, which, deadLetterMs),
    ...stopped.map((error) =>
      degraded("SCHEDULE_STOPPED", `${error.message}; ${which}`, error)
    ),
  ], await queue.health(below));
}

/** The reason that a message waits for too long. */
function waitReasons(
  view: LedgerView,
  which: string,
  maxWaitMs: number,
): HealthReason[] {
  const waits = waitingIn(view, LOOKED_AT)
    .map((message) => ({ id: message.id, ms: waitMs(view, message) }));
  const { id, ms } = waits.reduce(
    (longest, wait) => wait.ms > longest.ms ? wait : longest,
    { id: 0, ms: 0 },
  );
  if (ms <= maxWaitMs) return [];
  const why = view.ledger.paused ? ", as delivery is paused" : "";
  const message = `Message ${id} of the ${which} has waited for ${
    grouped(Math.round(ms))
  } ms since it could be received${why}, and maxWaitMs is ${
    grouped(maxWaitMs)
  }`;
  return [degraded("WAITING_TOO_LONG", message)];
}

/** How long a message could have been received, in milliseconds; 0 if it cannot be now, or nobody knows since when. */
function waitMs(
  view: LedgerView,
  message: LedgerView["ledger"]["messages"][string],
): number {
  if (waitOf(view, message) !== "ready") return 0;
  const { at, due, when, receipt } = message;
  // When a delivery gave it back at once is not on record.
  if (receipt > 0 && due === 0) return 0;
  const wall = when === undefined ? 0 : when - view.drift;
  return Math.max(0, view.now - Math.max(at, due, wall));
}

/** The reason that messages have become dead letters of late. */
function deadReasons(
  { ledger: { dead }, now }: LedgerView,
  which: string,
  deadLetterMs: number,
): HealthReason[] {
  const letters = Object.values(dead);
  const recent = letters.filter(({ diedAt }) => now - diedAt < deadLetterMs);
  if (recent.length === 0) return [];
  const message = `The ${which} has ${
    count(recent.length, "dead letter")
  } of the last ${grouped(deadLetterMs)} ms (deadLetterMs), and ${
    grouped(letters.length)
  } in all; nobody delivers them until they are redriven`;
  return [degraded("DEAD_LETTERS", message)];
}
