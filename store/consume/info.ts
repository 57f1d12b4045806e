import type { MiniError } from "../../base/errors.ts";

/** A consumer of a log, as a list of them has it. */
export interface ConsumerInfo {
  /** Its name. */
  readonly name: string;
  /** The number of the last record that it has committed; 0 with a `problem`. */
  readonly position: number;
  /** The number of records after its position. */
  readonly lag: number;
  /** Why its position counts for nothing: its file is damaged, cannot be read, or does not belong to the log as it is now. It holds compaction where it is. */
  readonly problem?: MiniError;
}
