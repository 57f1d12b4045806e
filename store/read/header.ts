import { isUtf8 } from "node:buffer";
import { hex } from "../../base/bytes.ts";
import type { MiniError } from "../../base/errors.ts";
import { readLockFile } from "../../fs/lock_note.ts";
import { corrupt, unsupported } from "../corruption.ts";
import {
  encodeClose,
  FORMAT_VERSION,
  type Header,
  isIntact,
  parseLine,
} from "../format/line.ts";
import { judgeHeader } from "../format/tail.ts";
import type { JournalContext } from "../journal.ts";

/** No closing is interrupted that often without an append between. */
const MAX_MARKS = 1_000;

/**
 * Whether a segment continues the one whose last record has this running
 * checksum after it: marks of a clean end may come between.
 */
export function continues({ base, prev }: Header, chain: number): boolean {
  let before = chain;
  for (let marks = 0; marks < MAX_MARKS; marks++) {
    if (hex(before) === prev) return true;
    before = encodeClose(base, before).chain;
  }
  return false;
}

/**
 * The header of a segment, `undefined` if its write was never finished; throws
 * if it is damaged, or not ours.
 *
 * @param line The first line with its newline; empty if none was verified.
 * @param rest What was read instead: the whole file, or more than a header has.
 */
export function headerIn(
  path: string,
  line: Uint8Array,
  rest: Uint8Array,
): Header | undefined {
  // A later line vouches for the bytes of the first, not for what they say.
  if (!isIntact(line.subarray(0, -1), 0)) {
    judgeStart(path, line.length > 0 ? line : rest);
    return undefined;
  }
  if (!isUtf8(line)) {
    throw corrupt(path, { reason: "it is not UTF-8", line: 1, offset: 0 });
  }
  const parsed = parseLine(new TextDecoder().decode(line.subarray(0, -1)));
  if (parsed?.kind === "header" && parsed.version === FORMAT_VERSION) {
    return parsed.header;
  }
  throw unsupported(path, parsed?.kind === "header");
}

/** Throws unless a file that does not begin with an intact header is one whose header was never finished. */
function judgeStart(path: string, start: Uint8Array): void {
  const verdict = judgeHeader(start);
  if (verdict === "unfinished") return;
  if (verdict === "corrupt") {
    const reason = "its first line is damaged";
    throw corrupt(path, { reason, line: 1, offset: 0 });
  }
  throw unsupported(path, verdict === "newer");
}

/** The traces of a header that an active segment without one has had. */
export interface Traces {
  /** Whether there are sealed segments beside it. */
  readonly hasSealed: boolean;
  /** The log that the lock's note names. */
  readonly log: string | undefined;
}

/**
 * Throws if an active segment that is shorter than its header has been longer:
 * it gets its name with its header, so that no crash leaves it so.
 */
export function assertNeverBegun(
  path: string,
  { hasSealed, log }: Traces,
): void {
  if (!hasSealed && log === undefined) return;
  const proof = hasSealed
    ? "there are sealed segments beside it"
    : `its lock file names the log${log && ` ${log}`} that it held`;
  const reason = `its header and all records after it are missing: ${proof}`;
  throw corrupt(path, { reason, line: 1, offset: 0 });
}

/** Looks for such traces beside an active segment. */
export async function tracesOf(
  { fs, paths }: JournalContext,
): Promise<Traces> {
  const names = await fs.list(paths.directory);
  const hasSealed = paths.sealedBases(names).length > 0;
  return { hasSealed, log: (await readLockFile(fs, paths.lock))?.note?.log };
}

/** The error for a sealed segment whose header was never finished. */
export function headless(path: string): MiniError {
  const reason = "a sealed segment has no header";
  return corrupt(path, { reason, line: 1, offset: 0 });
}

/** Throws if a sealed segment has another segment's name. */
export function checkName(path: string, header: Header, base: number): void {
  if (header.base === base) return;
  const reason =
    `by its name it starts after record ${base}, by its header after record ${header.base}`;
  throw corrupt(path, { reason, line: 1, offset: 0 });
}

/** The end of a segment, which the header of the next must continue. */
export interface Continuation {
  readonly journal: string;
  readonly base: number;
  readonly prev: string;
}

/** Why a segment does not continue the one before it, by their numbers. */
export function basesReason(end: number, base: number): string {
  const reason =
    `the segment before it ends with record ${end}, and it starts after record ${base}`;
  return base < end
    ? `${reason}; this happens when an older copy, such as a backup, is put among newer files`
    : reason;
}

/** Throws if a segment does not continue the one before it. */
export function checkContinuity(
  path: string,
  { journal, base, prev }: Header,
  expected: Continuation | undefined,
): void {
  if (expected === undefined) return;
  const reason = journal !== expected.journal
    ? "it and the segment before it belong to different journals"
    : base !== expected.base
    ? basesReason(expected.base, base)
    : prev !== expected.prev
    ? "its header does not have the checksum of the segment before it"
    : undefined;
  if (reason === undefined) return;
  throw corrupt(path, { reason, line: 1, offset: 0, seq: expected.base + 1 });
}

/** Throws if a sealed segment has no record: none is sealed before it has one. */
export function checkHasRecords(
  path: string,
  { base }: Header,
  next: number,
): void {
  if (next > base + 1) return;
  const reason = "a sealed segment holds no record";
  throw corrupt(path, { reason, seq: next });
}
