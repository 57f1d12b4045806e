import { backup } from "../../admin/mod.ts";
import type { BackupReport, CopyReport } from "../../admin/mod.ts";
import { adminOptions, type Command, JOURNAL_OPTIONS } from "../command.ts";
import { count, size, span } from "../../base/text.ts";

export const backupCommand: Command = {
  name: "backup",
  operands: ["PATH", "DIR"],
  summary: "copy journal and snapshots to a new directory (writes DIR)",
  details: [
    "Runs beside a writer that appends, rotates and compacts: the copy opens to a",
    "state that the original was in. The command verifies the copy before it reports",
    "success; until then opening refuses the copy. DIR must be missing or empty.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["state /backup/state-monday"],
  async run(call) {
    const [path, dir] = [call.args.operand(0), call.args.operand(1)];
    const report = await backup(path, dir, adminOptions(call));
    const { findings, leftOut } = report;
    return {
      exitCode: findings.length === 0 && leftOut.length === 0 ? 0 : 1,
      report,
      lines: linesOf(report),
    };
  },
};

function linesOf(report: BackupReport): string[] {
  const { findings, leftOut, covered, tornBytes } = report;
  const what = holding(report);
  return [
    findings.length === 0
      ? `backed up and verified: ${what}`
      : `backed up, and the copy is complete; but something is wrong with the original, and so with the copy: ${what}`,
    ...findings.map(({ code, message }) => `${code}: ${message}`),
    ...leftOut.map((path) =>
      `left out: ${path}, which is damaged${
        path === covered
          ? ", and so is the log before it: a snapshot covers both"
          : ""
      }`
    ),
    ...(tornBytes === 0 ? [] : [
      `left out: ${
        count(tornBytes, "byte")
      } of an unfinished line at the end, which opening cuts off`,
    ]),
    ...besideLines(report),
  ];
}

/** The content of a copy, in words. */
export function holding(report: CopyReport): string {
  const { first, last, segments, snapshots, sizeBytes } = report;
  return [
    last < first ? "no records" : span("record", first, last),
    count(segments, "segment"),
    count(snapshots, "snapshot"),
    size(sizeBytes),
  ].join(", ");
}

/** The things beside an original that a copy is without. */
export function besideLines(
  { setAside = [], consumers, posted }:
    & Pick<CopyReport, "consumers" | "posted">
    & { setAside?: readonly string[] },
): string[] {
  const lines = setAside.map((name) => `left out: ${name}, which is set aside`);
  if (consumers.length > 0) {
    const what = count(consumers.length, "consumer");
    lines.push(
      `left out: the positions of ${what} (${
        consumers.join(", ")
      }), which begin again in a copy`,
    );
  }
  if (posted > 0) {
    const files = count(posted, "file");
    lines.push(`left out: ${files} in the inbox, which the queue will take in`);
  }
  return lines;
}
