import { Trace } from "../base/telemetry/tracing.ts";

/** A snapshot, on `mini-state:snapshot`. */
export interface SnapshotMessage {
  /** The directory. */
  readonly path: string;
  /** The id of the log, if it has one. */
  readonly logId?: string;
  /** The number of the record that the state stands at. */
  readonly seq: number;
  /** The size of its file, once it is durable. */
  sizeBytes?: number;
}

export const SNAPSHOT: Trace<SnapshotMessage> = new Trace(
  "mini-state:snapshot",
);
