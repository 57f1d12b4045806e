/** The parts of the log that a repair tool needs beyond `mod.ts`: line format, reading, file names, lock. A name is added here in review. */

export {
  judgePositions,
  listConsumers,
  type ReadPosition,
  readPositions,
} from "./consume/hold.ts";
export { removeConsumer } from "./consume/open.ts";
export { corrupt, corruptAt } from "./corruption.ts";
export {
  encodeHeader,
  FRAME_BYTES,
  hasPrefix,
  type Header,
  isIntact,
  type Line,
  parseLine,
  PREFIX_BYTES,
  type Unit,
} from "./format/line.ts";
export { isRustHeader, RustLines, wholeLine } from "./format/rust.ts";
export { shapeOf } from "./format/shape.ts";
export { contextOf, type JournalContext, JournalPaths } from "./journal.ts";
export { lockJournal } from "./lock.ts";
export { type OpenJournal, openJournal } from "./open.ts";
export {
  assertNeverBegun,
  checkContinuity,
  checkName,
  type Continuation,
  headless,
  tracesOf,
} from "./read/header.ts";
export {
  firstTime,
  judgeEnd,
  readHeader,
  scanSegment,
  type SegmentScan,
} from "./read/native_segments.ts";
export type { SealedFile } from "./read/rust_segments.ts";
export { type Format, listSegments } from "./read/segments.ts";
export { SECOND_LOOK_MS, untilStable } from "./read/until_stable.ts";
export { asListed } from "./spelling.ts";
