import { readBlock } from "../../fs/blocks.ts";
import { openIfExists } from "../../fs/directory.ts";
import type { FileHandle } from "../../fs/file_system.ts";
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
  for (const [key, { path }] of [...rotated, { path: active }].entries()) {
    // The base does not tell a rotated segment without records from the next one.
    const limit = path === active ? live?.limitOf(base) : undefined;
    const file = await context.fs.open(path, "read");
    const segment = await rustSegment(context, path, file, {
      key,
      base,
      limit,
    });
    yield segment;
    base = segment.lines.next - 1;
  }
}

/** Opens the segment that `key` others are before; `undefined` if there is none. */
export async function openRustAt(
  context: JournalContext,
  key: number,
  base: number,
): Promise<OpenSegment | undefined> {
  const { fs, paths } = context;
  const rotated = paths.rustSegment(key + 1);
  // The Rust program may rotate it between two looks.
  for (const path of [rotated, paths.active, rotated]) {
    const file = await openIfExists(fs, path);
    if (file === undefined) continue;
    return await rustSegment(context, path, file, { key, base });
  }
  return undefined;
}

async function rustSegment(
  context: JournalContext,
  path: string,
  file: FileHandle,
  { key, base, limit }: {
    readonly key: number;
    readonly base: number;
    readonly limit?: number | undefined;
  },
): Promise<OpenSegment> {
  const header = { journal: "", base, prev: "" };
  const scanner = new RustScanner(context.maxRecordBytes);
  const reader = await SegmentReader.at(path, file, {
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
    key,
    header,
    isActive: path === context.paths.active,
    lines: new RustLines(base, (damage) => corrupt(path, damage)),
    async judgeEnd(role) {
      const { isBroken, offset, rest } = scanner;
      if (isBroken) {
        const reason = "the line is too long";
        throw await tooLong(context, path, { reason, offset });
      }
      if (role === "active") return wholeLine(rest);
      throw corrupt(path, { offset, reason: "the segment is cut short" });
    },
  };
}
