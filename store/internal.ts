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
export { JournalPaths } from "./journal.ts";
export { lockHolder, takeLock } from "./lock.ts";
export { contextOf } from "./options.ts";
export { isRustJournal, openRustSegments, wholeLine } from "./rust.ts";
export {
  assertNeverBegun,
  checkName,
  checkSeam,
  corruptAt,
  headerOf,
  type JournalContext,
  judgeStart,
  scanSegment,
  type Seam,
  type SegmentScan,
  tailPlace,
  tooLong,
  tracesOf,
} from "./segment.ts";
export { asListed } from "./spelling.ts";
