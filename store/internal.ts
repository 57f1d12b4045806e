/** What a repair tool must know of the log: the line format, the judgement of a tail, file names. A name is added here in review. */

export {
  encodeHeader,
  FRAME_BYTES,
  hasPrefix,
  type Header,
  isIntact,
  type Line,
  parseLine,
  PREFIX_BYTES,
} from "./format/line.ts";
export type { LineParser } from "./format/records.ts";
export { shapeOf } from "./format/shape.ts";
export { judgeTail } from "./format/tail.ts";
export { type JournalContext, JournalPaths } from "./journal.ts";
export { lockJournal } from "./lock.ts";
export { contextOf } from "./options.ts";
export { wholeLine } from "./format/rust.ts";
export { isRustJournal, openRustSegments } from "./read/rust_segments.ts";
export { corruptAt, tooLong } from "./corruption.ts";
export {
  assertNeverBegun,
  checkContinuity,
  checkName,
  type Continuation,
  headerOf,
  judgeStart,
  tracesOf,
} from "./read/header.ts";
export {
  scanSegment,
  type SegmentScan,
  tailPlace,
} from "./read/segment_reader.ts";
export { asListed } from "./spelling.ts";
