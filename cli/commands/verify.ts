import { isWell, verifyJournal } from "../../admin/verify.ts";
import { locateOrLost } from "../../admin/read/locate.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import { describe } from "../verify_text.ts";

export const verify: Command = {
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
  async run(call: Call): Promise<Outcome> {
    const context = await locateOrLost(
      call.args.operand(0),
      journalOptions(call),
    );
    const verification = await verifyJournal(context, call.progress);
    return {
      exitCode: isWell(verification) ? 0 : 1,
      report: verification,
      lines: describe(verification, call.paint),
    };
  },
};
