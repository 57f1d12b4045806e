import type { Histogram } from "../base/telemetry/histogram.ts";
import { Point, Trace } from "../base/telemetry/tracing.ts";
import type { MiniError } from "../base/errors.ts";
import type { RecoveryReport } from "./recover.ts";

/** An opening of a log, on `mini-state:open`. */
export interface LogOpenMessage {
  /** The kind of thing that is opened. */
  readonly kind: "store";
  /** The file of the active segment. */
  readonly path: string;
  /** How opening found the log, once it has succeeded. */
  recovery?: RecoveryReport;
}

/**
 * An append of one caller, on `mini-state:append`: from the call until the records
 * are acknowledged. One that is part of an observed `mini-state:apply` is told there alone.
 */
export interface AppendMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The number of records. */
  readonly records: number;
  /** The number of the last of them, once they are acknowledged. */
  seq?: number;
}

/** A commit, on `mini-state:commit`: one write, and one fsync if a caller waits for it. */
export interface CommitMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The log's id; left out for a journal of the Rust program. */
  readonly logId?: string;
  /** The number of its first record. */
  readonly first: number;
  /** The number of its last record. */
  readonly last: number;
  /** The number of records. */
  readonly records: number;
  /** The number of callers that share it. */
  readonly callers: number;
  /**
   * The messages of those whose own operation is observed: an
   * {@linkcode AppendMessage}, or the message of a state's `mini-state:apply`.
   */
  readonly appends: readonly object[];
  /** Whether a caller waits for the fsync. */
  readonly durable: boolean;
  /** The bytes that are written, once they are encoded. */
  bytes?: number;
  /** How long the write took, in milliseconds, once it has succeeded. */
  writeMs?: number;
  /** How long the fsync took, in milliseconds, once it has succeeded; 0 if there is none. */
  syncMs?: number;
}

/** A rotation, on `mini-state:rotate`. */
export interface RotateMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The number of the last record of the segment that is sealed. */
  readonly last: number;
}

/** A compaction of a log, by a call or to what the log keeps, on `mini-state:compact`. */
export interface CompactMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The highest number that may be removed. */
  readonly upTo: number;
  /** The number of files that were removed, once it has succeeded. */
  removed?: number;
  /** Their bytes. */
  removedBytes?: number;
  /** The number of the first record that is left. */
  firstSequence?: number;
}

/** A failure of a log, on `mini-state:poisoned` and `mini-state:no-space`. */
export interface LogFailureMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The failure, with code `POISONED` or `NO_SPACE`. */
  readonly error: MiniError;
}

/** An unfinished write that opening has cut off, on `mini-state:torn`. */
export interface TornMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** The number of bytes that were cut off. */
  readonly tornBytes: number;
  /** The file that keeps them. */
  readonly tornPath?: string;
}

/** A commit whose fsync took `slowMs` or longer, on `mini-state:slow`. */
export interface SlowMessage {
  /** The file of the active segment. */
  readonly path: string;
  /** How long the fsync took, in milliseconds. */
  readonly syncMs: number;
  /** The number of records in the commit. */
  readonly records: number;
  /** The number of appends that wait for the next one. */
  readonly waiting: number;
}

export const OPEN: Trace<LogOpenMessage> = new Trace("mini-state:open");
export const APPEND: Trace<AppendMessage> = new Trace("mini-state:append");
export const COMMIT: Trace<CommitMessage> = new Trace("mini-state:commit");
export const ROTATE: Trace<RotateMessage> = new Trace("mini-state:rotate");
export const COMPACT: Trace<CompactMessage> = new Trace("mini-state:compact");
export const POISONED: Point<LogFailureMessage> = new Point(
  "mini-state:poisoned",
);
export const NO_SPACE: Point<LogFailureMessage> = new Point(
  "mini-state:no-space",
);
export const TORN: Point<TornMessage> = new Point("mini-state:torn");
export const SLOW: Point<SlowMessage> = new Point("mini-state:slow");

/** The numbers of an open log since it was opened. Plain JSON. */
export interface StoreMetrics {
  /** The kind of thing that was measured. */
  readonly kind: "store";
  /** The number of records that were acknowledged. */
  readonly records: number;
  /** The bytes that were written for them. */
  readonly bytes: number;
  /** The number of appends that wait to be acknowledged. */
  readonly waiting: number;
  /** The number of commits that failed, with all their appends. */
  readonly failures: number;
  /** The number of segments that were sealed. */
  readonly rotations: number;
  /** How long opening took, in milliseconds. */
  readonly openMs: number;
  /** How long each commit took from its first byte to its acknowledgement, in milliseconds. */
  readonly commitMs: Histogram;
  /** How long the fsync of each durable commit took, in milliseconds. Those of `sync()` and of rotations are not counted. */
  readonly syncMs: Histogram;
  /** How many callers shared each commit. */
  readonly callers: Histogram;
}
