import type { Checks } from "../checks.ts";
import { fieldText, messageOf } from "../reason.ts";
import { count, grouped, size } from "../text.ts";

/**
 * Why a log, a state or a queue is not well. Some are told by `health()` of what is
 * open, some by `stat` of the files. Codes are part of the contract; messages are not.
 *
 * | code | of | severity | what is true |
 * |---|---|---|---|
 * | `CLOSED` | all | failed | it was closed, here |
 * | `POISONED` | all | failed | a write or an fsync failed, or the state could not be rebuilt: nothing more is accepted |
 * | `DEPOSED` | all | failed | another writer has taken over its log |
 * | `NO_SPACE` | log | degraded | the last append failed for want of space; the next may succeed |
 * | `DISK_NEARLY_FULL` | log | degraded | its disk has less than `minFreeBytes` left |
 * | `SLOW_DISK` | log | degraded | the last fsync took `slowMs` of the log or longer, or a commit is under way that long |
 * | `ROTATION_FAILING` | log | degraded | the last rotation failed: the segment grows beyond its limit |
 * | `KEEP_FAILING` | log | degraded | what is beyond `keep` could not be removed: the log grows |
 * | `CONSUMER_BEHIND` | log | degraded | a consumer has more than `maxLag` records before it |
 * | `CONSUMER_UNREADABLE` | log | degraded | the position of a consumer, or the list of them, cannot be read; compaction removes nothing meanwhile |
 * | `SNAPSHOT_FAILING` | state | degraded | the last snapshot, or compaction, that made itself has failed: opening takes longer and longer |
 * | `WAITING_TOO_LONG` | queue | degraded | a message waits longer than `maxWaitMs` since it could be received |
 * | `DEAD_LETTERS` | queue, files | degraded | messages became dead letters within `deadLetterMs`; of files: there are any |
 * | `SCHEDULE_STOPPED` | queue | degraded | a schedule fires no more, because its `nextRun` has failed |
 * | `DAMAGED` | files | failed | opening refuses the log, or records are lost at its end |
 * | `TORN` | files | degraded | opening would cut off an unfinished write |
 * | `SNAPSHOT_OVERDUE` | files | degraded | much of the log follows the newest snapshot |
 */
export type HealthCode =
  | "CLOSED"
  | "POISONED"
  | "DEPOSED"
  | "NO_SPACE"
  | "DISK_NEARLY_FULL"
  | "SLOW_DISK"
  | "ROTATION_FAILING"
  | "KEEP_FAILING"
  | "CONSUMER_BEHIND"
  | "CONSUMER_UNREADABLE"
  | "SNAPSHOT_FAILING"
  | "WAITING_TOO_LONG"
  | "SCHEDULE_STOPPED"
  | "DAMAGED"
  | "TORN"
  | "SNAPSHOT_OVERDUE"
  | "DEAD_LETTERS";

/** A reason why something is not well. Plain JSON. */
export interface HealthReason {
  /** The reason, for programs. */
  readonly code: HealthCode;
  /** `failed`: nothing more is accepted until it is opened again. `degraded`: it works, and an operator should look. */
  readonly severity: "degraded" | "failed";
  /** The reason, for people: what is wrong, where, and what is true now. */
  readonly message: string;
  /** The error underneath, with its code if it has one. */
  readonly error?: { readonly code?: string; readonly message: string };
}

/** How an open log, state or queue is. Plain JSON. */
export interface Health {
  /** The worst severity of the reasons; `ok` without any. */
  readonly status: "ok" | "degraded" | "failed";
  /** The reasons, those first for which it has failed. */
  readonly reasons: readonly HealthReason[];
}

/** From when on something is worth a look. */
export interface HealthOptions {
  /**
   * How many bytes must be free on the disk of the log. 0 does not ask. Where the
   * process may not know, the disk is not judged: Deno tells with
   * `--allow-sys=statfs`.
   *
   * @default {256 * 1024 * 1024}
   */
  minFreeBytes?: number;
  /** How many records a consumer may have before it. @default {100_000} */
  maxLag?: number;
}

/** The thresholds, with their defaults. */
export const HEALTH_DEFAULTS: Required<HealthOptions> = {
  minFreeBytes: 256 * 1024 * 1024,
  maxLag: 100_000,
};

/** The checks of the options of `health()`. */
export const HEALTH_CHECKS: Checks<HealthOptions> = {
  minFreeBytes: aThreshold,
  maxLag: aThreshold,
};

/** Checks for a number from 0 to `Infinity`. */
export function aThreshold(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(`${name} must be at least 0, not ${String(value)}`);
}

/** The health for these reasons. */
export function healthFor(reasons: readonly HealthReason[]): Health {
  const failed = reasons.filter(({ severity }) => severity === "failed");
  const degraded = reasons.filter(({ severity }) => severity !== "failed");
  const status = failed.length > 0
    ? "failed"
    : degraded.length > 0
    ? "degraded"
    : "ok";
  return { status, reasons: [...failed, ...degraded] };
}

/** The health of something with reasons of its own, which stand for those of the same code below it. */
export function healthAbove(
  own: readonly HealthReason[],
  below: Health = healthFor([]),
): Health {
  const others = below.reasons.filter(({ code }) =>
    !own.some((reason) => reason.code === code)
  );
  return healthFor([...own, ...others]);
}

/** A reason for which nothing works. */
export function failed(
  code: HealthCode,
  message: string,
  error?: unknown,
): HealthReason {
  return reason(code, "failed", message, error);
}

/** A reason to look. */
export function degraded(
  code: HealthCode,
  message: string,
  error?: unknown,
): HealthReason {
  return reason(code, "degraded", message, error);
}

/** The reasons of what was closed: nothing else is judged. */
export function closedHealth(what: string): Health {
  const message = `${what} was closed: open it again to use it`;
  return healthFor([failed("CLOSED", message)]);
}

/** The reason of what accepts nothing more; none if nothing has failed. */
export function failedReasons(failure: unknown): HealthReason[] {
  if (failure === undefined) return [];
  const isDeposed = fieldText(failure, "code") === "DEPOSED";
  const code = isDeposed ? "DEPOSED" : "POISONED";
  return [failed(code, messageOf(failure), failure)];
}

/** The reasons that the number of free bytes is; none if that is not known. */
export function diskReasons(
  path: string,
  freeBytes: number | undefined,
  minFreeBytes: number,
): HealthReason[] {
  if (freeBytes === undefined || freeBytes >= minFreeBytes) return [];
  const message = `The disk of "${path}" is nearly full: ${
    size(freeBytes)
  } are free, and minFreeBytes is ${
    size(minFreeBytes)
  }; once it is full, appends fail with NO_SPACE`;
  return [degraded("DISK_NEARLY_FULL", message)];
}

/** A consumer as it is judged. */
interface Consumer {
  readonly name: string;
  readonly position: number;
  readonly lag: number;
  readonly problem?: unknown;
}

/** The reasons that the consumers of a log are. */
export function consumerReasons(
  path: string,
  consumers: readonly Consumer[],
  maxLag: number,
): HealthReason[] {
  return consumers.flatMap(({ name, position, lag, problem }) => {
    const who = `Consumer "${name}" of "${path}"`;
    if (problem !== undefined) {
      const message =
        `${who} has no position that counts, and compaction removes nothing while that is so: ${
          messageOf(problem)
        }`;
      return [degraded("CONSUMER_UNREADABLE", message, problem)];
    }
    if (lag <= maxLag) return [];
    const message = `${who} is ${count(lag, "record")} behind, and maxLag is ${
      grouped(maxLag)
    }: it has committed record ${position}, and compaction keeps what is after that`;
    return [degraded("CONSUMER_BEHIND", message)];
  });
}

function reason(
  code: HealthCode,
  severity: HealthReason["severity"],
  message: string,
  error?: unknown,
): HealthReason {
  if (error === undefined) return { code, severity, message };
  const own = fieldText(error, "code");
  const known = own === undefined ? {} : { code: own };
  const told = { ...known, message: messageOf(error) };
  return { code, severity, message, error: told };
}
