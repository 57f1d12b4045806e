import { statLines } from "../../admin/internal.ts";
import { stat } from "../../admin/mod.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import { WATCH, watched } from "../watch.ts";

export const statCommand: Command = {
  name: "stat",
  operands: ["PATH"],
  summary: "draw what is there: segments, records, snapshots, queue",
  details: [
    "Reads only names and the last segments, and for a queue what opening it would",
    "read; mini verify reads everything. Exit code 1 if what was read is damaged,",
    "missing, or torn.",
  ],
  options: [WATCH, ...JOURNAL_OPTIONS],
  examples: ["state", "data/journal.jsonl --json"],
  run: (call) =>
    watched(call, async () => {
      const report = await stat(call.args.operand(0), adminOptions(call));
      return {
        exitCode: report.problem === undefined ? 0 : 1,
        report,
        lines: statLines(report, call),
      };
    }),
};
