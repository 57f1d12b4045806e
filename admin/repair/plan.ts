import {
  FRAME_BYTES,
  hasPrefix,
  type Header,
  type JournalContext,
  shapeOf,
} from "../../store/internal.ts";
import { collect } from "../../base/collect.ts";
import { MiniError } from "../../base/errors.ts";
import { checkSegments, type SegmentCheck } from "../read/segment_check.ts";
import { rawLines } from "../read/raw_lines.ts";
import { checkSnapshots } from "../read/snapshot_check.ts";
import { usableOf } from "../read/consistency.ts";
import { coveredAt } from "../read/segment_check.ts";

/** The plan of a repair. */
export interface RepairPlan {
  /** The damage that opening refuses. */
  readonly problem: MiniError;
  /** The segment whose beginning becomes the new active one; without it the new one is empty. */
  readonly keep?: SegmentCheck;
  /** The header of an empty new active segment. */
  readonly header?: Header;
  /** The segments that are set aside, oldest first. */
  readonly aside: readonly SegmentCheck[];
  /** The number of the last record that stays. */
  readonly last: number;
  /** The highest number found behind it; `last` where none was. */
  readonly lost: number;
  /** How many bytes go. */
  readonly cutBytes: number;
}

/** Finds out what a repair has to do; `undefined` where opening refuses nothing. */
export async function planRepair(
  context: JournalContext,
): Promise<RepairPlan | undefined> {
  const { fs, paths: { directory } } = context;
  const usable = usableOf(await checkSnapshots(fs, directory));
  const newest = usable.at(-1)?.seq ?? 0;
  const checks = await collect(checkSegments(context));
  const at = checks.findIndex(({ problem }, at) =>
    problem !== undefined && coveredAt(checks, at) > newest
  );
  const bad = checks[at];
  if (bad?.problem === undefined) return undefined;
  // Nothing is damaged where only this reader is too old, or its limit too low.
  if (bad.problem.code !== "CORRUPT") throw bad.problem;
  const aside = checks.slice(at);
  const start = startOf(checks, at);
  const { problem } = bad;
  const last = start.keep?.last ?? start.header!.base;
  const keptBytes = start.keep?.goodBytes ?? 0;
  const allBytes = aside.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    problem,
    ...start,
    aside,
    last,
    lost: Math.max(last, await highestIn(context, aside)),
    cutBytes: allBytes - keptBytes,
  };
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
    const { journal } = before.header;
    return { header: { journal, base: before.last, prev: before.chain } };
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
