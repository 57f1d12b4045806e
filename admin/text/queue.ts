import { bar, count, duration, grouped, table } from "../../base/text.ts";
import type { QueueReport } from "../stat.ts";
import type { Screen } from "./paint.ts";

const BAR_CHARS = 30;

/** How many messages there are, as a chart. */
export function queueLines(
  depth: QueueReport,
  { paint, terminal }: Screen,
): string[] {
  const { ready, blocked, delayed, inFlight, dead } = depth;
  const { paused, oldestMs, finished, schedules } = depth;
  const rows = { ready, blocked, delayed, "in flight": inFlight, dead };
  const max = Math.max(...Object.values(rows));
  const beside = 14 + grouped(max).length;
  const width = terminal.isInteractive
    ? Math.max(1, Math.min(BAR_CHARS, terminal.columns - beside))
    : BAR_CHARS;
  const lines = table(
    Object.entries(rows).map(([name, number]) => [
      name,
      grouped(number),
      paint(name === "dead" ? "bad" : "good", bar(number, max, width)),
    ]),
  );
  if (oldestMs > 0) {
    lines.push(`the oldest has waited ${duration(oldestMs / 1000)}`);
  }
  if (finished > 0) {
    lines.push(`finished and kept: ${count(finished, "message")}`);
  }
  const scheduled = schedules.map(({ name, last, missed }) => [
    "schedule",
    JSON.stringify(name),
    last === undefined
      ? "has not fired"
      : `fired last ${timeText(new Date(last))}`,
    missed > 0 ? `${grouped(missed)} missed` : "",
  ]);
  lines.push(...table(scheduled));
  if (paused) lines.push(paint("warn", "paused: nothing is delivered"));
  return lines;
}

/** A time, to the second. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
