import type { JournalContext } from "../../store/internal.ts";
import { basename, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { BackupPass, Moved } from "../../admin/backup/pass.ts";
import { UNFINISHED_BACKUP } from "../../admin/read/segment_check.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import {
  assertEmpty,
  contextFor,
  locateOrLost,
} from "../../admin/read/locate.ts";
import { leftovers } from "../../admin/read/snapshot_check.ts";
import { measureSegments } from "../../admin/read/log_summary.ts";
import { leftOutBeside } from "../../admin/read/consumers.ts";
import { fill } from "../../admin/journal_builder.ts";
import { count, size, span } from "../../base/text.ts";
import { missingEnd } from "../../admin/read/consistency.ts";
import { type Verification, verifyJournal } from "../../admin/verify.ts";

/** No writer rotates and compacts as fast as that. */
const MAX_ATTEMPTS = 100;

export const backup: Command = {
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
  async run(call: Call): Promise<Outcome> {
    const { args, fs, progress } = call;
    const from = await locateOrLost(call.args.operand(0), journalOptions(call));
    const directory = args.operand(1);
    await assertEmpty(fs, directory);
    const to = contextFor(
      join(directory, basename(from.paths.active)),
      journalOptions(call),
    );
    const { totalBytes } = await measureSegments(from);
    // Checked, copied, read back, verified.
    progress.begin("backing up", 4 * totalBytes);
    return await fill(to, "back up", directory, async () => {
      await fs.createDirectory(to.paths.directory, 0o700);
      const pass = await copyAll(from, to);
      const found = await verifyJournal(to, call.progress);
      assertWhole(found);
      return outcome(from, found, pass, {
        setAside: await leftovers(from),
        beside: await leftOutBeside(from),
      });
    });
  },
};

function assertWhole({ findings, end, path }: Verification): void {
  const refused = findings.find(({ blocksOpen }) => blocksOpen);
  if (refused === undefined && end !== "torn") return;
  const message = `The backup "${path}" is not intact: ${
    refused?.message ?? "it ends in an unfinished write"
  }`;
  throw new MiniError("CORRUPT", message, { path });
}

/** The copy opens as the original does; what is wrong with that is wrong with both. */
function outcome(
  from: JournalContext,
  found: Verification,
  pass: BackupPass,
  { setAside, beside }: {
    readonly setAside: readonly string[];
    readonly beside: Awaited<ReturnType<typeof leftOutBeside>>;
  },
): Outcome {
  const { path: to, first, last, segments, snapshots, sizeBytes } = found;
  const { covered, tornBytes } = pass;
  const leftOut = [...pass.damaged];
  const findings = [...found.findings];
  if (pass.isEndMissing) findings.push(missingEnd(from.paths.active));
  const isWell = findings.length === 0;
  const records = last < first ? "no records" : span("record", first, last);
  const what = [
    records,
    count(segments, "segment"),
    count(snapshots, "snapshot"),
    size(sizeBytes),
  ].join(", ");
  return {
    exitCode: isWell && leftOut.length === 0 ? 0 : 1,
    report: {
      from: from.paths.active,
      to,
      first,
      last,
      segments,
      snapshots,
      sizeBytes,
      leftOut,
      tornBytes,
      setAside,
      consumers: beside.consumers,
      posted: beside.posted,
      findings,
    },
    lines: [
      isWell
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
      ...setAside.map((name) => `left out: ${name}, which is set aside`),
      ...beside.lines,
    ],
  };
}

async function copyAll(
  from: JournalContext,
  to: JournalContext,
): Promise<BackupPass> {
  const bytes = new TextEncoder().encode(UNFINISHED_BACKUP);
  const file = await replaceFileDurably(
    to.staging,
    to.paths.active,
    (file) => file.write(bytes),
  );
  await file.close();
  const pass = new BackupPass(from, to);
  for (let attempt = 1;; attempt++) {
    try {
      await pass.run();
      return pass;
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      if (attempt < MAX_ATTEMPTS) continue;
      const { active: path } = from.paths;
      const message =
        `Cannot back up "${path}": compaction removes segments faster than they can be copied`;
      throw new MiniError("IO", message, { path });
    }
  }
}
