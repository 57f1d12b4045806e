import { consumerLines } from "./consumer.ts";
import { bareMessage } from "../../admin/finding.ts";
import { basename } from "@std/path";
import { bar, grouped as groups, map } from "../chart.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import {
  type LogSummary,
  type SegmentSummary,
  summarizeDamagedLog,
} from "../../admin/read/log_summary.ts";
import {
  type Depth,
  depthOf,
  isQueue,
  isState,
  readQueue,
} from "../../admin/read/ledger.ts";
import { locateOrLost } from "../../admin/read/locate.ts";
import { depthChart } from "./queue/look.ts";
import { type ConsumerRow, consumersOf } from "../../admin/read/consumers.ts";
import { steadily } from "../../admin/read/read_only.ts";
import { leftovers, listThere } from "../../admin/read/snapshot_check.ts";
import type { SegmentCheck } from "../../admin/read/segment_check.ts";
import type { Paint } from "../terminal.ts";
import { count, grouped, size, span, table } from "../../base/text.ts";
import { lostIn } from "../../admin/read/consistency.ts";
import { ENDS, tornLine } from "../verify_text.ts";

const MAX_ROWS = 16;
const BAR_CHARS = 24;
/** A snapshot may be overdue if the log after the last one is `OVERDUE_TIMES` its size, and at least `OVERDUE_BYTES`. */
const OVERDUE_TIMES = 16;
const OVERDUE_BYTES = 8 * 1024 * 1024;

export const stat: Command = {
  name: "stat",
  operands: ["PATH"],
  summary: "draw what is there: segments, records, snapshots, queue",
  details: [
    "Reads only names and the last segments, and for a queue what opening it would",
    "read; mini verify reads everything. Exit code 1 if what was read is damaged,",
    "missing, or torn.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["state", "data/journal.jsonl --json"],
  async run(call: Call): Promise<Outcome> {
    const context = await locateOrLost(
      call.args.operand(0),
      journalOptions(call),
    );
    const { fs, paths } = context;
    // The log goes at least as far as the snapshots that are there before it is looked at.
    const snapshots = await listThere(fs, paths.directory);
    const found = await summarizeDamagedLog(context);
    const queue = found.problem === undefined &&
        found.last > 0 &&
        await steadily(context, (now) => isQueue(context, now))
      ? await depthOf(await readQueue(context))
      : undefined;
    const { first, last, logId, segments, end, problem, tornBytes } = found;
    const report = {
      path: paths.active,
      format: end === undefined ? "ministore" : "mini",
      logId,
      first,
      last,
      records: Math.max(0, last - first + 1),
      times: found.times,
      sizeBytes: totalOf(segments),
      end: found.ending,
      tornBytes,
      segments,
      snapshots,
      setAside: await leftovers(context),
      queue,
      consumers: await consumersOf(context, found),
      warning: await isState(context) ? overdue(found, snapshots) : undefined,
      problem: (problem && bareMessage(problem)) ??
        lostIn(paths.active, found, snapshots).findings[0]?.message ??
        (tornBytes > 0
          ? tornLine({ tornBytes, path: paths.active, last })
          : undefined),
    };
    return {
      exitCode: report.problem === undefined ? 0 : 1,
      report,
      lines: draw(report, found, call),
    };
  },
};

/**
 * Says that much of the log follows the last snapshot. One that a state makes by
 * itself may fail each time, as where it holds what JSON does not keep; only its
 * program is told.
 */
function overdue(
  { first, last, segments }: LogSummary,
  snapshots: readonly { readonly seq: number; readonly sizeBytes: number }[],
): string | undefined {
  const { seq: newest, sizeBytes } = snapshots.at(-1) ??
    { seq: 0, sizeBytes: 0 };
  const behind = last - newest;
  // Segments do not end where snapshots stand: records count alike.
  const bytes = totalOf(segments) * behind / Math.max(1, last - first + 1);
  if (bytes < Math.max(OVERDUE_BYTES, OVERDUE_TIMES * sizeBytes)) {
    return undefined;
  }
  const since = newest === 0 ? "there is none" : `the last is at ${newest}`;
  return `a snapshot may be overdue: ${since}, and opening replays ${
    count(behind, "record")
  }; unless the state is as large as that, snapshotFailure of its program says why none was made`;
}

function totalOf(segments: readonly SegmentSummary[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

interface Report {
  readonly path: string;
  readonly format: string;
  readonly records: number;
  readonly sizeBytes: number;
  readonly times: LogSummary["times"];
  readonly end: SegmentCheck["end"];
  readonly snapshots: readonly { seq: number; sizeBytes: number }[];
  readonly setAside: readonly string[];
  readonly queue: Depth | undefined;
  readonly consumers: readonly ConsumerRow[];
  readonly warning: string | undefined;
  readonly problem: string | undefined;
}

function draw(
  report: Report,
  { first, last, segments, problem }: LogSummary,
  call: Pick<Call, "paint" | "terminal">,
): string[] {
  const { paint, terminal } = call;
  const { path, format, records, sizeBytes, snapshots, queue } = report;
  const files = segments.filter(({ end }) => end !== "missing").length;
  const what = [
    ...(problem !== undefined
      ? []
      : records === 0
      ? ["no records"]
      : [`${span("record", first, last)} (${grouped(records)})`]),
    count(files, "segment"),
    size(sizeBytes),
  ].join(", ");
  const end = files === 0
    ? "there is no log"
    : ENDS[problem === undefined ? report.end : "damaged"];
  const lines = [
    paint("bold", path),
    `${
      format === "mini" ? "" : "a journal of the Rust crate; "
    }${what}; ${end}`,
    ...timesIn(report),
    "",
    ...segmentRows(segments, paint, terminal),
  ];
  const width = Math.min(60, terminal.columns - 1);
  const marks = snapshots.map(({ seq }) => seq);
  if (segments.length > 1 || marks.length > 0) {
    lines.push("", ...map(segments, marks, width));
  }
  for (const { seq, sizeBytes } of snapshots) {
    lines.push(`▲ snapshot at record ${seq}, ${size(sizeBytes)}`);
  }
  if (queue !== undefined) lines.push("", "queue", ...depthChart(queue, call));
  if (report.consumers.length > 0) {
    lines.push("", "consumers", ...consumerLines(report.consumers, paint));
  }
  for (const name of report.setAside) lines.push(`set aside: ${name}`);
  if (report.warning !== undefined) lines.push(paint("warn", report.warning));
  if (report.problem !== undefined) lines.push(paint("bad", report.problem));
  return lines;
}

/** When the records were written, where they tell. */
function timesIn({ times }: Report): string[] {
  if (times === undefined) return [];
  const { first, last } = times;
  const from = first === undefined ? "" : `from ${first.toISOString()} `;
  return [`written ${from}to ${last.toISOString()}`];
}

/** The segments, a few to a row where they are many, with their records as bars. */
function segmentRows(
  segments: readonly SegmentSummary[],
  paint: Paint,
  { columns, isInteractive }: Pick<
    Call["terminal"],
    "columns" | "isInteractive"
  >,
): string[] {
  const rows = groups(segments, MAX_ROWS).map((group) => ({
    name: group.length === 1
      ? basename(group[0]!.path)
      : `${group.length} segments`,
    base: group[0]!.base,
    last: group.at(-1)!.last,
    end: group.at(-1)!.end,
    sizeBytes: totalOf(group),
  }));
  const max = Math.max(...rows.map(({ base, last }) => last - base));
  const facts = rows.map(({ name, base, last, sizeBytes, end }) => [
    // Where there is no room for all of a name, its end tells it from others.
    isInteractive && columns < 72 && name.length > 14
      ? `…${name.slice(-13)}`
      : name,
    rangeOf(base, last, end),
    grouped(last - base),
    size(sizeBytes),
  ]);
  const wide = Math.max(...table(facts).map((line) => [...line].length));
  const room = isInteractive ? columns - wide - 3 : BAR_CHARS;
  return table(facts.map((row, at) => {
    const { base, last } = rows[at]!;
    const chars = Math.min(BAR_CHARS, room);
    return [
      ...row,
      chars < 1 ? "" : paint("good", bar(last - base, max, chars)),
    ];
  }));
}

/** The records of a segment, in words. */
function rangeOf(
  base: number,
  last: number,
  end?: SegmentCheck["end"],
): string {
  const isShort = end === "damaged" || end === "missing";
  if (last === base) return isShort ? end : "empty";
  return `${base + 1}–${last}${isShort ? `, then ${end}` : ""}`;
}
