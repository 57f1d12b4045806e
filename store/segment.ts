import { isUtf8 } from "node:buffer";
import { openIfThere } from "../fs/directory.ts";
import { BlockReader, readBlock } from "../fs/blocks.ts";
import { MiniError } from "../base/errors.ts";
import type { FileHandle, FileSystem } from "../fs/file_system.ts";
import {
  FORMAT_VERSION,
  FRAME_BYTES,
  type Header,
  isIntact,
  lastLine,
  parseLine,
} from "./format/line.ts";
import { NEWLINE } from "../base/bytes.ts";
import { LOCK_NOTE_BYTES, parseLockNote } from "../fs/lock_note.ts";
import type { Staging } from "../fs/atomic_file.ts";
import type { JournalPaths } from "./journal.ts";
import { ChainScanner, NumberWalk, type Scanner } from "./format/scanner.ts";
import { concat } from "../base/bytes.ts";
import { judgeHeader, type TailPlace } from "./format/tail.ts";

/** What every part of an open journal needs. */
export interface JournalContext {
  readonly fs: FileSystem;
  readonly paths: JournalPaths;
  readonly maxRecordBytes: number;
  /** Where its files are made. */
  readonly staging: Staging;
}

/** A segment that is complete and will not change. */
export interface SealedSegment {
  readonly path: string;
  readonly base: number;
  readonly sizeBytes: number;
}

/** What reading a whole segment found. */
export interface SegmentScan {
  readonly path: string;
  readonly header: Header;
  /** The number that the next record must have. */
  readonly next: number;
  /** How many bytes are verified lines. */
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
  /** Up to where its lines say that records had been applied; 0 where it has none. */
  readonly applied: number;
  /** Whether the last line is a mark of a clean end. */
  readonly isMarked: boolean;
  /** Where a second mark stands, which says that the one before it is durable, and the running checksum there. */
  readonly seal:
    | { readonly offset: number; readonly chain: number }
    | undefined;
  /** The bytes from there to the end of the file. */
  readonly tail: Uint8Array<ArrayBuffer>;
}

/**
 * Reads and verifies a whole segment of this format.
 *
 * @returns What it holds, or `"unfinished"` for a segment whose header was never written whole.
 */
export async function scanSegment(
  context: JournalContext,
  path: string,
): Promise<SegmentScan | "unfinished"> {
  const file = await context.fs.open(path, "read");
  try {
    const scanner = new ChainScanner(context.maxRecordBytes);
    let found: { header: Header; walk: NumberWalk } | undefined;
    let lastStart: SegmentScan["seal"];
    const blocks = new BlockReader(file);
    for (;;) {
      const block = await blocks.next();
      if (block.length === 0) break;
      const { offset: start, chain: before } = scanner;
      let lines = scanner.push(block);
      const last = lastLine(lines, before);
      if (lines.length > 0 && found === undefined) {
        const end = lines.indexOf(NEWLINE);
        const line = lines.subarray(0, end);
        // The last line vouches for its bytes, not for what they say.
        if (!isIntact(line, 0)) judgeStart(path, lines);
        const header = headerOf(line, path);
        found = { header, walk: new NumberWalk(header.base) };
        lines = lines.subarray(end + 1);
      }
      const stray = found?.walk.push(lines);
      if (stray !== undefined) {
        const offset = scanner.offset - lines.length + stray.at;
        throw await corruptAt(context.fs, path, Math.max(start, offset), {
          reason: stray.reason,
          seq: found!.walk.next,
        });
      }
      if (lines.length > 0) {
        lastStart = { offset: start + last.start, chain: last.chain };
      }
      if (scanner.isBroken) break;
    }
    if (found === undefined) {
      return judgeStart(path, scanner.rest);
    }
    const { header, walk } = found;
    const { offset, chain } = scanner;
    const tail = await readTail(file, scanner);
    return {
      path,
      header,
      next: walk.next,
      offset,
      chain,
      applied: walk.applied,
      isMarked: walk.marks > 0,
      seal: walk.marks > 1 ? lastStart : undefined,
      tail,
    };
  } finally {
    await file.close();
  }
}

/** Where the tail of a scanned segment stands. */
export function tailPlace(
  { offset, chain, next }: Pick<SegmentScan, "offset" | "chain" | "next">,
  { maxRecordBytes }: JournalContext,
): TailPlace {
  return { offset, chain, next, maxLineBytes: maxRecordBytes + FRAME_BYTES };
}

/** The header in a verified first line. */
export function headerOf(line: Uint8Array, path: string): Header {
  if (!isUtf8(line)) {
    throw corrupt(path, { reason: "it is not UTF-8", line: 1, offset: 0 });
  }
  const parsed = parseLine(new TextDecoder().decode(line));
  if (parsed?.kind === "header" && parsed.version === FORMAT_VERSION) {
    return parsed.header;
  }
  throw unsupported(path, parsed?.kind === "header");
}

/** The error for a file that is not a journal of this format. */
export function unsupported(path: string, isNewer: boolean): MiniError {
  const why = isNewer
    ? "it was written by a newer version of this package"
    : "it is not a journal";
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot read "${path}": ${why}; nothing was changed`,
    { path },
  );
}

/**
 * Judges a file that does not begin with an intact header. `start` is all of it,
 * or a block at least. Throws unless the header was never finished.
 */
export function judgeStart(path: string, start: Uint8Array): "unfinished" {
  const verdict = judgeHeader(start);
  if (verdict === "unfinished") return verdict;
  if (verdict === "corrupt") {
    throw corrupt(path, {
      line: 1,
      offset: 0,
      reason: "its first line is damaged",
    });
  }
  throw unsupported(path, verdict === "newer");
}

/** What tells whether an active segment without a header has had one. */
export interface Traces {
  /** Whether sealed segments stand beside it. */
  readonly hasSealed: boolean;
  /** The log that the lock's note names. */
  readonly log: string | undefined;
}

/**
 * Throws where an active segment that is shorter than its header has been longer:
 * it gets its name with its header, so that no crash leaves it so.
 */
export function assertNeverBegun(
  path: string,
  { hasSealed, log }: Traces,
): void {
  if (!hasSealed && log === undefined) return;
  const proof = hasSealed
    ? "sealed segments stand beside it"
    : `the note in its lock names the log${log && ` ${log}`} that was in it`;
  const reason =
    `it has lost its header, and every record behind that: ${proof}`;
  throw corrupt(path, { reason, line: 1, offset: 0 });
}

/** What stands beside an active segment. */
export async function tracesOf(
  context: JournalContext,
): Promise<Traces> {
  const { fs, paths } = context;
  const names = await fs.list(paths.directory);
  const hasSealed = paths.sealedBases(names).length > 0;
  const lock = await openIfThere(context, paths.lock);
  if (lock === undefined) return { hasSealed, log: undefined };
  try {
    const note = parseLockNote(await readBlock(lock, LOCK_NOTE_BYTES));
    return { hasSealed, log: note?.log };
  } finally {
    await lock.close();
  }
}

/** Throws where a sealed segment has another's name. */
export function checkName(path: string, header: Header, base: number): void {
  if (header.base === base) return;
  const reason =
    `its name says that it starts after record ${base}, its header after ${header.base}`;
  throw corrupt(path, { reason, line: 1, offset: 0 });
}

/** Where a segment must begin: at what the one before it ended with. */
export interface Seam {
  readonly journal: string;
  readonly base: number;
  readonly prev: string;
}

/** Why a segment does not go on from the one before it. */
export function basesReason(end: number, base: number): string {
  const reason =
    `the segment before it ends with record ${end}, and it starts after record ${base}`;
  return base < end
    ? `${reason}, as where an older copy, a backup perhaps, was put among newer files`
    : reason;
}

/** Throws where a segment does not go on from the one before it. */
export function checkSeam(
  path: string,
  { journal, base, prev }: Header,
  seam: Seam | undefined,
): void {
  if (seam === undefined) return;
  const reason = journal !== seam.journal
    ? "it belongs to another journal than the segment before it"
    : base !== seam.base
    ? basesReason(seam.base, base)
    : prev !== seam.prev
    ? "its header does not vouch for the segment before it"
    : undefined;
  if (reason === undefined) return;
  throw corrupt(path, { reason, line: 1, offset: 0, seq: seam.base + 1 });
}

/** What follows the verified part of a segment, all of which has been read but for what stands behind a bad line. */
export async function readTail(
  file: FileHandle,
  scanner: Scanner,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!scanner.isBroken) return scanner.rest;
  const blocks: Uint8Array[] = [scanner.rest];
  for (;;) {
    const block = await readBlock(file);
    if (block.length === 0) return concat(...blocks);
    blocks.push(block);
  }
}

/** What a `CORRUPT` error says. */
export interface Damage {
  readonly reason: string;
  readonly offset?: number;
  readonly line?: number;
  readonly seq?: number;
}

/** The error for damage to what had been durable. */
export function corrupt(path: string, damage: Damage): MiniError {
  const { reason, ...place } = damage;
  const where = [
    place.line !== undefined ? `line ${place.line}` : "",
    place.offset !== undefined ? `offset ${place.offset}` : "",
  ].filter((part) => part !== "").join(", ");
  return new MiniError(
    "CORRUPT",
    `Cannot read "${path}"${
      where && ` (${where})`
    }: ${reason}; nothing was changed`,
    { path, ...place },
  );
}

/** The error for an intact line over the limit. */
export async function tooLong(
  { fs, maxRecordBytes }: JournalContext,
  path: string,
  damage: Damage & { offset: number },
): Promise<MiniError> {
  const { line } = await corruptAt(fs, path, damage.offset, damage);
  return new MiniError(
    "TOO_LARGE",
    `Cannot read "${path}" (line ${line}): ${damage.reason}, and maxRecordBytes is ${maxRecordBytes}; nothing was changed`,
    {
      path,
      offset: damage.offset,
      ...(line && { line }),
      ...(damage.seq && { seq: damage.seq }),
    },
  );
}

/** The same, with the number of the line at `offset`, which takes reading up to it. */
export async function corruptAt(
  fs: FileSystem,
  path: string,
  offset: number,
  damage: Damage,
): Promise<MiniError> {
  const file = await fs.open(path, "read");
  try {
    let line = 1;
    for (let left = offset; left > 0;) {
      const block = await readBlock(file, left);
      if (block.length === 0) break;
      for (let at = -1; (at = block.indexOf(NEWLINE, at + 1)) !== -1;) line++;
      left -= block.length;
    }
    return corrupt(path, { ...damage, offset, line });
  } finally {
    await file.close();
  }
}
