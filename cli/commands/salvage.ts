import { nextFor } from "../../admin/internal.ts";
import { type Renumbered, salvage } from "../../admin/mod.ts";
import type { SalvageReport } from "../../admin/mod.ts";
import { count, size, span } from "../../base/text.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import type { Paint } from "../../admin/internal.ts";
import { besideLines } from "./backup.ts";

export const salvageCommand: Command = {
  name: "salvage",
  operands: ["PATH", "NEW"],
  summary: "copy everything that can be read to a new place (writes NEW)",
  details: [
    "If PATH is a journal, NEW is the name of a journal that does not exist yet.",
    "Reading continues after a damage, where the running checksum is found again.",
    "",
    "If PATH is the directory of a state or a queue with snapshots, NEW is a missing",
    "or empty directory. It gets the newest intact snapshot, which holds the effect",
    "of all records up to it, damaged ones included, and the readable records after",
    "it. Earlier records and older snapshots are not copied; to copy all records,",
    "give the journal by its own path.",
    "",
    "NEW gets an id of its own. Records keep their numbers up to the first gap and",
    "move up after it; the aborts of a state are adjusted. A record that looks intact",
    "but that no checksum confirms is copied too, and reported with its old and its",
    "new number: in NEW it has a checksum. The original is only read. Exit code 1 if",
    "anything was lost.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl rescued/journal.jsonl", "state rescued-state"],
  async run(call) {
    const [path, to] = [call.args.operand(0), call.args.operand(1)];
    const report = await salvage(path, to, adminOptions(call));
    const { damages, gaps, findings, opens } = report;
    const isLost = damages + gaps.length + findings.length > 0 || !opens;
    return {
      exitCode: isLost ? 1 : 0,
      report,
      lines: [...describe(report, isLost, call.paint), ...besideLines(report)],
    };
  },
};

function describe(
  report: SalvageReport,
  isLost: boolean,
  paint: Paint,
): string[] {
  const { records, from, to, ranges, gaps, unverified } = report;
  const { damages, damaged, snapshot, passedOver } = report;
  const before = snapshot ? `the snapshot at record ${snapshot.seq}, and ` : "";
  const lines = [`${before}${count(records, "record")} in "${to}"`];
  for (const range of ranges) lines.push(`  ${moved(range)}`);
  for (const { from, to } of gaps) {
    lines.push(
      paint("bad", `missing: ${span("record", from, to)} (${to - from + 1})`),
    );
  }
  for (const { path, reason } of passedOver) {
    lines.push(paint("warn", `passed over: ${path}: ${reason}`));
  }
  for (const { path, line, offset, sizeBytes, reason } of damaged) {
    const where = `${path} (line ${line}, offset ${offset}, ${
      size(sizeBytes)
    })`;
    lines.push(paint("warn", `left out: ${where}: ${reason}`));
  }
  const more = damaged.reduce((left, { lines = 1 }) => left - lines, damages);
  if (more > 0) lines.push(`… and ${count(more, "line")} more`);
  for (const range of unverified) {
    lines.push(paint("warn", `no checksum confirms ${moved(range)}`));
  }
  if (snapshot !== null && report.hasLog) {
    lines.push(
      `not copied, because the snapshot covers them: records up to ${snapshot.seq}; mini salvage ${from} NEW.jsonl copies the readable ones`,
    );
  }
  const { findings, format, snapshotAhead } = report;
  const found = { path: from, first: 1, format, snapshots: 0, snapshotAhead };
  for (const finding of findings) {
    const { code, message } = finding;
    lines.push(
      paint("bad", `${code}: ${message}`),
      `next: ${nextFor(finding, found)}`,
    );
  }
  if (!report.opens) {
    lines.push(
      paint(
        "bad",
        report.passedOver.length > 0 && report.snapshot === null
          ? "no snapshot is intact, and the log does not go back to record 1: no state or queue can open the copy; mini dump prints its records"
          : "what is lost leaves others without their meaning: no queue can open the copy; mini dump prints its records",
      ),
    );
  }
  if (!isLost) lines.push(paint("good", "nothing was lost"));
  return lines;
}

function moved({ from, to, as }: Renumbered): string {
  const now = from === to ? `now ${as}` : `now from ${as} on`;
  return `${span("record", from, to)}${from === as ? "" : `, ${now}`}`;
}
