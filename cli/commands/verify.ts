import { isWell, verifyLines } from "../../admin/internal.ts";
import { verify } from "../../admin/mod.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";

export const verifyCommand: Command = {
  name: "verify",
  operands: ["PATH"],
  summary: "read every byte, and report what is damaged",
  details: [
    "Checks every segment as opening does. After a damage it continues with the",
    "next segment, and so reports the first damage of each. Then it checks the",
    "snapshots, and whether they belong to the journal. Exit code 1 if anything is",
    "damaged, missing, or torn.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl", "state --json"],
  async run(call) {
    const report = await verify(call.args.operand(0), adminOptions(call));
    return {
      exitCode: isWell(report) ? 0 : 1,
      report,
      lines: verifyLines(report, call.paint),
    };
  },
};
