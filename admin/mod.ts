/**
 * Verify, back up, repair and show a log, its snapshots and its queue, by functions with typed reports.
 *
 * @experimental
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type {
  MiniErrorCode,
  MiniErrorOptions,
  SchemaIssue,
} from "../base/errors.ts";
export type {
  Health,
  HealthCode,
  HealthReason,
} from "../base/telemetry/health.ts";
export type { Finding, Place, Remedy } from "./finding.ts";
export type { AdminOptions, AdminProgress } from "./options.ts";
export { backup } from "./backup/backup.ts";
export type { BackupReport } from "./backup/backup.ts";
export type { CopyReport } from "./backup/copy.ts";
export { adopt } from "./adopt/adopt.ts";
export type { AdoptOptions, AdoptReport } from "./adopt/adopt.ts";
export { convert } from "./convert.ts";
export type { ConvertReport } from "./convert.ts";
export { salvage } from "./salvage/salvage.ts";
export type {
  CopiedRecords,
  LeftOutLine,
  PassedOver,
  SalvageReport,
} from "./salvage/report.ts";
export { salvageRecords } from "./salvage/salvage_records.ts";
export type { SalvageRecordsOptions } from "./salvage/salvage_records.ts";
export type {
  DamagedLine,
  LinePlace,
  SalvagedRecords,
  Wants,
} from "./salvage/records.ts";
export type { Renumbered } from "./journal_builder.ts";
export type { LostPart } from "./adopt/values.ts";
export type {
  BlockingFileHandle,
  BlockingFileLock,
  BlockingFileSystem,
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "../fs/file_system.ts";
export { restore } from "./backup/restore.ts";
export type { RestoreReport } from "./backup/restore.ts";
export type { SegmentEnd } from "./read/segment_check.ts";
export type { ConsumerReport } from "./read/consumers.ts";
export type { SegmentSummary } from "./read/log_summary.ts";
export { stat } from "./stat.ts";
export type { QueueReport, SnapshotFile, StatReport } from "./stat.ts";
export { verify, verifySegments, verifySnapshots } from "./verify.ts";
export type {
  SegmentReport,
  SeqRange,
  SnapshotReport,
  VerifyReport,
} from "./verify.ts";
export { repair } from "./repair/repair.ts";
export type {
  NoRepair,
  Repair,
  RepairOptions,
  RepairReport,
} from "./repair/repair.ts";
