/**
 * Atomic snapshots of a state, in JSON that a person can read.
 *
 * A snapshot is complete, durable and read back, or does not exist. A damaged one
 * is set aside, and the one before it restored.
 *
 * ```ts
 * import { SnapStore } from "@mini/state/snap";
 * import { assertEquals } from "@std/assert";
 *
 * const snaps = new SnapStore<{ value: number }>(await Deno.makeTempDir());
 * await snaps.create({ value: 1 }, 1);
 * await snaps.create({ value: 2 }, 2);
 * assertEquals((await snaps.restore())?.state, { value: 2 });
 * ```
 *
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type { MiniErrorCode, MiniErrorOptions } from "../base/errors.ts";
export type { Schema, SchemaIssue, SchemaResult } from "../base/schema.ts";
export type { SnapCodec } from "../base/codec.ts";
export type { SnapOptions } from "./options.ts";
export { SnapStore } from "./snap_store.ts";
export type {
  CreateOptions,
  RejectedSnapshot,
  SnapshotInfo,
  SnapshotReader,
  Snapshots,
  StoredSnapshot,
} from "./snapshots.ts";
export type { SnapshotMessage } from "./telemetry.ts";
