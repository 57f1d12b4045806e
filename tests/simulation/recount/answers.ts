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
  /** How often a snapshot that nobody has asked for was said to have failed. */
  snapshotFailures = 0;
}
