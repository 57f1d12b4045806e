import { readBlock } from "../../fs/blocks.ts";
import { openIfExists } from "../../fs/directory.ts";
import { corrupt, tooLong } from "../corruption.ts";
import {
  isRustHeader,
  RUST_HEADER_START,
  RustLines,
  RustScanner,
  wholeLine,
} from "../format/rust.ts";
import type { JournalContext } from "../journal.ts";
import {
  type CommittedEnd,
  type OpenSegment,
  SegmentReader,
} from "./segment_reader.ts";

/** A complete segment, as its name tells. */
export interface SealedFile {
  readonly path: string;
  /** The number before its first record; `undefined` if the Rust program wrote it: only reading tells. */
  readonly base?: number;
}

/** Whether the file at `path` is a journal of the Rust program. */
export async function isRustJournal(
  { fs }: JournalContext,
  path: string,
): Promise<boolean> {
  const file = await openIfExists(fs, path);
  if (file === undefined) return false;
  try {
    const start = await readBlock(file, RUST_HEADER_START.length);
    return new TextDecoder().decode(start) === RUST_HEADER_START;
  } finally {
    await file.close();
  }
}

/** Throws if a rotated segment is missing: a record's number is its place, so all later records would have other numbers. */
export function assertNoneMissing(
  { paths }: JournalContext,
  rotated: readonly SealedFile[],
): void {
  for (const [index, { path }] of rotated.entries()) {
    const expected = paths.rustSegment(index + 1);
    if (path === expected) continue;
    throw corrupt(path, { reason: `"${expected}", before it, is missing` });
  }
}

/** Opens the segments of a log, oldest first. Each is to be read before the next. */
export async function* openRustSegments(
  context: JournalContext,
  rotated: readonly SealedFile[],
  live?: CommittedEnd,
): AsyncGenerator<OpenSegment, void, undefined> {
  const { active } = context.paths;
  let base = 0;
  for (const { path } of [...rotated, { path: active }]) {
    // The base does not tell a rotated segment without records from the next one.
    const limit = path === active ? live?.limitOf(base) : undefined;
    const segment = await openRustSegment(context, path, base, limit);
    yield segment;
    base = segment.lines.next - 1;
  }
}

async function openRustSegment(
  context: JournalContext,
  path: string,
  base: number,
  limit: number | undefined,
): Promise<OpenSegment> {
  const { fs, paths, maxRecordBytes } = context;
  const header = { journal: "", base, prev: "" };
  const scanner = new RustScanner(maxRecordBytes);
  const isActive = path === paths.active;
  const reader = await SegmentReader.at(path, await fs.open(path, "read"), {
    scanner,
    headerOf(line) {
      if (scanner.isBroken || isRustHeader(line)) return header;
      const reason = "the first line is not a ministore header";
      throw corrupt(path, { line: 1, reason });
    },
    ...(limit !== undefined && { limit }),
  });
  return {
    reader,
    header,
    isActive,
    lines: new RustLines(base, (damage) => corrupt(path, damage)),
    async judgeEnd(isAcknowledged) {
      const { isBroken, offset, rest } = scanner;
      if (isBroken) {
        const reason = "the line is too long";
        throw await tooLong(context, path, { reason, offset });
      }
      if (isActive && !isAcknowledged) return wholeLine(rest);
      throw corrupt(path, { offset, reason: "the segment is cut short" });
    },
  };
}
