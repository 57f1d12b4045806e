import {
  assertNeverBegun,
  checkContinuity,
  checkName,
  type Continuation,
  type Header,
  headless,
  type JournalContext,
  judgeEnd,
  readHeader,
  scanSegment,
  type SegmentScan,
  shapeOf,
  tracesOf,
} from "../store/internal.ts";
import { MiniError } from "../base/errors.ts";
import { hex } from "../base/bytes.ts";
import { isMissing, namesIn } from "../fs/directory.ts";
import { startOf } from "./snapshot_check.ts";

/** The result of checking a segment. */
export interface SegmentCheck {
  readonly path: string;
  readonly isActive: boolean;
  /** Its first line, where that is whole. */
  readonly header?: Header;
  /** The number before its first record. */
  readonly base: number;
  /** The number of its last good record; `base` where there is none. */
  readonly last: number;
  readonly sizeBytes: number;
  /** How many bytes of it are good, from the start. */
  readonly goodBytes: number;
  /** The running checksum there, in hex. */
  readonly chain: string;
  /** Up to where its lines say that records had been applied. */
  readonly applied: number;
  /**
   * - `"sealed"`: whole, and another follows;
   * - `"closed"`, `"open"`: the last one, with and without the two marks of a clean end;
   * - `"torn"`: the last one, and behind what is good stands an unfinished write;
   * - `"unfinished"`: the last one, without a header: opening makes it again;
   * - `"missing"`: the same, and nothing says that it was being made;
   * - `"damaged"`: `problem` says how.
   */
  readonly end:
    | "sealed"
    | "closed"
    | "open"
    | "torn"
    | "unfinished"
    | "missing"
    | "damaged";
  readonly problem?: MiniError;
}

/** The active segment of a backup until it is complete: opening refuses it. */
export const UNFINISHED_BACKUP = "This backup is not complete.\n";

/** A damage beside a writer counts when it is still the same after so long. */
export const SECOND_LOOK_MS = 50;
export const MAX_LOOKS = 6;

/** Where a segment stands on disk. */
interface Place {
  readonly path: string;
  readonly base: number;
  readonly isActive: boolean;
}

/** The segment that another must continue. */
interface Before extends Continuation {
  readonly path: string;
}

/**
 * Reads and judges every segment of a journal of this format as opening does,
 * oldest first, and continues after a damaged one. Takes no lock: a writer may
 * append, rotate and compact meanwhile.
 */
export async function* checkSegments(
  context: JournalContext,
  from = 0,
): AsyncGenerator<SegmentCheck, void, undefined> {
  let base = from;
  let last = from;
  let before: Before | undefined;
  for (;;) {
    const found = await settledLook(context, base, before);
    const isCut = found.end === "missing" && before === undefined;
    const check = isCut ? { ...found, base: last, last } : found;
    yield check;
    if (check.isActive) return;
    before = undefined;
    last = check.last;
    base = check.base + 1;
    const { header, path, chain: prev } = check;
    if (check.end !== "sealed" || header === undefined) continue;
    before = { journal: header.journal, base: last, prev, path };
    base = last;
  }
}

/** Beside a writer a file may be seen half old and half new: only what a second look shows too is so. */
async function settledLook(
  context: JournalContext,
  base: number,
  before: Before | undefined,
): Promise<SegmentCheck> {
  let check = await look(context, base, before);
  for (let looks = 1; looks < MAX_LOOKS; looks++) {
    const isInDoubt = check.end === "torn" || check.end === "missing";
    if (check.problem === undefined && !isInDoubt) return check;
    await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
    // Compaction has come from behind and gone past.
    const isGone = before !== undefined &&
      await context.fs.stat(before.path) === undefined;
    const again = await look(context, base, isGone ? undefined : before);
    const isSame = again.end === check.end &&
      again.sizeBytes === check.sizeBytes &&
      again.problem?.message === check.problem?.message;
    check = again;
    if (isSame) return check;
  }
  // Longer each time: what is unfinished is being written.
  return check.end === "torn" ? { ...check, end: "open" } : check;
}

async function look(
  context: JournalContext,
  base: number,
  before: Before | undefined,
): Promise<SegmentCheck> {
  for (;;) {
    const place = await find(context, base);
    try {
      const check = await checkOne(context, place, before);
      // What was active is sealed by now, and this is the one behind it.
      const isAnother = check.isActive && check.base !== place.base;
      if (!isAnother) return check;
    } catch (error) {
      // Sealed under another name, or removed, since it was found; the next may have its name already.
      const isGone = isMissing(error) ||
        await context.fs.stat(place.path) === undefined;
      if (!isGone || error instanceof MiniError) throw error;
    }
  }
}

/** The segment that starts after record `base`, or else the next one there is, or else the active one. */
async function find(context: JournalContext, base: number): Promise<Place> {
  const { fs, paths } = context;
  for (let isSecond = false;; isSecond = true) {
    const sealed = paths.sealed(base);
    if (await fs.stat(sealed) !== undefined) {
      return { path: sealed, base, isActive: false };
    }
    const active = await readHeader(context, paths.active).catch((error) => {
      if (error instanceof MiniError) return undefined;
      throw error;
    });
    const higher = paths.sealedBases(await namesIn(fs, paths.directory))
      .find((other) => other > base);
    if (higher === undefined || active?.base === base) {
      // What was active at the first look may be sealed since.
      if (!isSecond && active?.base !== base) continue;
      return { path: paths.active, base: active?.base ?? base, isActive: true };
    }
    if (isSecond) {
      return { path: paths.sealed(higher), base: higher, isActive: false };
    }
  }
}

async function checkOne(
  context: JournalContext,
  { path, base, isActive }: Place,
  before: Before | undefined,
): Promise<SegmentCheck> {
  const sizeBytes = (await context.fs.stat(path))?.sizeBytes ?? 0;
  const nothing = {
    path,
    isActive,
    base,
    last: base,
    sizeBytes,
    goodBytes: 0,
    chain: hex(0),
    applied: 0,
  };
  if (isActive && await context.fs.stat(path) === undefined) {
    // A rotation makes the next segment under this name before it seals the last.
    const isBeingMade =
      await context.fs.stat(context.paths.temporary) !== undefined;
    return { ...nothing, end: isBeingMade ? "unfinished" : "missing" };
  }
  let scan: SegmentScan | "unfinished";
  try {
    scan = await scanSegment(context, path);
    if (scan === "unfinished") {
      if (isActive) {
        assertNeverBegun(path, await tracesOf(context));
        return { ...nothing, end: "unfinished" };
      }
      throw headless(path);
    }
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    if (isActive && await startOf(context.fs, path) === UNFINISHED_BACKUP) {
      const message =
        `"${path}" belongs to an unfinished backup: it is not a journal yet`;
      const problem = new MiniError("UNSUPPORTED_FORMAT", message, { path });
      return { ...nothing, end: "damaged", problem };
    }
    // A number that does not follow on is behind lines that are good.
    const { offset = 0, seq } = error;
    const last = seq === undefined || offset === 0 ? base : seq - 1;
    const good = { ...nothing, goodBytes: offset, last };
    return { ...good, end: "damaged", problem: error };
  }
  const found = {
    ...nothing,
    header: scan.header,
    base: scan.header.base,
    last: scan.next - 1,
    goodBytes: scan.offset,
    chain: hex(scan.chain),
    applied: scan.applied,
    sizeBytes: scan.offset + scan.tail.length,
  };
  try {
    if (!isActive) checkName(path, scan.header, base);
    checkContinuity(path, scan.header, before);
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    const none = { goodBytes: 0, last: scan.header.base };
    return { ...found, ...none, end: "damaged", problem: error };
  }
  return { ...found, ...await endOf(context, scan, isActive) };
}

/** How a segment ends after its good lines. */
async function endOf(
  context: JournalContext,
  scan: SegmentScan,
  isActive: boolean,
): Promise<Partial<SegmentCheck> & Pick<SegmentCheck, "end">> {
  const { tail, next: seq } = scan;
  try {
    const role = isActive ? "active" : "sealed";
    const ending = await judgeEnd(context, scan, role);
    if (!isActive) return { end: "sealed" };
    if (ending.kind === "torn") return { end: "torn" };
    if (ending.kind === "clean") return { end: scan.seal ? "closed" : "open" };
    const line = shapeOf(tail.subarray(0, ending.lineBytes));
    const records = line?.kind === "records" ? line.count : 0;
    return { end: "open", last: seq - 1 + records };
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    return { end: "damaged", problem: error };
  }
}
