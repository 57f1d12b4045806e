import { NEWLINE } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../../fs/blocks.ts";
import { openIfThere } from "../../fs/directory.ts";
import { corrupt } from "../corruption.ts";
import {
  NO_RUST_HEADER,
  RUST_HEADER_START,
  RustLines,
  RustScanner,
  wholeLine,
} from "../format/rust.ts";
import type { JournalContext } from "../journal.ts";
import type { OpenSegment } from "./segments.ts";

/** Whether the file at `path` is a journal of the Rust program. */
export async function isRustJournal(
  context: JournalContext,
  path: string,
): Promise<boolean> {
  const file = await openIfThere(context, path);
  if (file === undefined) return false;
  try {
    const start = await readBlock(file, RUST_HEADER_START.length);
    return new TextDecoder().decode(start) === RUST_HEADER_START;
  } finally {
    await file.close();
  }
}

/** The segments of a log, oldest first. */
export async function* openRustSegments(
  context: JournalContext,
  rotated: readonly string[],
): AsyncGenerator<OpenSegment, void, undefined> {
  const { fs, paths, maxRecordBytes } = context;
  let base = 0;
  for (const path of [...rotated, paths.active]) {
    await assertHeader(context, path);
    const lines = new RustLines(base, (damage) => corrupt(path, damage));
    const scanner = new RustScanner(maxRecordBytes);
    yield {
      path,
      journal: "",
      base,
      file: await fs.open(path, "read"),
      first: undefined,
      isActive: path === paths.active,
      scanner,
      lines,
      judge(_last, mayBeTorn) {
        const { isBroken, offset, rest } = scanner;
        if (isBroken) throw rustTooLong(path, { offset }, maxRecordBytes);
        if (mayBeTorn) return Promise.resolve(wholeLine(rest));
        throw corrupt(path, { reason: "a segment is cut short" });
      },
    };
    base = lines.next - 1;
  }
}

/** Throws for a segment whose first line is not whole: one that was cut, since others say whose it is. */
async function assertHeader(
  { fs }: JournalContext,
  path: string,
): Promise<void> {
  const file = await fs.open(path, "read");
  try {
    const start = await readBlock(file, FIRST_BLOCK_BYTES);
    if (!start.includes(NEWLINE)) {
      throw corrupt(path, { line: 1, reason: NO_RUST_HEADER });
    }
  } finally {
    await file.close();
  }
}

/** The error for a line over the limit. */
export function rustTooLong(
  path: string,
  place: { line?: number; offset: number },
  maxRecordBytes: number,
): MiniError {
  return new MiniError(
    "TOO_LARGE",
    `Cannot read "${path}" (offset ${place.offset}): the line there is over maxRecordBytes, ${maxRecordBytes}`,
    { path, ...place },
  );
}
