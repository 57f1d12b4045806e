import { assertOptions } from "../base/checks.ts";
import { messageOf } from "../base/reason.ts";
import {
  closedHealth,
  degraded,
  failedReasons,
  type Health,
  HEALTH_CHECKS,
  healthAbove,
  type HealthOptions,
} from "../base/telemetry/health.ts";
import {
  DURATIONS_MS,
  type Histogram,
  ValueCounter,
} from "../base/telemetry/histogram.ts";
import { Point, quietly, Trace } from "../base/telemetry/tracing.ts";
import type { Log } from "../store/mod.ts";
import type { MiniError } from "../base/errors.ts";
import type { StateRecoveryReport } from "./options.ts";

/** An opening of a state, on `mini-state:open`: its log and its snapshots are opened within. */
export interface StateOpenMessage {
  /** The kind of thing that is opened. */
  readonly kind: "state";
  /** The directory, if it has one. */
  readonly path?: string;
  /** The report of opening, once it has succeeded. */
  recovery?: StateRecoveryReport;
}

/** One record of mutations, on `mini-state:apply`: from its logging until the state has it. */
export interface ApplyMessage {
  /** The directory, if it has one. */
  readonly path?: string;
  /** The id of the log, if it has one. */
  readonly logId?: string;
  /** The number of mutations. */
  readonly mutations: number;
  /** The number of the record, once it is applied. */
  seq?: number;
}

/** A mutation for which `apply` threw, on `mini-state:aborted`. It has no effect. */
export interface AbortedMessage {
  /** The directory, if the state has one. */
  readonly path?: string;
  /** The id of the log, if it has one. */
  readonly logId?: string;
  /** The number of the record. */
  readonly seq: number;
  /** The error that `apply` threw. */
  readonly cause: unknown;
}

/** A log that another owner has taken over, on `mini-state:deposed`: the state applies nothing more. */
export interface DeposedMessage {
  /** The directory, if the state has one. */
  readonly path?: string;
  /** The id of the log, if it has one. */
  readonly logId?: string;
  /** The failure, with code `DEPOSED`. */
  readonly error: MiniError;
}

export const OPEN: Trace<StateOpenMessage> = new Trace("mini-state:open");
export const APPLY: Trace<ApplyMessage> = new Trace("mini-state:apply");
export const ABORTED: Point<AbortedMessage> = new Point("mini-state:aborted");
const DEPOSED: Point<DeposedMessage> = new Point("mini-state:deposed");

/** The numbers of an open state since it was opened. Plain JSON. */
export interface StateMetrics {
  /** The kind of thing that was measured. */
  readonly kind: "state";
  /** The number of records that were applied. */
  readonly records: number;
  /** The number of records that were aborted: mutations for which `apply` threw. */
  readonly aborted: number;
  /** The number of records that are being logged, or wait to be applied. */
  readonly waiting: number;
  /** How long opening took, in milliseconds. */
  readonly openMs: number;
  /** The number of records that opening has replayed. */
  readonly replayed: number;
  /** The number of automatic snapshots and compactions that failed. */
  readonly snapshotFailures: number;
  /** How long each snapshot took, in milliseconds. */
  readonly snapshotMs: Histogram;
}

/** Counts what a state does. */
export class StateMeter {
  readonly snapshotMs: ValueCounter = new ValueCounter(DURATIONS_MS);
  records = 0;
  aborted = 0;
  openMs = 0;
  replayed = 0;
  snapshotFailures = 0;

  /** Everything counted so far. */
  read(waiting: number): StateMetrics {
    const { records, aborted, openMs, replayed, snapshotFailures } = this;
    const snapshotMs = this.snapshotMs.read();
    const counted = { records, aborted, waiting, openMs, replayed };
    return { kind: "state", ...counted, snapshotFailures, snapshotMs };
  }
}

/** The parts of a message that tell which state it is about. */
export function placeOf(
  path: string | undefined,
  logId: string | undefined,
): { path?: string; logId?: string } {
  return {
    ...path !== undefined && { path },
    ...logId !== undefined && { logId },
  };
}

function setSeq(message: ApplyMessage, seq: number): void {
  message.seq = seq;
}

/** Tells that the operation of a message has succeeded, with record `seq`. */
export function tellApplied(message: ApplyMessage, seq: number): void {
  quietly(setSeq, message, seq);
  APPLY.succeed(message);
}

/** Tells why a state has failed, if its log was taken over. */
export function tellEnd(
  error: MiniError,
  path: string | undefined,
  logId: string | undefined,
): void {
  if (error.code !== "DEPOSED") return;
  DEPOSED.tell(() => ({ ...placeOf(path, logId), error }));
}

/** A state that was opened, and what counts its work. */
interface Opened<T> {
  readonly opened: T;
  readonly meter: StateMeter;
}

/** Opens a state, tells of it, and counts how long that took. */
export async function openTold<
  T extends { readonly recovery: StateRecoveryReport },
>(
  dir: string | undefined,
  open: () => Promise<Opened<T>>,
): Promise<T> {
  const start = performance.now();
  const about = (): StateOpenMessage => ({
    kind: "state",
    ...placeOf(dir, undefined),
  });
  const { opened, meter } = await OPEN.run(
    about,
    open,
    (message, { opened }) => {
      message.recovery = opened.recovery;
    },
  );
  meter.openMs = performance.now() - start;
  meter.replayed = opened.recovery.replayed;
  return opened;
}

/** The parts of a state that its health depends on. */
interface Judged {
  readonly dir: string | undefined;
  readonly failure: unknown;
  readonly snapshotFailure: unknown;
}

/** Judges a state and its log. Rejects for wrong options alone. */
export async function stateHealth(
  log: Pick<Log<unknown>, "health">,
  options: HealthOptions,
  { dir, failure, snapshotFailure }: Judged,
  isClosed: boolean,
): Promise<Health> {
  assertOptions("health()", options, HEALTH_CHECKS);
  const place = dir === undefined ? "" : ` in "${dir}"`;
  if (isClosed) return closedHealth(`The state${place}`);
  const reasons = failedReasons(failure);
  if (snapshotFailure !== undefined) {
    const message =
      `The last snapshot or compaction that the state${place} made by itself failed, which loses no record, and opening replays those after the newest snapshot: ${
        messageOf(snapshotFailure)
      }`;
    reasons.push(degraded("SNAPSHOT_FAILING", message, snapshotFailure));
  }
  return healthAbove(reasons, await log.health?.(options));
}
