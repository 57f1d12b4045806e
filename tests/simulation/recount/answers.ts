/** A write that has succeeded, as its caller was answered. */
export interface Written {
  /** The number of its last record. */
  readonly seq: number;
  /** The number of its records in a log, of its mutations in a state. */
  readonly count: number;
  readonly isDurable: boolean;
}

/** A compaction as its caller was answered. */
export interface Compacted {
  readonly removed: readonly string[];
  readonly removedBytes: number;
  readonly firstSequence: number;
}

/** The answers that the callers of a process were given. */
export class Answers {
  readonly written: Written[] = [];
  /** The errors of writes that have failed, but for what was refused because it was closed. */
  readonly refused: unknown[] = [];
  readonly compacted: Compacted[] = [];
  /** The messages of calls of `enqueue`. */
  readonly enqueued: { readonly id: number; readonly deduplicated: boolean }[] =
    [];
  /** The messages that a mutation has enqueued, and acknowledged. */
  sent = 0;
  acked = 0;
  /** The messages that may have been taken in from an inbox. */
  posted = 0;
  /** Deliveries of calls of `receive`, and of handlers: id and attempt. */
  readonly received: string[] = [];
  readonly handled: string[] = [];
  /** Deliveries that were settled: id and how. */
  readonly settled: string[] = [];
  readonly cancelled: number[] = [];
  /** How often a snapshot that nobody has asked for was said to have failed. */
  snapshotFailures = 0;
}
