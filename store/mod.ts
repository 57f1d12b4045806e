/**
 * A durable log in JSONL that a person can read.
 *
 * A record is fsynced before `append` resolves and replays in exactly the order
 * in which it was appended. Concurrent appends share an fsync.
 *
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<{ set: number }>(path);
 * await store.append({ set: 42 });
 * for await (const { seq, data } of store.replay()) {
 *   assertEquals([seq, data.set], [1, 42]);
 * }
 * ```
 *
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type { MiniErrorCode, MiniErrorOptions } from "../base/errors.ts";
export type {
  BlockingFileHandle,
  BlockingFileLock,
  BlockingFileSystem,
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "../fs/file_system.ts";
export { systemFileSystem } from "../fs/system.ts";
export type {
  AppendOptions,
  CompactionReport,
  FileCompactionReport,
  FollowOptions,
  Log,
  LogReader,
  LogRecord,
  ReplayRange,
} from "./log.ts";
export type { ConsumerInfo } from "./consume/info.ts";
export type { Consumer } from "./consumer.ts";
export type {
  CompactOptions,
  FollowPathOptions,
  KeepOptions,
  ReadableOptions,
  ReaderOptions,
  ReadOptions,
  ReplayOptions,
  StoreOptions,
} from "./options.ts";
export type { RecoveryReport } from "./recover.ts";
export type { Schema, SchemaIssue, SchemaResult } from "../base/schema.ts";
export type {
  AppendMessage,
  CommitMessage,
  CompactMessage,
  LogFailureMessage,
  LogOpenMessage,
  RotateMessage,
  SlowMessage,
  StoreMetrics,
  TornMessage,
} from "./telemetry.ts";
export type {
  Health,
  HealthCode,
  HealthOptions,
  HealthReason,
} from "../base/telemetry/health.ts";
export type { Histogram } from "../base/telemetry/histogram.ts";
export { MiniStore } from "./store.ts";
