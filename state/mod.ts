/**
 * State that survives a crash: every mutation is logged, then applied.
 *
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * await using counter = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: () => ({ value: 0 }),
 *   apply: (state, op: { by: number }) => {
 *     state.value += op.by;
 *   },
 * });
 * await counter.apply({ by: 10 }); // durable, then applied
 * assertEquals(counter.state.value, 10);
 * ```
 *
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type { MiniErrorCode, MiniErrorOptions } from "../base/errors.ts";
export type {
  AppendOptions,
  CompactionReport,
  FileSystem,
  FollowOptions,
  Log,
  LogReader,
  LogRecord,
  ReplayRange,
} from "../store/mod.ts";
export type {
  CreateOptions,
  RejectedSnapshot,
  SnapCodec,
  SnapshotInfo,
  SnapshotReader,
  Snapshots,
  StoredSnapshot,
} from "../snap/mod.ts";
export type { Schema, SchemaIssue, SchemaResult } from "../base/schema.ts";
export { type Batch, batch } from "./batch.ts";
export type { Retention } from "./compaction/retention.ts";
export type {
  Health,
  HealthCode,
  HealthOptions,
  HealthReason,
} from "../base/telemetry/health.ts";
export { StateManager } from "./manager.ts";
export type { Histogram } from "../base/telemetry/histogram.ts";
export type {
  AbortedMessage,
  ApplyMessage,
  DeposedMessage,
  StateMetrics,
  StateOpenMessage,
} from "./telemetry.ts";
export type {
  AppliedMutation,
  ApplyOptions,
  StateOptions,
  StateRecoveryReport,
} from "./options.ts";
export type { StateViewOptions, StateViewSource } from "./view/options.ts";
export type { PromoteOptions } from "./view/promote.ts";
export { StateView } from "./view/view.ts";
export type { DeepReadonly } from "./view/readonly.ts";
