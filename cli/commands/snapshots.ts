import { bareMessage } from "../../admin/finding.ts";
import { basename } from "@std/path";
import { Misuse } from "../args.ts";
import type { Call, Command, Outcome } from "../command.ts";
import { isDirectory } from "../../fs/directory.ts";
import {
  checkSnapshots,
  setAsideIn,
  type SnapshotCheck,
} from "../../admin/read/snapshot_check.ts";
import type { Paint } from "../terminal.ts";
import { size, table } from "../../base/text.ts";

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
  async run({ args, fs, progress, paint }: Call): Promise<Outcome> {
    const dir = args.operand(0);
    if (!await isDirectory(fs, dir)) {
      throw new Misuse(`there is no directory "${dir}"`);
    }
    progress.begin("checking", 0);
    const found = await checkSnapshots(fs, dir);
    const aside = await setAsideIn(fs, dir);
    const isDamaged = found.some(({ problem }) => problem !== undefined);
    return {
      exitCode: isDamaged ? 1 : 0,
      report: { snapshots: found.map(told), setAside: aside },
      lines: [
        ...(found.length === 0 ? ["no snapshots"] : describe(found, paint)),
        ...aside.map((name) => `${name}  damaged, and set aside`),
      ],
    };
  },
};

/** A snapshot as `--json` tells of it. */
export function told({ problem, ...rest }: SnapshotCheck): unknown {
  return problem === undefined
    ? rest
    : { ...rest, reason: bareMessage(problem) };
}

function describe(found: readonly SnapshotCheck[], paint: Paint): string[] {
  const rows = found.map(({ path, seq, sizeBytes, status, version }) => [
    basename(path),
    `record ${seq}`,
    size(sizeBytes),
    paint(
      status === "damaged" ? "bad" : "good",
      status === "whole" ? "intact" : status,
    ),
    version === undefined ? "" : `version ${version}`,
  ]);
  const problems = found.flatMap(({ problem }) =>
    problem === undefined ? [] : [bareMessage(problem)]
  );
  return [...table(rows), ...problems];
}
