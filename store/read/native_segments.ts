import { NEWLINE } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { openIfExists } from "../../fs/directory.ts";
import type { FileHandle } from "../../fs/file_system.ts";
import { corruptAt, tooLong } from "../corruption.ts";
import { FRAME_BYTES, type Header } from "../format/line.ts";
import { ChainScanner, SequenceCheck } from "../format/scanner.ts";
import { judgeTail, type Verdict } from "../format/tail.ts";
import { shapeOf } from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import { headerIn } from "./header.ts";
import { SegmentReader, type SegmentRole } from "./segment_reader.ts";

/** Reads a segment of this package's own format from its start. */
export function readSegment(
  { maxRecordBytes }: JournalContext,
  path: string,
  file: FileHandle,
  limit?: number,
): Promise<SegmentReader> {
  return SegmentReader.at(path, file, {
    scanner: new ChainScanner(maxRecordBytes),
    headerOf: (line, rest) => headerIn(path, line, rest),
    ...(limit !== undefined && { limit }),
  });
}

/**
 * The header of a segment; `undefined` if there is no such file, or its header
 * was never finished. Throws if the header is damaged, or not ours.
 */
export async function readHeader(
  context: JournalContext,
  path: string,
): Promise<Header | undefined> {
  const file = await openIfExists(context.fs, path);
  if (file === undefined) return undefined;
  const reader = await readSegment(context, path, file);
  await reader.close();
  return reader.header;
}

/** Where the verified lines of a segment end. */
export interface VerifiedEnd {
  readonly path: string;
  /** How many bytes are verified lines. */
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
  /** The number that the next record must have. */
  readonly next: number;
  /** The bytes from there to the end of the file. */
  readonly tail: Uint8Array<ArrayBuffer>;
}

/** How a segment ends that is not damaged. */
export type Ending =
  | { readonly kind: "clean" }
  | Extract<Verdict, { readonly kind: "torn" | "whole" }>;

/**
 * Judges what follows the verified lines of a segment. Throws for damage; for a
 * segment that is not active, whatever follows is damage.
 */
export async function judgeEnd(
  context: JournalContext,
  { path, offset, chain, next: seq, tail }: VerifiedEnd,
  role: SegmentRole,
): Promise<Ending> {
  if (tail.length === 0) return { kind: "clean" };
  const maxLineBytes = context.maxRecordBytes + FRAME_BYTES;
  const verdict = judgeTail(tail, { offset, chain, next: seq, maxLineBytes });
  if (verdict.kind === "tooLarge") {
    throw await tooLong(context, path, { offset, seq, reason: verdict.reason });
  }
  if (verdict.kind !== "corrupt" && role === "active") return verdict;
  const reason = verdict.kind === "corrupt"
    ? verdict.reason
    : role === "sealed"
    ? `a sealed segment is damaged at record ${seq}`
    : `record ${seq} was durable and is damaged`;
  throw await corruptAt(context.fs, path, offset, { reason, seq });
}

/** The result of reading a whole segment. */
export interface SegmentScan extends VerifiedEnd {
  readonly header: Header;
  /** Up to where its lines say that records had been applied; 0 if they say nothing. */
  readonly applied: number;
  /** The last time that its lines say; `undefined` if they say none. */
  readonly at: number | undefined;
  /** Whether the last line is a mark of a clean end. */
  readonly isMarked: boolean;
  /** The place of a second mark, which says that the one before it is durable, and the running checksum there. */
  readonly seal:
    | { readonly offset: number; readonly chain: number }
    | undefined;
}

/**
 * Reads and verifies a whole segment of this package's own format.
 *
 * @returns What it holds, or `"unfinished"` if its header was never finished.
 */
export async function scanSegment(
  context: JournalContext,
  path: string,
): Promise<SegmentScan | "unfinished"> {
  const file = await context.fs.open(path, "read");
  const reader = await readSegment(context, path, file);
  try {
    const { header } = reader;
    if (header === undefined) return "unfinished";
    const check = new SequenceCheck(header.base);
    for await (const { lines, offset } of reader.blocks()) {
      const stray = check.push(lines);
      if (stray === undefined) continue;
      throw await corruptAt(context.fs, path, offset + stray.at, {
        reason: stray.reason,
        seq: check.next,
      });
    }
    const { offset, chain } = reader;
    return {
      path,
      header,
      next: check.next,
      offset,
      chain,
      applied: check.applied,
      at: check.at,
      isMarked: check.marks > 0,
      seal: check.marks > 1 ? reader.lastStart : undefined,
      tail: await reader.rest(),
    };
  } finally {
    await reader.close();
  }
}

/** The time of the first record of the segment that starts after record `base`, if it has one. */
export async function firstTime(
  context: JournalContext,
  base: number,
): Promise<number | undefined> {
  const { fs, paths } = context;
  for (const path of [paths.sealed(base), paths.active]) {
    const file = await openIfExists(fs, path);
    if (file === undefined) continue;
    const reader = await readSegment(context, path, file);
    try {
      if (reader.header?.base !== base) continue;
      for await (const { lines } of reader.blocks()) {
        for (let start = 0; start < lines.length;) {
          const end = lines.indexOf(NEWLINE, start);
          const shape = shapeOf(lines.subarray(start, end));
          // The mark of a clean end may come before the first record.
          if (shape?.kind === "records") return shape.at;
          start = end + 1;
        }
      }
    } finally {
      await reader.close();
    }
  }
  return undefined;
}

/**
 * The last of segments, oldest first, that begins before a time, or else the
 * first: no segment before it has a record as late as that. Times rise, and
 * some segments have none, which tell nothing.
 */
export async function lastBefore(
  bases: readonly number[],
  since: number,
  firstTime: (base: number) => Promise<number | undefined>,
): Promise<number> {
  let found = bases[0]!;
  let [low, high] = [0, bases.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    let at: number | undefined;
    let index = middle;
    for (; index > low; index--) {
      at = await firstTime(bases[index]!);
      if (at !== undefined) break;
    }
    if (at !== undefined && at >= since) high = index;
    else {
      if (at !== undefined) found = bases[index]!;
      low = middle;
    }
  }
  return found;
}

/**
 * The last time in sealed segments, if they tell one. Damage in those that
 * opening has not read is left to those who read them.
 */
export async function lastTimeIn(
  context: JournalContext,
  sealed: readonly {
    readonly path: string;
    readonly base: number;
    readonly at?: number | null;
  }[],
): Promise<number | undefined> {
  for (const { path, base, at } of sealed.toReversed()) {
    if (at === null) continue;
    if (at !== undefined) return at;
    const found = await lastTimeOf(context, path, base).catch(unlessDamaged);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function lastTimeOf(
  context: JournalContext,
  path: string,
  base: number,
): Promise<number | undefined> {
  // Where the first record has none, all of them would be read for nothing.
  const first = await firstTime(context, base);
  return first === undefined ? undefined : await readLastTime(context, path);
}

/** The last time in a segment; reads all of it. */
async function readLastTime(
  context: JournalContext,
  path: string,
): Promise<number | undefined> {
  const scan = await scanSegment(context, path);
  return scan === "unfinished" ? undefined : scan.at;
}

function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof MiniError)) throw error;
}
