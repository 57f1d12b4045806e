import { basename, join } from "@std/path";
import { MiniError } from "../store/errors.ts";
import { installFile } from "../store/install.ts";
import { fromOs } from "../store/os_errors.ts";
import type { JournalContext } from "../store/segment.ts";
import { BackupPass, Moved } from "./backup_pass.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  type Outcome,
} from "./command.ts";
import { assertEmpty, contextFor, locate } from "./place.ts";
import { survey } from "./survey.ts";
import { count, size, span } from "./text.ts";
import { type Verification, verifyJournal } from "./verify.ts";
import { ENDS } from "./verify_text.ts";

/** No writer rotates and compacts as fast as that. */
const MAX_ATTEMPTS = 100;

/** What stands in place of the active segment until the rest is there: opening refuses it. */
const PLACEHOLDER = "This backup is not complete.\n";

export const backup: Command = {
  name: "backup",
  operands: ["PATH", "DIR"],
  summary: "copy journal and snapshots to a new directory (writes DIR)",
  details: [
    "Runs beside a writer that appends, rotates and compacts: the copy opens to",
    "a state that the original was in. It is verified before it is said to be",
    "done; until then opening refuses it. DIR must be missing, or empty.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["state /backup/state-monday"],
  async run(call: Call): Promise<Outcome> {
    const { args, fs, progress } = call;
    const from = await locate(call);
    const directory = args.operand(1);
    await assertEmpty(fs, directory);
    const to = contextFor(join(directory, basename(from.paths.active)), call);
    const { totalBytes } = await survey(from);
    // Checked, copied, read back, verified.
    progress.begin("backing up", 4 * totalBytes);
    let pass: BackupPass;
    try {
      await fs.createDirectory(to.paths.directory, 0o700);
      pass = await copyAll(from, to);
    } catch (error) {
      const { directory, active: path } = to.paths;
      const after = "the copy is not complete, and opening refuses it";
      throw fromOs(error, `back up to "${directory}"`, after, {
        directory,
        path,
      });
    }
    const found = await verifyJournal(to, call);
    const refused = found.findings.find(({ isRefused }) => isRefused);
    if (refused !== undefined || found.end === "torn") {
      const message = `The backup "${to.paths.active}" is not whole: ${
        refused?.message ?? "it ends in an unfinished write"
      }`;
      throw new MiniError("CORRUPT", message, { path: to.paths.active });
    }
    return outcome(from, found, pass);
  },
};

/** The copy opens as the original does; what is wrong with that is wrong with both. */
function outcome(
  from: JournalContext,
  found: Verification,
  pass: BackupPass,
): Outcome {
  const { path: to, first, last, segments, snapshots, sizeBytes } = found;
  const leftOut = [...pass.damaged];
  const { findings } = found;
  const { isEndMissing } = pass;
  const isWell = findings.length === 0 && !isEndMissing;
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
      isEndMissing,
      findings,
    },
    lines: [
      isWell
        ? `backed up and verified: ${what}`
        : `backed up, and the copy is whole; but something is wrong with the original, and so with the copy: ${what}`,
      ...findings.map(({ code, message }) => `${code}: ${message}`),
      ...(isEndMissing ? [`${from.paths.active}: ${ENDS.missing}`] : []),
      ...leftOut.map((path) => `left out: ${path} is damaged`),
    ],
  };
}

async function copyAll(
  from: JournalContext,
  to: JournalContext,
): Promise<BackupPass> {
  const bytes = new TextEncoder().encode(PLACEHOLDER);
  const file = await installFile(
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
        `Cannot back up "${path}": it is compacted faster than it can be copied`;
      throw new MiniError("IO", message, { path });
    }
  }
}
