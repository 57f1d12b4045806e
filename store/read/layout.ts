import { hex } from "../../base/bytes.ts";
import type { JournalContext } from "../journal.ts";
import { assertNoneMissing, openRustAt } from "./rust_segments.ts";
import type { OpenSegment } from "./segment_reader.ts";
import {
  openFirst,
  openNamed,
  openSegment,
  type ReadStart,
  type SegmentList,
} from "./segments.ts";

/** Where a segment stands in its log, and the number before its first record. */
export interface SegmentKey {
  /** Its base, or how many segments of a Rust journal are before it. */
  readonly key: number;
  readonly base: number;
}

/** The segments of a log that somebody else writes, whatever their files are called now. */
export interface Layout {
  readonly context: JournalContext;
  readonly isNative: boolean;
  /** Opens the segment where a reader starts, by default the first; `undefined` if there is none. */
  first(start?: ReadStart): Promise<OpenSegment | undefined>;
  /** Opens a segment by its place; `undefined` if there is none. */
  find(segment: SegmentKey): Promise<OpenSegment | undefined>;
  /** Opens the segment after one that was read to its end; `undefined` if there is none yet. */
  after(segment: OpenSegment): Promise<OpenSegment | undefined>;
  /** The path of a segment once it is complete. */
  sealedPath(segment: SegmentKey): string;
}

/** The layout of a journal whose segments were listed. */
export function layoutOf(
  context: JournalContext,
  { format, sealed }: SegmentList,
): Layout {
  const { paths } = context;
  if (format === "mini") {
    return {
      context,
      isNative: true,
      first: (start = {}) => openFirst(context, start, undefined),
      find: ({ base }) => openNamed(context, base),
      after: ({ header: { journal }, lines, reader }) => {
        const base = lines.next - 1;
        const expected = { journal, base, prev: hex(reader.chain) };
        return openSegment(context, base, expected, undefined);
      },
      sealedPath: ({ base }) => paths.sealed(base),
    };
  }
  assertNoneMissing(context, sealed);
  return {
    context,
    isNative: false,
    first: () => openRustAt(context, 0, 0),
    find: ({ key, base }) => openRustAt(context, key, base),
    after: ({ key, lines }) => openRustAt(context, key + 1, lines.next - 1),
    sealedPath: ({ key }) => paths.rustSegment(key + 1),
  };
}
