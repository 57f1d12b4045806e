import { readBlock } from "../fs/blocks.ts";
import { corrupt } from "./corruption.ts";
import {
  NO_RUST_HEADER,
  RustLines,
  RustScanner,
  wholeLine,
} from "./format/rust.ts";
import type { JournalContext } from "./journal.ts";
import { rustTooLong } from "./read/rust_segments.ts";
import type { Recovered } from "./recover.ts";
import { rewriteActive } from "./rewrite.ts";

/** Recovers a journal of the Rust program; the lock is held. */
export async function recoverRustJournal(
  context: JournalContext,
  rotated: readonly string[],
): Promise<Recovered> {
  let before = 0;
  for (const path of rotated) {
    const { records, rest, offset } = await scanRust(context, path);
    if (rest.length > 0) {
      throw corrupt(path, { offset, reason: "a rotated segment is cut short" });
    }
    before += records;
  }
  const { active } = context.paths;
  const { records, rest, offset } = await scanRust(context, active);
  const whole = wholeLine(rest);
  const torn = whole === undefined ? rest : rest.subarray(0, 0);
  const reason = "the last line is unfinished";
  // There is no mark of a clean end, so every end is treated as an unclean one.
  const file = await rewriteActive(context, {
    keepBytes: offset,
    added: whole ?? rest.subarray(0, 0),
    torn,
  });
  const sequence = before + records + (whole === undefined ? 0 : 1);
  return {
    file,
    header: { journal: "", base: before, prev: "" },
    sequence,
    sizeBytes: offset + (whole?.length ?? 0),
    chain: 0,
    isMarked: false,
    applied: 0,
    sealed: [],
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
async function scanRust(
  { fs, maxRecordBytes }: JournalContext,
  path: string,
): Promise<{ records: number; rest: Uint8Array<ArrayBuffer>; offset: number }> {
  const file = await fs.open(path, "read");
  try {
    const scanner = new RustScanner(maxRecordBytes);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const parser = new RustLines(0, (damage) => corrupt(path, damage));
    for (;;) {
      const block = await readBlock(file);
      const lines = scanner.push(block);
      const text = decodeOrRefuse(decoder, lines, path, parser.line + 1);
      for (const record of text.split("\n").slice(0, -1)) {
        parser.parse(record);
      }
      if (scanner.isBroken) {
        const place = { line: parser.line + 1, offset: scanner.offset };
        throw rustTooLong(path, place, maxRecordBytes);
      }
      if (block.length === 0) {
        if (parser.line === 0) {
          throw corrupt(path, { line: 1, reason: NO_RUST_HEADER });
        }
        return {
          records: parser.next - 1,
          rest: scanner.rest,
          offset: scanner.offset,
        };
      }
    }
  } finally {
    await file.close();
  }
}

function decodeOrRefuse(
  decoder: TextDecoder,
  lines: Uint8Array,
  path: string,
  line: number,
): string {
  try {
    return decoder.decode(lines);
  } catch {
    throw corrupt(path, {
      line,
      reason: "at or after this line the file is not UTF-8",
    });
  }
}
