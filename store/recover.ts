import { hex, withNewline } from "../base/bytes.ts";
import { MiniError } from "../base/errors.ts";
import { replaceFileDurably } from "../fs/atomic_file.ts";
import { readBlock } from "../fs/blocks.ts";
import type { FileHandle, FileStat } from "../fs/file_system.ts";
import { encodeHeader, type Header } from "./format/line.ts";
import type { JournalContext } from "./journal.ts";
import {
  assertNeverBegun,
  checkContinuity,
  checkHasRecords,
  checkName,
  type Continuation,
  headless,
} from "./read/header.ts";
import {
  type Ending,
  judgeEnd,
  scanSegment,
  type SegmentScan,
} from "./read/native_segments.ts";

/**
 * The result of opening: how `open()` found the log, and what it did.
 *
 * @example What a crash has left
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 * import { appendFile } from "node:fs/promises";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * {
 *   await using store = await MiniStore.open<string>(path);
 *   await store.append("whole");
 * }
 * await appendFile(path, '{"crc":"5e2');
 *
 * await using store = await MiniStore.open<string>(path);
 * const { outcome, sequence, tornBytes } = store.recovery;
 * assertEquals([outcome, sequence, tornBytes], ["torn", 1, 11]);
 * ```
 */
export interface RecoveryReport {
  /**
   * - `"created"`: there was no journal, or only a file that had never held one;
   * - `"clean"`: it had been closed;
   * - `"unclean"`: it had not been closed, and every byte of it was intact;
   * - `"torn"`: it had not been closed, and an unfinished write at its end was cut off.
   */
  readonly outcome: "created" | "clean" | "unclean" | "torn";
  /** The number of the last record, 0 if there is none. */
  readonly sequence: number;
  /** The number of files that hold the records. */
  readonly segments: number;
  /** The number of bytes that were cut off. Nothing that is left says that any of them was acknowledged. */
  readonly tornBytes: number;
  /** The file that keeps those bytes. */
  readonly tornPath?: string;
  /** Why they are an unfinished write. */
  readonly reason?: string;
}

/** A segment that is complete and will not change. */
export interface SealedSegment {
  readonly path: string;
  readonly base: number;
  readonly sizeBytes: number;
  /** The last time in it, `null` if it tells none; left out where it was not read. */
  readonly at?: number | null;
}

/** A recovered journal, and where its writer continues. */
export interface Recovered {
  readonly file: FileHandle;
  /** The active segment's header. */
  readonly header: Header;
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly chain: number;
  /** Whether its last line is a durable mark of a clean end. */
  readonly isMarked: boolean;
  /** Up to where the log proves that records had been applied. */
  readonly applied: number;
  /** The last time in the active segment, if it tells one. */
  readonly at: number | undefined;
  readonly sealed: readonly SealedSegment[];
  readonly report: RecoveryReport;
}

/** Recovers a journal of this package's own format; the lock is held. Segments that end before record `verifyFrom` are left to those who read them. */
export async function recoverJournal(
  context: JournalContext,
  bases: readonly number[],
  { verifyFrom, log }: {
    readonly verifyFrom: number;
    /** The one that the lock's note names. */
    readonly log: string | undefined;
  },
): Promise<Recovered> {
  const sealed: SealedSegment[] = [];
  let expected: Continuation | undefined;
  let applied = 0;
  const { fs, paths } = context;
  // A name that is too long for a sealed segment fails here, and not at the first rotation.
  await fs.stat(paths.sealed(0));
  for (const [index, base] of bases.entries()) {
    if ((bases[index + 1] ?? Infinity) < verifyFrom) {
      const path = paths.sealed(base);
      const { sizeBytes } = (await fs.stat(path))!;
      sealed.push({ path, base, sizeBytes });
      continue;
    }
    const scan = await scanSealed(context, base, expected);
    expected = continuationOf(scan);
    applied = scan.applied;
    const { path, offset: sizeBytes } = scan;
    sealed.push({ path, base, sizeBytes, at: scan.at ?? null });
  }
  const found = await fs.stat(paths.active);
  const scan = found === undefined
    ? "unfinished"
    : await scanSegment(context, paths.active);
  if (scan === "unfinished") {
    const hasSealed = sealed.length > 0;
    if (found) assertNeverBegun(paths.active, { hasSealed, log });
    const created = await createActive(context, expected, sealed, found);
    return { ...created, applied };
  }
  const recovered = await recoverActive(context, scan, {
    expected,
    sealed,
    found,
  });
  // An active segment without a record says nothing.
  return { ...recovered, applied: Math.max(applied, recovered.applied) };
}

async function recoverActive(
  context: JournalContext,
  scan: SegmentScan,
  { expected, sealed, found }: {
    readonly expected: Continuation | undefined;
    readonly sealed: readonly SealedSegment[];
    readonly found: FileStat | undefined;
  },
): Promise<Recovered> {
  checkContinuity(scan.path, scan.header, expected);
  const ending = await judgeEnd(context, scan, "active");
  if (ending.kind === "clean" && scan.seal !== undefined) {
    const closed = { ...scan, ...scan.seal };
    // What is written into a file with a second name, as a backup by hard links gives it one, is in the other log too.
    return (found?.links ?? 1) > 1
      ? await rewrite(context, closed, ending, sealed)
      : await openClosed(context, closed, sealed);
  }
  return await rewrite(context, scan, ending, sealed);
}

async function scanSealed(
  context: JournalContext,
  base: number,
  expected: Continuation | undefined,
): Promise<SegmentScan> {
  const path = context.paths.sealed(base);
  const scan = await scanSegment(context, path);
  if (scan === "unfinished") throw headless(path);
  checkName(path, scan.header, base);
  checkContinuity(path, scan.header, expected);
  await judgeEnd(context, scan, "sealed");
  checkHasRecords(path, scan.header, scan.next);
  return scan;
}

function continuationOf({ header, next, chain }: SegmentScan): Continuation {
  return { journal: header.journal, base: next - 1, prev: hex(chain) };
}

/** Makes the journal's first segment, or the one that an unfinished rotation did not make. */
async function createActive(
  context: JournalContext,
  expected: Continuation | undefined,
  sealed: readonly SealedSegment[],
  found: FileStat | undefined,
): Promise<Recovered> {
  const header = expected ?? { journal: newJournalId(), base: 0, prev: hex(0) };
  const { bytes, chain } = encodeHeader(header);
  const { staging, paths } = context;
  const like = found === undefined && sealed.at(-1)?.path || staging.like;
  const file = await replaceFileDurably(
    { ...staging, like },
    paths.active,
    (file) => file.write(bytes),
  );
  return {
    file,
    header,
    sequence: header.base,
    sizeBytes: bytes.length,
    chain,
    isMarked: false,
    applied: 0,
    at: undefined,
    sealed,
    report: {
      outcome: expected === undefined ? "created" : "unclean",
      sequence: header.base,
      segments: sealed.length + 1,
      tornBytes: 0,
      ...((expected !== undefined || found !== undefined) && {
        reason: "the newest segment was unfinished, and was created again",
      }),
    },
  };
}

function newJournalId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/** Continues after the first mark of a clean end, before the second, where `scan` ends. */
async function openClosed(
  { fs, paths }: JournalContext,
  scan: SegmentScan,
  sealed: readonly SealedSegment[],
): Promise<Recovered> {
  const file = await fs.open(paths.active, "append");
  try {
    // After a failed fsync the page cache may show a mark that will never be on the disk; nothing may follow it.
    await file.truncate(scan.offset);
    await file.sync();
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  return atEnd(scan, file, sealed, { outcome: "clean", tornBytes: 0 });
}

/** The journal of a writer that continues where the scan ended. */
function atEnd(
  { header, next, offset, chain, isMarked, applied, at }: SegmentScan,
  file: FileHandle,
  sealed: readonly SealedSegment[],
  report: Omit<RecoveryReport, "sequence" | "segments">,
): Recovered {
  const sequence = next - 1;
  const segments = sealed.length + 1;
  return {
    file,
    header,
    sequence,
    sizeBytes: offset,
    chain,
    isMarked,
    applied,
    at,
    sealed,
    report: { ...report, sequence, segments },
  };
}

async function rewrite(
  context: JournalContext,
  scan: SegmentScan,
  ending: Ending,
  sealed: readonly SealedSegment[],
): Promise<Recovered> {
  const { tail, offset: keepBytes } = scan;
  const nothing = tail.subarray(0, 0);
  const torn = ending.kind === "torn" ? tail : nothing;
  const added = ending.kind === "whole"
    ? withNewline(tail.subarray(0, ending.lineBytes))
    : nothing;
  const isClosed = ending.kind === "clean" && scan.seal !== undefined;
  let end = scan;
  const file = await rewriteActive(
    context,
    { keepBytes, added, torn },
    async () => {
      end = await readBack(context, keepBytes + added.length);
    },
  );
  return atEnd(end, file, sealed, {
    outcome: ending.kind === "torn" ? "torn" : isClosed ? "clean" : "unclean",
    tornBytes: torn.length,
    ...(ending.kind === "torn" &&
      { tornPath: context.paths.torn, reason: ending.reason }),
  });
}

/** Reads the prepared file as a recovery would; it must be intact before it replaces anything. */
async function readBack(
  context: JournalContext,
  sizeBytes: number,
): Promise<SegmentScan> {
  const path = context.paths.temporary;
  const scan = await scanSegment(context, path);
  if (
    scan !== "unfinished" && scan.offset === sizeBytes && scan.tail.length === 0
  ) {
    return scan;
  }
  throw new MiniError(
    "IO",
    `Cannot recover "${context.paths.active}": its copy does not read back as written; nothing was changed`,
    { path },
  );
}

/** The change that an unclean end makes to the active segment. */
export interface Rewrite {
  /** The number of bytes that are kept, from its start. */
  readonly keepBytes: number;
  /** The bytes that are written after those. */
  readonly added: Uint8Array<ArrayBuffer>;
  /** The bytes that are cut off; a file of its own keeps them. */
  readonly torn: Uint8Array<ArrayBuffer>;
}

/**
 * Writes what survived an unclean end into a new file before any of it is
 * shown. Cutting in place is not enough: after a failed fsync the page cache
 * shows records that are not on the disk, and no later fsync puts them there.
 */
export async function rewriteActive(
  context: JournalContext,
  { keepBytes, added, torn }: Rewrite,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const { paths, staging } = context;
  if (torn.length > 0) {
    const file = await replaceFileDurably(
      staging,
      paths.torn,
      (file) => file.write(torn),
    );
    await file.close();
  }
  const fill = async (file: FileHandle) => {
    await copyActive(context, keepBytes, file);
    await file.write(added);
  };
  return await replaceFileDurably(staging, paths.active, fill, check);
}

/** Copies the active segment, up to `sizeBytes`. */
export async function copyActive(
  { fs, paths }: JournalContext,
  sizeBytes: number,
  to: FileHandle,
): Promise<void> {
  const from = await fs.open(paths.active, "read");
  try {
    for (let left = sizeBytes; left > 0;) {
      const block = await readBlock(from, left);
      if (block.length === 0) {
        const path = paths.active;
        throw new Error(`"${path}" became shorter while it was being copied`);
      }
      await to.write(block);
      left -= block.length;
    }
  } finally {
    await from.close();
  }
}
