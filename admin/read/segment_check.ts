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
  SECOND_LOOK_MS,
  type SegmentScan,
  shapeOf,
  tracesOf,
  untilStable,
} from "../../store/internal.ts";
import { dirname } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { fromOs, isUnreadable } from "../../fs/os_errors.ts";
import { hex } from "../../base/bytes.ts";
import { isMissing, namesIn } from "../../fs/directory.ts";
import { startOf } from "./snapshot_check.ts";

/**
 * How a segment ends.
 *
 * - `"sealed"`: intact, and another follows;
 * - `"closed"`, `"open"`: the last one, with and without the two marks of a clean end;
 * - `"torn"`: the last one, with an unfinished write after its good lines;
 * - `"unfinished"`: the last one, without a header: opening makes it again;
 * - `"missing"`: the same, and nothing says that it was being made;
 * - `"damaged"`: its problem says how.
 */
export type SegmentEnd =
  | "sealed"
  | "closed"
  | "open"
  | "torn"
  | "unfinished"
  | "missing"
  | "damaged";

/** The result of checking a segment. */
export interface SegmentCheck {
  readonly path: string;
  readonly isActive: boolean;
  /** Its first line, if that is intact. */
  readonly header?: Header;
  /** The number before its first record. */
  readonly base: number;
  /** The number of its last good record; `base` if there is none. */
  readonly last: number;
  readonly sizeBytes: number;
  /** How many bytes of it are good, from the start. */
  readonly goodBytes: number;
  /** The running checksum there, in hex. */
  readonly chain: string;
  /** Up to where its lines say that records had been applied. */
  readonly applied: number;
  /** The last time in its good lines, in milliseconds since 1970, if they tell one. */
  readonly at?: number | undefined;
  readonly end: SegmentEnd;
  readonly problem?: MiniError;
}

/** The active segment of a backup until it is complete: opening refuses it. */
export const UNFINISHED_BACKUP = "This backup is not complete.\n";
/** That of a journal that another command builds. */
export const UNFINISHED_COPY = "This copy is not complete.\n";

/** Where a segment stands on disk. */
interface Place {
  readonly path: string;
  readonly base: number;
  readonly isActive: boolean;
}

/** The segment to look for. */
interface Wanted {
  /** The number before its first record. */
  readonly base: number;
  /** That of the newest segment that was sealed at the start, or -1. */
  readonly newest: number;
}

/** The segment that another must continue. */
interface Before extends Continuation {
  readonly path: string;
}

/** How a log ends, by its last segment: where a writer has sealed that meanwhile, the log continues. */
export function endingOf(end: SegmentEnd): SegmentEnd {
  return end === "sealed" ? "open" : end;
}

/**
 * Reads and judges the segments of a journal of this format as opening does,
 * oldest first, and continues after a damaged one. Takes no lock: a writer may
 * append, rotate and compact meanwhile. Ends with the segment that is active at
 * the start, though it be sealed meanwhile: a writer may start others faster than
 * they are read.
 */
export async function* checkSegments(
  context: JournalContext,
  from = 0,
): AsyncGenerator<SegmentCheck, void, undefined> {
  const { fs, paths } = context;
  const names = await namesIn(fs, paths.directory);
  const newest = paths.sealedBases(names).at(-1) ?? -1;
  let base = from;
  let last = from;
  let before: Before | undefined;
  for (;;) {
    const found = await settledLook(context, { base, newest }, before);
    const isCut = found.end === "missing" && before === undefined;
    const check = isCut ? { ...found, base: last, last } : found;
    yield check;
    if (check.isActive || check.base > newest) return;
    before = undefined;
    last = check.last;
    base = check.base + 1;
    const { header, path, chain: prev } = check;
    if (check.end !== "sealed" || header === undefined) continue;
    before = { journal: header.journal, base: last, prev, path };
    base = last;
  }
}

/** Beside a writer a file may be seen half old and half new: only what a second look shows too is true. */
async function settledLook(
  context: JournalContext,
  wanted: Wanted,
  before: Before | undefined,
): Promise<SegmentCheck> {
  type Seen = { readonly check: SegmentCheck; readonly isSettled: boolean };
  const { check, isSettled } = await untilStable(async (seen?: Seen) => {
    // Compaction may have passed the segment before by now.
    const isGone = seen !== undefined && before !== undefined &&
      await context.fs.stat(before.path) === undefined;
    const check = await look(context, wanted, isGone ? undefined : before);
    const isInDoubt = check.problem !== undefined || check.end === "torn" ||
      check.end === "missing";
    const isSame = check.end === seen?.check.end &&
      check.sizeBytes === seen.check.sizeBytes &&
      check.problem?.message === seen.check.problem?.message;
    const isSettled = !isInDoubt || isSame;
    return { value: { check, isSettled }, isStable: isSettled };
  }, SECOND_LOOK_MS);
  // Longer each time: what is unfinished is being written.
  return isSettled || check.end !== "torn" ? check : { ...check, end: "open" };
}

async function look(
  context: JournalContext,
  wanted: Wanted,
  before: Before | undefined,
): Promise<SegmentCheck> {
  return await untilStable(async () => {
    const place = await find(context, wanted);
    try {
      const value = await checkOne(context, place, before);
      // The active segment may be sealed by now, and this be the next.
      const isAnother = value.isActive && value.base !== place.base;
      return { value, isStable: !isAnother };
    } catch (error) {
      // Sealed under another name, or removed, since it was found; the next may have its name already.
      const isGone = isMissing(error) ||
        await context.fs.stat(place.path) === undefined;
      if (!isGone || error instanceof MiniError) throw error;
      return { error };
    }
  });
}

/** Finds the segment that starts after record `base`, or else the next, or else the active one. */
async function find(
  context: JournalContext,
  { base, newest }: Wanted,
): Promise<Place> {
  const { fs, paths } = context;
  return await untilStable(async (seen?: Place) => {
    const sealed = paths.sealed(base);
    if (await fs.stat(sealed) !== undefined) {
      const value = { path: sealed, base, isActive: false };
      return { value, isStable: true };
    }
    const active = await readHeader(context, paths.active).catch((error) => {
      if (error instanceof MiniError || isUnreadable(error)) return undefined;
      throw error;
    });
    const higher = paths.sealedBases(await namesIn(fs, paths.directory))
      .find((other) => other > base);
    // No writer has the active segment before a sealed one.
    const isActive = higher === undefined ||
      active?.base === base && higher > newest;
    const value = isActive
      ? { path: paths.active, base: active?.base ?? base, isActive }
      : { path: paths.sealed(higher), base: higher, isActive };
    // The segment that was active at the first look may be sealed since.
    const isSame = seen?.path === value.path && seen.base === value.base;
    return { value, isStable: active?.base === base || isSame };
  });
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
    const failed = await judgeFailure(context, nothing, error);
    // The good lines before the damage may still be in the wrong place.
    const header = failed.goodBytes > 0
      ? await readHeader(context, path)
      : undefined;
    const seam = header && seamProblem(nothing, header, before);
    return seam ? { ...failed, ...misplaced(base, seam) } : failed;
  }
  const found = {
    ...nothing,
    header: scan.header,
    base: scan.header.base,
    last: scan.next - 1,
    goodBytes: scan.offset,
    chain: hex(scan.chain),
    applied: scan.applied,
    at: scan.at,
    sizeBytes: scan.offset + scan.tail.length,
  };
  const seam = seamProblem(nothing, scan.header, before);
  if (seam !== undefined) {
    // By the name the next one is found: the header may lead back.
    const at = isActive ? scan.header.base : base;
    return { ...found, ...misplaced(at, seam) };
  }
  return { ...found, ...await endOf(context, scan, isActive) };
}

/** The problem of a segment whose header does not belong where it stands. */
function seamProblem(
  { path, base, isActive }: Place,
  header: Header,
  before: Before | undefined,
): MiniError | undefined {
  try {
    if (!isActive) checkName(path, header, base);
    checkContinuity(path, header, before);
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    return error;
  }
  return undefined;
}

/** The check of such a segment: none of it is good. */
function misplaced(
  base: number,
  problem: MiniError,
): Pick<SegmentCheck, "base" | "last" | "goodBytes" | "end" | "problem"> {
  return { base, last: base, goodBytes: 0, end: "damaged", problem };
}

/** The check of a segment that could not be read to its end. */
async function judgeFailure(
  { fs }: JournalContext,
  nothing: Omit<SegmentCheck, "end">,
  error: unknown,
): Promise<SegmentCheck> {
  const { path, base, isActive } = nothing;
  if (isUnreadable(error)) {
    const place = { directory: dirname(path), path };
    const after = "nothing was changed";
    const problem = fromOs(error, `read "${path}"`, after, place);
    return { ...nothing, end: "damaged", problem };
  }
  if (!(error instanceof MiniError)) throw error;
  const start = isActive ? await startOf(fs, path) : "";
  if (start === UNFINISHED_BACKUP || start === UNFINISHED_COPY) {
    const what = start === UNFINISHED_BACKUP ? "backup" : "copy";
    const message =
      `"${path}" belongs to an unfinished ${what}: it is not a journal yet`;
    const problem = new MiniError("UNSUPPORTED_FORMAT", message, { path });
    return { ...nothing, end: "damaged", problem };
  }
  // The lines before a number that does not follow on are good.
  const { offset = 0, seq } = error;
  const last = seq === undefined || offset === 0 ? base : seq - 1;
  const good = { ...nothing, goodBytes: offset, last };
  return { ...good, end: "damaged", problem: error };
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

/** The snapshot for which opening a state leaves a segment unread, as it stands for all of it; `Infinity` where none would do. */
export function coveredAt(checks: readonly SegmentCheck[], at: number): number {
  const next = checks[at + 1];
  // The seam to the active segment is looked at in any case.
  return next === undefined || next.isActive ? Infinity : next.base;
}
