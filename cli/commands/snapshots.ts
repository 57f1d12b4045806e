import { basename } from "@std/path";
import { setAsideIn } from "../../admin/internal.ts";
import { type SnapshotReport, verifySnapshots } from "../../admin/mod.ts";
import { size } from "../../base/text.ts";
import { adminOptions, type Command, rowsOf } from "../command.ts";
import type { Paint } from "../../admin/internal.ts";

export const snapshots: Command = {
  name: "snapshots",
  operands: ["DIR"],
  summary: "list the snapshots, and whether each is intact",
  details: [
    "Reads and checks every byte of them. A damaged snapshot that opening has",
    "already set aside (….json.bad) is listed, and is not a finding.",
  ],
  options: [],
  examples: ["state"],
  async run(call) {
    const dir = call.args.operand(0);
    const found = await verifySnapshots(dir, adminOptions(call));
    const setAside = await setAsideIn(call.fs, dir);
    const isDamaged = found.some(({ problem }) => problem !== undefined);
    return {
      exitCode: isDamaged ? 1 : 0,
      report: { snapshots: found, setAside },
      lines: [
        ...describe(found, call.paint),
        ...setAside.map((name) => `${name}  damaged, and set aside`),
      ],
    };
  },
};

function describe(found: readonly SnapshotReport[], paint: Paint): string[] {
  const rows = rowsOf(found, "no snapshots", (
    { path, seq, sizeBytes, status, version },
  ) => [
    basename(path),
    `record ${seq}`,
    size(sizeBytes),
    paint(
      status === "damaged" ? "bad" : "good",
      status === "whole" ? "intact" : status,
    ),
    version === undefined ? "" : `version ${version}`,
  ]);
  const problems = found.flatMap(({ problem }) => problem?.message ?? []);
  return [...rows, ...problems];
}
