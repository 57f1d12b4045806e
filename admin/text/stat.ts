import { basename } from "@std/path";
import {
  bar,
  count,
  grouped,
  inGroups,
  segmentMap,
  size,
  span,
  table,
  width,
} from "../../base/text.ts";
import type { SegmentSummary } from "../read/log_summary.ts";
import type { SegmentEnd } from "../read/segment_check.ts";
import type { StatReport } from "../stat.ts";
import { consumerLines } from "./consumers.ts";
import type { Paint, Screen } from "./paint.ts";
import { queueLines } from "./queue.ts";
import { ENDS } from "./verify.ts";

const MAX_ROWS = 16;
const BAR_CHARS = 24;

/** A journal, its snapshots and its queue, drawn. */
export function statLines(report: StatReport, screen: Screen): string[] {
  const { paint, terminal } = screen;
  const { path, format, first, last, records, sizeBytes } = report;
  const { segments, snapshots, queue } = report;
  const isDamaged = segments.some(({ end }) => end === "damaged");
  const files = segments.filter(({ end }) => end !== "missing").length;
  const what = [
    ...(isDamaged
      ? []
      : records === 0
      ? ["no records"]
      : [`${span("record", first, last)} (${grouped(records)})`]),
    count(files, "segment"),
    size(sizeBytes),
  ].join(", ");
  const end = files === 0
    ? "there is no log"
    : ENDS[isDamaged ? "damaged" : report.end];
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
    lines.push("", ...segmentMap(segments, marks, width));
  }
  for (const { seq, sizeBytes } of snapshots) {
    lines.push(`▲ snapshot at record ${seq}, ${size(sizeBytes)}`);
  }
  if (queue !== undefined) {
    lines.push("", "queue", ...queueLines(queue, screen));
  }
  if (report.consumers.length > 0) {
    lines.push("", "consumers", ...consumerLines(report.consumers, paint));
  }
  for (const name of report.setAside) lines.push(`set aside: ${name}`);
  return [...lines, ...healthLines(report, paint)];
}

const STYLES = { ok: "good", degraded: "warn", failed: "bad" } as const;

/** The status with its codes, and each reason in words. */
function healthLines(
  { health: { status, reasons } }: StatReport,
  paint: Paint,
): string[] {
  const codes = reasons.map(({ code }) => code).join(", ");
  const why = codes === "" ? "" : ` (${codes})`;
  return [
    `health: ${paint(STYLES[status], status)}${why}`,
    ...reasons.map(({ severity, message }) => paint(STYLES[severity], message)),
  ];
}

/** When the records were written, where they tell. */
function timesIn({ times }: StatReport): string[] {
  if (times === undefined) return [];
  const { first, last } = times;
  const from = first === undefined ? "" : `from ${first} `;
  return [`written ${from}to ${last}`];
}

/** The segments, a few to a row where they are many, with their records as bars. */
function segmentRows(
  segments: readonly SegmentSummary[],
  paint: Paint,
  { columns, isInteractive }: Screen["terminal"],
): string[] {
  const rows = inGroups(segments, MAX_ROWS).map((group) => ({
    name: group.length === 1
      ? basename(group[0]!.path)
      : `${group.length} segments`,
    base: group[0]!.base,
    last: group.at(-1)!.last,
    end: group.at(-1)!.end,
    sizeBytes: group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
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
  const wide = Math.max(...table(facts).map(width));
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
  end?: SegmentEnd,
): string {
  const isShort = end === "damaged" || end === "missing";
  if (last === base) return isShort ? end : "empty";
  return `${base + 1}–${last}${isShort ? `, then ${end}` : ""}`;
}
