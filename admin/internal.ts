/** The parts of this brick that `cli/` and `inspect/` need beyond `mod.ts`. A name is added here in review. */

export { lookInto } from "../queue/internal.ts";
export { optionsOf, viewOptionsOf } from "../state/internal.ts";
export {
  type JournalContext,
  readHeader,
  readPositions,
  removeConsumer,
  SECOND_LOOK_MS,
  untilStable,
} from "../store/internal.ts";
export { changeQueue } from "./change_queue.ts";
export {
  bareMessage,
  type Complaint,
  explain,
  type Finding,
} from "./finding.ts";
export {
  asCommands,
  nextAfter,
  nextFor,
  putBackHint,
  salvageCommand,
} from "./text/next_step.ts";
export { counted } from "./options.ts";
export { isSetAside, lostIn, tornMessage } from "./read/consistency.ts";
export { type ConsumerReport, consumersOf } from "./read/consumers.ts";
export { fingerprint, footprint } from "./read/fingerprint.ts";
export { filesHealth, type Judged, overdueIn } from "./read/health.ts";
export {
  currentView,
  delayOf,
  depthOf,
  isQueue,
  kindOfEntry,
  type LedgerView,
  QueueOnDisk,
  readQueue,
  standingOf,
} from "./read/ledger.ts";
export { locate, locateOrLost, reading } from "./read/locate.ts";
export {
  type LogSummary,
  measureSegments,
  summarizeDamagedLog,
  summarizeLog,
} from "./read/log_summary.ts";
export { readOnlyLog, steadily } from "./read/read_only.ts";
export { checkSegments, type SegmentCheck } from "./read/segment_check.ts";
export {
  checkSnapshots,
  leftovers,
  listThere,
  setAsideIn,
} from "./read/snapshot_check.ts";
export { isRustLog, stateParts } from "./read/state_parts.ts";
export { salvagedLines } from "./salvage/reader.ts";
export type { DamagedLine, SalvagedRecords, Wants } from "./salvage/records.ts";
export { queueReport } from "./stat.ts";
export { KnownAborts } from "./states/known_aborts.ts";
export { QUEUE, type ReducerOptions, StateMaker } from "./states/maker.ts";
export { isWell } from "./verify.ts";
export { consumerLines } from "./text/consumers.ts";
export type { Paint, Style } from "./text/paint.ts";
export { queueLines, timeText } from "./text/queue.ts";
export { statLines } from "./text/stat.ts";
export { verifyLines } from "./text/verify.ts";
