import type { Format, JournalContext } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import type { MiniError } from "../base/errors.ts";
import {
  checkSegments,
  coveredAt,
  type SegmentCheck,
} from "./read/segment_check.ts";
import { collect } from "../base/collect.ts";
import { consumerFindings } from "./read/consumers.ts";
import { type Finding, findingOf } from "./finding.ts";
import { reading } from "./read/locate.ts";
import {
  type MeasuredSegments,
  measureSegments,
  tornOfRust,
} from "./read/log_summary.ts";
import {
  checkSnapshots,
  leftovers,
  listThere,
  type SnapshotCheck,
} from "./read/snapshot_check.ts";
import { isSetAside, togetherness, usableOf } from "./read/consistency.ts";

/** The result of verifying a journal. */
export interface Verification {
  readonly path: string;
  readonly format: Format;
  /** The number of the first record, or of the next one where none is. */
  readonly first: number;
  /** The highest number that was found good. */
  readonly last: number;
  /** The records that a checksum vouches for: all, but for what stands in a segment from its first damage on. */
  readonly verified: readonly Range[];
  readonly segments: number;
  readonly sizeBytes: number;
  /** How the journal ends. */
  readonly end: SegmentCheck["end"];
  readonly tornBytes: number;
  readonly snapshots: number;
  /** The record of the newest snapshot that is ahead of the log, if any is. */
  readonly snapshotAhead: number | null;
  /** The number of segments that are damaged or cannot be read. */
  readonly damagedSegments: number;
  readonly findings: readonly Finding[];
  /** Files that an opening, or a repair, has set aside. */
  readonly setAside: readonly string[];
}

/** Numbers from one to another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Whether nothing was found. */
export function isWell({ findings, end }: Verification): boolean {
  return findings.length === 0 && end !== "torn";
}

/** Verifies a journal, and the snapshots beside it. */
export async function verifyJournal(
  context: JournalContext,
  progress: { begin(doing: string, totalBytes: number): void },
): Promise<Verification> {
  const { fs, paths: { directory, active: path } } = context;
  const found = await measureSegments(context);
  const { format } = found;
  const isAlone = isSetAside(path);
  const before = isAlone ? [] : await listThere(fs, directory);
  const listed = before.at(-1)?.seq ?? 0;
  progress.begin(
    "verifying",
    before.reduce((sum, { sizeBytes }) => sum + sizeBytes, found.totalBytes),
  );
  const { problems, logId, ...log } = format === "mini"
    ? await verifyNative(context)
    : await verifyRust(context, found);
  const snapshots = isAlone ? [] : await checkSnapshots(fs, directory);
  const isRust = format === "ministore";
  const ends = { path, isRust, ...log, ...(logId && { logId }) };
  // Where the segment before a missing one is damaged, the last record is not known.
  const isCut = log.end === "missing" &&
    problems.some(({ upTo }) => upTo === Infinity);
  const { findings, ahead } = togetherness(ends, snapshots, isCut ? 0 : listed);
  const covered =
    usableOf(snapshots).filter(({ seq }) => seq <= listed).at(-1)?.seq ?? 0;
  // A damaged log may end before positions that are right.
  const positions = problems.length === 0 && log.end !== "missing"
    ? await consumerFindings(context, { logId, last: log.last })
    : [];
  return {
    path,
    format,
    ...log,
    snapshots: snapshots.length,
    snapshotAhead: ahead,
    damagedSegments: problems.length,
    findings: [
      ...problems.map(({ error, upTo }) => ofLog(error, upTo > covered)),
      ...snapshots.flatMap(ofSnapshot),
      ...findings,
      ...positions,
    ],
    setAside: await leftovers(context),
  };
}

interface LogPart extends
  Omit<
    Verification,
    | "path"
    | "format"
    | "snapshots"
    | "snapshotAhead"
    | "damagedSegments"
    | "findings"
    | "setAside"
  > {
  readonly logId?: string;
  /** The problems of segments; a snapshot at or after `upTo` covers all of the segment. */
  readonly problems: readonly { error: MiniError; upTo: number }[];
}

async function verifyNative(context: JournalContext): Promise<LogPart> {
  const checks = await collect(checkSegments(context));
  const { end, sizeBytes, goodBytes } = checks.at(-1)!;
  const logId = checks.find(({ header }) => header !== undefined)?.header
    ?.journal;
  return {
    first: checks[0]!.base + 1,
    last: Math.max(...checks.map(({ last }) => last)),
    verified: rangesOf(checks),
    segments: checks.filter(({ end }) => end !== "missing").length,
    sizeBytes: checks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    end,
    tornBytes: end === "torn" ? sizeBytes - goodBytes : 0,
    ...(logId !== undefined && { logId }),
    problems: checks.flatMap(({ problem: error }, at) =>
      error === undefined ? [] : [{ error, upTo: coveredAt(checks, at) }]
    ),
  };
}

function rangesOf(checks: readonly SegmentCheck[]): Range[] {
  const ranges: Range[] = [];
  for (const { base, last: to } of checks) {
    if (to === base) continue;
    const before = ranges.at(-1);
    if (before?.to === base) {
      ranges[ranges.length - 1] = { from: before.from, to };
    } else ranges.push({ from: base + 1, to });
  }
  return ranges;
}

/** Such a journal has nothing to verify it by: what can be read is taken for whole. */
async function verifyRust(
  context: JournalContext,
  { segments, totalBytes }: MeasuredSegments,
): Promise<LogPart> {
  let last = 0;
  const problems: { error: MiniError; upTo: number }[] = [];
  try {
    const records = MiniStore.replay(context.paths.active, reading(context));
    for await (const { seq } of records) last = seq;
  } catch (error) {
    problems.push({ error: error as MiniError, upTo: Infinity });
  }
  const isRead = problems.length === 0;
  const tornBytes = isRead ? await tornOfRust(context) : 0;
  return {
    first: 1,
    last,
    verified: [],
    segments: segments.length,
    sizeBytes: totalBytes,
    end: !isRead ? "damaged" : tornBytes > 0 ? "torn" : "open",
    tornBytes,
    problems,
  };
}

function ofLog(error: MiniError, blocksOpen: boolean): Finding {
  const isDamage = error.code === "CORRUPT" && blocksOpen;
  return findingOf(error, blocksOpen, isDamage ? "salvage" : "none");
}

function ofSnapshot({ problem }: SnapshotCheck): Finding[] {
  if (problem === undefined) return [];
  // A damaged one is set aside, and the one before it taken.
  return [findingOf(problem, problem.code !== "CORRUPT", "none")];
}
