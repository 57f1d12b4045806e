import { isUtf8 } from "node:buffer";
import { corruptAt } from "./corruption.ts";
import type { JournalContext } from "./journal.ts";
import {
  assertNoneMissing,
  openRustSegments,
  type SealedFile,
} from "./read/rust_segments.ts";
import type { OpenSegment } from "./read/segment_reader.ts";
import {
  type Recovered,
  rewriteActive,
  type SealedSegment,
} from "./recover.ts";

/** Recovers a journal of the Rust program; the lock is held. */
export async function recoverRustJournal(
  context: JournalContext,
  rotated: readonly SealedFile[],
): Promise<Recovered> {
  assertNoneMissing(context, rotated);
  const sealed: SealedSegment[] = [];
  let last: OpenSegment | undefined;
  let whole: Uint8Array<ArrayBuffer> | undefined;
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  for await (const segment of openRustSegments(context, rotated)) {
    const { reader, header: { base }, isActive } = segment;
    try {
      await checkLines(context, segment);
      if (reader.hasRest) {
        whole = await segment.judgeEnd(isActive ? "active" : "sealed");
      }
      rest = await reader.rest();
    } finally {
      await reader.close();
    }
    const { path, offset: sizeBytes } = reader;
    if (!isActive) sealed.push({ path, base, sizeBytes });
    last = segment;
  }
  const { header, lines, reader: { offset } } = last!;
  const nothing = rest.subarray(0, 0);
  const torn = whole === undefined ? rest : nothing;
  const reason = "the last line is unfinished";
  // There is no mark of a clean end, so every end is treated as an unclean one.
  const file = await rewriteActive(context, {
    keepBytes: offset,
    added: whole ?? nothing,
    torn,
  });
  const sequence = lines.next - 1 + (whole === undefined ? 0 : 1);
  return {
    file,
    header,
    sequence,
    sizeBytes: offset + (whole?.length ?? 0),
    chain: 0,
    isMarked: false,
    applied: 0,
    at: undefined,
    sealed,
    report: {
      outcome: torn.length > 0 ? "torn" : "unclean",
      sequence,
      segments: rotated.length + 1,
      tornBytes: torn.length,
      ...(torn.length > 0 && { tornPath: context.paths.torn, reason }),
    },
  };
}

/** Counts the records of a segment, and checks that each is JSON. */
async function checkLines(
  { fs }: JournalContext,
  { reader, lines }: OpenSegment,
): Promise<void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const { lines: bytes, offset } of reader.blocks()) {
    if (!isUtf8(bytes)) {
      const reason = "from this line on the file is not all UTF-8";
      throw await corruptAt(fs, reader.path, offset, { reason });
    }
    const texts = decoder.decode(bytes).slice(0, -1).split("\n");
    for (const text of texts) lines.parse(text, 0);
  }
}
