import { adopt, type AdoptReport } from "../../admin/mod.ts";
import { count, size } from "../../base/text.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import type { Paint } from "../../admin/internal.ts";

export const adoptCommand: Command = {
  name: "adopt",
  operands: ["FILE", "NEW"],
  summary: "make a journal of any file of JSON lines (writes NEW)",
  details: [
    "Every JSON value in FILE becomes a record of the journal NEW, which must not",
    "exist yet, in order. FILE may be damaged in any way: lines that are cut short or",
    "run together, NULs, a byte order mark, CRLF. What cannot be read for certain is",
    "left out and listed, with its line and offset, and the exit code is 1. FILE is",
    "only read; stop the program that writes it first.",
    "",
    "Of a cut line nothing is taken. What follows on the same line is taken where no",
    "value of the cut one could be. An integer that JavaScript would change is left",
    "out with its value, and so is a number that is too large or too close to 0; a",
    "fraction is rounded to the nearest double, -0 becomes 0, and of a name that an",
    "object has twice the last counts. NEW opens only when it is complete.",
  ],
  options: [
    { name: "dry-run", summary: "only report; writes nothing" },
    ...JOURNAL_OPTIONS.filter(({ name }) => name !== "journal"),
  ],
  examples: ["app.log data/journal.jsonl", "--dry-run app.log x.jsonl"],
  async run(call) {
    const { args, paint } = call;
    const report = await adopt(args.operand(0), args.operand(1), {
      ...adminOptions(call),
      dryRun: args.has("dry-run"),
    });
    const isLost = report.losses > 0 || report.changed;
    const lines = describe(report, isLost, paint);
    return { exitCode: isLost ? 1 : 0, report, lines };
  },
};

function describe(
  report: AdoptReport,
  isLost: boolean,
  paint: Paint,
): string[] {
  const { adopted, from, to, records, lost, losses, lostBytes } = report;
  const lines = [
    `${adopted ? "" : "would write: "}${count(records, "record")} in "${to}"`,
  ];
  for (const { line, offset, sizeBytes, after, reason } of lost) {
    const before = after === 0 ? "before record 1" : `after record ${after}`;
    const where = `line ${line}, offset ${offset}, ${size(sizeBytes)}`;
    lines.push(paint("warn", `left out ${before} (${where}): ${reason}`));
  }
  if (losses > lost.length) {
    lines.push(
      `… and ${count(losses - lost.length, "part")} more; all together ${
        size(lostBytes)
      }`,
    );
  }
  if (report.changed) {
    lines.push(
      paint(
        "bad",
        `"${from}" changed meanwhile: stop what writes it, then try again${
          adopted ? " with another NEW" : ""
        }`,
      ),
    );
  }
  if (!isLost) lines.push(paint("good", "nothing was left out"));
  return lines;
}
