import {
  FRAME_BYTES,
  hasPrefix,
  type Header,
  type JournalContext,
  listConsumers,
  shapeOf,
} from "../../store/internal.ts";
import { collect } from "../../base/collect.ts";
import { MiniError } from "../../base/errors.ts";
import { bareMessage } from "../finding.ts";
import { checkSegments, type SegmentCheck } from "../read/segment_check.ts";
import { rawLines } from "../read/raw_lines.ts";
import { checkSnapshots, type SnapshotCheck } from "../read/snapshot_check.ts";
import { missingEnd, usableOf } from "../read/consistency.ts";
import { coveredAt } from "../read/segment_check.ts";

/** The plan of a repair. */
export interface RepairPlan {
  /** Whether the newest segment is missing; else opening refuses a damage. */
  readonly isMissing: boolean;
  /** The damage or the loss, in words. */
  readonly reason: string;
  /** The segment whose beginning becomes the new active one; without it the new one is empty. */
  readonly keep?: SegmentCheck;
  /** The header of an empty new active segment. */
  readonly header?: Header;
  /** The segment whose owner, group and mode the new one takes, where there is no active one. */
  readonly like?: string;
  /** The segments that are set aside, oldest first. */
  readonly aside: readonly SegmentCheck[];
  /** The number of the last record that stays. */
  readonly last: number;
  /** The highest number found behind it; `last` where none was. */
  readonly lost: number;
  /** How many bytes go. */
  readonly cutBytes: number;
  /** The number of snapshots beside the log. */
  readonly snapshots: number;
  /** The record of the newest snapshot that can be restored, 0 if there is none. */
  readonly newest: number;
}

/** Finds out what a repair has to do; `undefined` where opening refuses nothing, and nothing is missing. */
export async function planRepair(
  context: JournalContext,
): Promise<RepairPlan | undefined> {
  const { fs, paths: { directory } } = context;
  const snapshots = await checkSnapshots(fs, directory);
  const newest = usableOf(snapshots).at(-1)?.seq ?? 0;
  const beside = { snapshots: snapshots.length, newest };
  const checks = await collect(checkSegments(context));
  const at = checks.findIndex(({ problem }, at) =>
    problem !== undefined && coveredAt(checks, at) > newest
  );
  const bad = checks[at];
  if (bad?.problem === undefined) {
    const plan = await planNewest(context, checks, usableOf(snapshots));
    return plan && { ...plan, ...beside };
  }
  // Nothing is damaged where only this reader is too old, or its limit too low.
  if (bad.problem.code !== "CORRUPT") throw bad.problem;
  const first = firstToGo(checks, at);
  const aside = checks.slice(first);
  const start = startOf(checks, first);
  const last = start.keep?.last ?? start.header!.base;
  const keptBytes = start.keep?.goodBytes ?? 0;
  const allBytes = aside.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    isMissing: false,
    reason: bareMessage(bad.problem),
    ...start,
    aside,
    last,
    lost: Math.max(last, await highestIn(context, aside)),
    cutBytes: allBytes - keptBytes,
    ...beside,
  };
}

/** The first segment that goes with the one that opening refuses: a snapshot stands for no damage in the one before the active segment. */
function firstToGo(checks: readonly SegmentCheck[], at: number): number {
  let first = at;
  while (checks[first - 1]?.problem !== undefined) first--;
  return first;
}

/** The plan where the newest segment is missing: what is beside the log may know how far that went. */
async function planNewest(
  context: JournalContext,
  checks: readonly SegmentCheck[],
  usable: readonly SnapshotCheck[],
): Promise<Omit<RepairPlan, "snapshots" | "newest"> | undefined> {
  const [before, end] = checks.slice(-2);
  if (end?.end !== "missing" || before?.header === undefined) return undefined;
  const { journal: id } = before.header;
  const known = [
    ...usable.filter(({ logId = id }) => logId === id).map(({ seq }) => seq),
    ...(await listConsumers(context, { id, sequence: Infinity }))
      .map(({ position }) => position),
  ];
  return {
    isMissing: true,
    reason: missingEnd(end.path).message,
    header: after(before, before.header),
    like: before.path,
    aside: [],
    last: before.last,
    lost: Math.max(before.last, ...known),
    cutBytes: 0,
  };
}

/** The header of a segment that continues another. */
function after(
  { last: base, chain: prev }: SegmentCheck,
  { journal }: Header,
): Header {
  return { journal, base, prev };
}

/** The beginning of the new active segment. */
function startOf(
  checks: readonly SegmentCheck[],
  at: number,
): Pick<RepairPlan, "keep" | "header"> {
  const bad = checks[at]!;
  if (bad.goodBytes > 0) return { keep: bad };
  const before = checks[at - 1];
  if (before?.end === "sealed" && before.header !== undefined) {
    return { header: after(before, before.header) };
  }
  const { path } = bad;
  throw new MiniError(
    "CORRUPT",
    `Cannot repair "${path}": its first line is damaged, and there is nothing good before it; nothing was changed`,
    { path },
  );
}

/** The highest number of a line that looks whole. */
async function highestIn(
  { fs, maxRecordBytes }: JournalContext,
  segments: readonly SegmentCheck[],
): Promise<number> {
  let highest = Math.max(...segments.slice(1).map(({ base }) => base), 0);
  for (const { path, goodBytes, end, last } of segments) {
    if (end !== "damaged") highest = Math.max(highest, last);
    if (end !== "damaged" || await fs.stat(path) === undefined) continue;
    const maxBytes = maxRecordBytes + FRAME_BYTES;
    for await (const lines of rawLines(fs, path, maxBytes)) {
      for (const { bytes, offset } of lines) {
        if (offset < goodBytes) continue;
        const line = hasPrefix(bytes) ? shapeOf(bytes) : undefined;
        if (line?.kind !== "records") continue;
        highest = Math.max(highest, line.seq + line.count - 1);
      }
    }
  }
  return highest;
}
