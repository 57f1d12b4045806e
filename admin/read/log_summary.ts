import { join } from "@std/path";
import { collect } from "../../base/collect.ts";
import { NEWLINE } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { readBlock } from "../../fs/blocks.ts";
import { namesIn } from "../../fs/directory.ts";
import { isUnreadable } from "../../fs/os_errors.ts";
import {
  firstTime,
  type Format,
  type JournalContext,
  listSegments,
  type SealedFile,
  SECOND_LOOK_MS,
  untilStable,
  wholeLine,
} from "../../store/internal.ts";
import { MiniStore } from "../../store/mod.ts";
import { reading } from "./locate.ts";
import { type RawLine, rawLines } from "./raw_lines.ts";
import {
  checkSegments,
  endingOf,
  type SegmentCheck,
  type SegmentEnd,
} from "./segment_check.ts";

/** A file of a journal, not looked into. */
export interface SegmentFile extends SealedFile {
  readonly sizeBytes: number;
  readonly isActive: boolean;
}

/** The files of a journal, and their sizes. */
export interface MeasuredSegments {
  readonly format: Format;
  /** Oldest first. */
  readonly segments: readonly SegmentFile[];
  readonly totalBytes: number;
}

/** Lists the files of a journal with their sizes. */
export async function measureSegments(
  context: JournalContext,
): Promise<MeasuredSegments> {
  const { fs, paths: { active, directory } } = context;
  const names = await namesIn(fs, directory);
  const { format, sealed } = await listSegments(context, names)
    .catch((error) => {
      if (!isUnreadable(error)) throw error;
      return listByNames(context, names);
    });
  const segments: SegmentFile[] = [];
  let totalBytes = 0;
  for (const file of [...sealed, { path: active }]) {
    const stat = await fs.stat(file.path);
    if (stat === undefined) continue;
    const { sizeBytes } = stat;
    segments.push({ ...file, sizeBytes, isActive: file.path === active });
    totalBytes += sizeBytes;
  }
  return { format, segments, totalBytes };
}

/** The same list where the disk cannot read the beginning of the file that tells the format. */
function listByNames(
  { paths }: JournalContext,
  names: readonly string[],
): Pick<MeasuredSegments, "format"> & { sealed: SealedFile[] } {
  const rotated = paths.rustSegments(names);
  if (rotated.length > 0) {
    const sealed = rotated.map((name) => ({
      path: join(paths.directory, name),
    }));
    return { format: "ministore", sealed };
  }
  const sealed = paths.sealedBases(names)
    .map((base) => ({ path: paths.sealed(base), base }));
  return { format: "mini", sealed };
}

/** A segment, as far as it is known without reading those that are sealed. */
export interface SegmentSummary {
  /** The absolute path of its file. */
  readonly path: string;
  /** The number before its first record. */
  readonly base: number;
  /** The number of its last record; `base` if there is none. */
  readonly last: number;
  /** The bytes of its file. */
  readonly sizeBytes: number;
  /** Whether it is the one that is written to. */
  readonly isActive: boolean;
  /** How it ends, if it was read. */
  readonly end?: SegmentEnd;
}

/** The records of a journal, from the first to the last, and its segments. */
export interface LogSummary {
  /** The number of the first record, or of the next if there is none. */
  readonly first: number;
  readonly last: number;
  /** The id of the journal; none for one of the Rust program. */
  readonly logId?: string;
  readonly segments: readonly SegmentSummary[];
  /** Up to where the log proves that records had been applied. */
  readonly applied: number;
  /** The times of its first and last records, where they have times that tell. */
  readonly times?: { readonly first?: Date; readonly last: Date };
  /** How the last segment ends; `undefined` for one of the Rust program. */
  readonly end?: SegmentCheck;
  /** The same in a word, of any journal. */
  readonly ending: SegmentEnd;
  /** The number of bytes of an unfinished write that opening would cut off. */
  readonly tornBytes: number;
  /** The damage in those that were read. */
  readonly problem?: MiniError;
}

/** As {@linkcode summarizeDamagedLog}, but throws if a segment that was read is damaged. */
export async function summarizeLog(
  context: JournalContext,
): Promise<LogSummary> {
  const found = await summarizeDamagedLog(context);
  if (found.problem !== undefined) throw found.problem;
  return found;
}

/** Summarizes a journal that may be damaged: by names, and by reading the last segments. */
export async function summarizeDamagedLog(
  context: JournalContext,
): Promise<LogSummary> {
  return await untilStable(async () => {
    const before = await measureSegments(context);
    const value = before.format === "ministore"
      ? await summarizeRust(context, before.segments)
      : await summarizeNative(context, before.segments);
    const after = await measureSegments(context);
    // Sealed while we looked: what was active may be in neither list.
    const isStable = pathsOf(before.segments) === pathsOf(after.segments);
    return { value, isStable };
  });
}

function pathsOf(segments: readonly SegmentFile[]): string {
  return segments.map(({ path }) => path).join("\n");
}

async function summarizeNative(
  context: JournalContext,
  files: readonly SegmentFile[],
): Promise<LogSummary> {
  const sealed = files.filter(({ isActive }) => !isActive);
  // With the one before it, so that the seam between the two is looked at.
  const from = sealed.at(-1)?.base ?? 0;
  const checks = await collect(checkSegments(context, from));
  const problem = checks.find(({ problem }) => problem)?.problem;
  const segments: SegmentSummary[] = sealed.slice(0, -1).map((segment, at) => ({
    path: segment.path,
    base: segment.base!,
    last: sealed[at + 1]!.base!,
    sizeBytes: segment.sizeBytes,
    isActive: false,
  }));
  for (const { path, base, last, sizeBytes, isActive, end } of checks) {
    segments.push({ path, base, last, sizeBytes, isActive, end });
  }
  const end = checks.at(-1)!;
  const times = await timesOf(context, segments, checks);
  const logId = checks.find(({ header }) => header)?.header?.journal;
  return {
    first: segments[0]!.base + 1,
    last: end.last,
    applied: Math.max(...checks.map(({ applied }) => applied)),
    segments,
    end,
    ending: endingOf(end.end),
    tornBytes: end.end === "torn" ? end.sizeBytes - end.goodBytes : 0,
    ...(times !== undefined && { times }),
    ...(logId !== undefined && { logId }),
    ...(problem !== undefined && { problem }),
  };
}

/** The times of the first and the last records; a damage is told of elsewhere. */
async function timesOf(
  context: JournalContext,
  [oldest]: readonly SegmentSummary[],
  checks: readonly SegmentCheck[],
): Promise<LogSummary["times"]> {
  const at = checks.findLast(({ at }) => at !== undefined)?.at;
  if (at === undefined) return undefined;
  const first = await firstTime(context, oldest!.base).catch((error) => {
    if (!(error instanceof MiniError)) throw error;
  });
  const last = new Date(at);
  return first === undefined ? { last } : { first: new Date(first), last };
}

async function summarizeRust(
  context: JournalContext,
  files: readonly { path: string; sizeBytes: number; isActive: boolean }[],
): Promise<LogSummary> {
  const segments: SegmentSummary[] = [];
  let base = 0;
  for (const { path, sizeBytes, isActive } of files) {
    // The header is a line as well.
    const last = base + Math.max(0, await newlines(context, path) - 1);
    segments.push({ path, base, last, sizeBytes, isActive });
    base = last;
  }
  // A last line that lacks only its newline counts.
  const { active } = context.paths;
  let last = base;
  const from = Math.max(1, base);
  for await (
    const { seq } of MiniStore.replay(active, { ...reading(context), from })
  ) last = Math.max(last, seq);
  const end = segments.at(-1);
  if (end !== undefined) segments[segments.length - 1] = { ...end, last };
  const tornBytes = await tornOfRust(context);
  const ending = tornBytes > 0 ? "torn" : "open";
  return { first: 1, last, applied: 0, segments, ending, tornBytes };
}

async function newlines(
  { fs }: JournalContext,
  path: string,
): Promise<number> {
  const file = await fs.open(path, "read");
  try {
    let lines = 0;
    for (;;) {
      const block = await readBlock(file);
      if (block.length === 0) return lines;
      for (let at = -1; (at = block.indexOf(NEWLINE, at + 1)) !== -1;) lines++;
    }
  } finally {
    await file.close();
  }
}

/** The number of bytes of an unfinished last line that opening cuts off a journal of the Rust program. */
export async function tornOfRust(context: JournalContext): Promise<number> {
  type Seen = { readonly end: RawLine | undefined; readonly isSame: boolean };
  // Beside a writer a line may be seen half written.
  const { end, isSame } = await untilStable(async (seen?: Seen) => {
    const end = await unfinishedLine(context);
    const isSame = end?.offset === seen?.end?.offset &&
      end?.sizeBytes === seen?.end?.sizeBytes;
    const isStable = end === undefined || isSame;
    return { value: { end, isSame }, isStable };
  }, SECOND_LOOK_MS);
  return isSame ? end?.sizeBytes ?? 0 : 0;
}

async function unfinishedLine(
  { fs, paths, maxRecordBytes }: JournalContext,
): Promise<RawLine | undefined> {
  let last: RawLine | undefined;
  for await (const lines of rawLines(fs, paths.active, maxRecordBytes)) {
    for (const line of lines) last = line;
  }
  // Neither a header nor a line that is too long is for this to judge.
  if (last === undefined || last.isEnded || last.isTooLong) return undefined;
  return last.line === 1 || isWholeLine(last.bytes) ? undefined : last;
}

/** Whether a last line lacks only its newline, as opening sees it. */
export function isWholeLine(bytes: Uint8Array): boolean {
  try {
    return wholeLine(bytes) !== undefined;
  } catch {
    // It is JSON that opening refuses, and does not cut.
    return true;
  }
}

/** The bytes of segments. */
export function totalOf(segments: readonly SegmentSummary[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
