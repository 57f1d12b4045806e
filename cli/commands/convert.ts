import { convert, type ConvertReport } from "../../admin/mod.ts";
import { count } from "../../base/text.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import { besideLines } from "./backup.ts";

export const convertCommand: Command = {
  name: "convert",
  operands: ["PATH", "NEW"],
  summary: "make a native journal from one of the Rust crates (writes NEW)",
  details: [
    "If PATH is a journal, NEW gets the records of all its rotated segments, under",
    "the same numbers. If PATH is the directory of a state, NEW is a missing or",
    "empty directory, and gets the state with its newest snapshot. The original is",
    "only read; stop the program that writes it first. Exit code 1 if the last line",
    "is unfinished and was left out.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["counter.log data/journal.jsonl", "rust-state state"],
  async run(call) {
    const [path, to] = [call.args.operand(0), call.args.operand(1)];
    const report = await convert(path, to, adminOptions(call));
    const exitCode = report.tornBytes > 0 ? 1 : 0;
    return { exitCode, report, lines: describe(report) };
  },
};

function describe(report: ConvertReport): string[] {
  const { from, to, records, snapshot, tornBytes } = report;
  return [
    `${count(records, "record")} in "${to}"`,
    ...(snapshot === null ? [] : [`and the snapshot at record ${snapshot}`]),
    ...(tornBytes === 0 ? [] : [
      `left out: ${
        count(tornBytes, "byte")
      } of an unfinished line at the end of "${from}"`,
    ]),
    ...besideLines(report),
  ];
}
