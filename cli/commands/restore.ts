import { restore } from "../../admin/mod.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import { besideLines, holding } from "./backup.ts";

export const restoreCommand: Command = {
  name: "restore",
  operands: ["FROM", "DIR"],
  summary: "verify a backup and copy it into place (writes DIR)",
  details: [
    "Verifies all of FROM before it writes anything, and refuses it if anything is",
    "damaged, missing or torn. DIR must be missing or empty: move the old directory",
    "away. The command verifies the copy before it reports success; until then",
    "opening refuses the copy.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["/backup/state-monday state"],
  async run(call) {
    const [from, dir] = [call.args.operand(0), call.args.operand(1)];
    const report = await restore(from, dir, adminOptions(call));
    const lines = [
      `restored and verified: ${holding(report)}`,
      ...besideLines(report),
      "consumers begin again, and the inbox of a queue is empty",
    ];
    return { exitCode: 0, report, lines };
  },
};
