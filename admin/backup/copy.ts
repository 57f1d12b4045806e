import type { JournalContext } from "../../store/internal.ts";
import { basename, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { fill } from "../journal_builder.ts";
import type { AdminCall } from "../options.ts";
import { leftOutBeside } from "../read/consumers.ts";
import { contextFor } from "../read/locate.ts";
import { measureSegments } from "../read/log_summary.ts";
import { leftovers } from "../read/snapshot_check.ts";
import { verifyJournal, type VerifyReport } from "../verify.ts";
import { asPlaced, pendingOf } from "./hidden.ts";
import { BackupPass, Moved } from "./pass.ts";

/** No writer rotates and compacts as fast as that. */
const MAX_ATTEMPTS = 100;

/** A copy of a journal and its snapshots, and the things beside the original that it is without. */
export interface CopyReport {
  /** The active segment of the original. */
  readonly from: string;
  /** That of the copy. */
  readonly to: string;
  /** The number of the first record, or of the next one where there is none. */
  readonly first: number;
  /** The number of the last. */
  readonly last: number;
  /** How many files the log has. */
  readonly segments: number;
  /** How many snapshots the copy has. */
  readonly snapshots: number;
  /** The size of the log. */
  readonly sizeBytes: number;
  /** Names of files that an opening or a repair has set aside, which were left out. */
  readonly setAside: readonly string[];
  /** The consumers whose positions were left out: they begin again in the copy. */
  readonly consumers: readonly string[];
  /** How many files in the inbox of a queue were left out: the original will take them in. */
  readonly posted: number;
}

/** How a copy is made. */
interface CopyPlan {
  /** The deed, as in `Cannot back up`. */
  readonly doing: string;
  /** The content of the file that opening refuses until the copy is complete. */
  readonly mark: string;
  /** Looks at the copy before it can be opened; throws where it is not to be. */
  accept(found: VerifyReport, pass: BackupPass): void;
}

/**
 * Copies a journal and its snapshots to a directory that is missing or empty,
 * beside a writer too. Every file is read back, and the copy verified, before
 * the active segment gets its name, which is the last step: until then opening
 * refuses the copy.
 */
export async function copyJournal(
  call: AdminCall,
  from: JournalContext,
  directory: string,
  { doing, mark, accept }: CopyPlan,
): Promise<{ report: CopyReport; found: VerifyReport; pass: BackupPass }> {
  const to = contextFor(join(directory, basename(from.paths.active)), call);
  const { fs, paths, staging } = to;
  return await fill(to, doing, directory, async () => {
    const { totalBytes } = await measureSegments(from);
    // Checked, copied, read back.
    call.begin("copying", 3 * totalBytes);
    await fs.createDirectory(paths.directory, staging.directoryMode);
    const bytes = new TextEncoder().encode(mark);
    const file = await replaceFileDurably(
      staging,
      paths.active,
      (file) => file.write(bytes),
    );
    await file.close();
    const placed = contextFor(paths.active, {
      fs: asPlaced(fs, paths),
      maxRecordBytes: call.maxRecordBytes,
    });
    const pass = await copyAll(from, placed, doing);
    const found = await verifyJournal(placed, call);
    accept(found, pass);
    const { first, last, segments, snapshots, sizeBytes } = found;
    const { consumers, posted } = await leftOutBeside(from);
    const setAside = await leftovers(from);
    call.check();
    await place(to);
    const holds = { first, last, segments, snapshots, sizeBytes };
    const [source, copy] = [from.paths.active, paths.active];
    const beside = { setAside, consumers, posted };
    return {
      report: { from: source, to: copy, ...holds, ...beside },
      found,
      pass,
    };
  });
}

async function copyAll(
  from: JournalContext,
  to: JournalContext,
  doing: string,
): Promise<BackupPass> {
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
        `Cannot ${doing} "${path}": compaction removes segments faster than they can be copied`;
      throw new MiniError("IO", message, { path });
    }
  }
}

/** Lets the copy be opened: snapshots without a log are opened without one. */
async function place({ fs, paths }: JournalContext): Promise<void> {
  const pending = pendingOf(paths);
  const hasLog = await fs.stat(pending) !== undefined;
  if (hasLog) await fs.rename(pending, paths.active);
  else await fs.remove(paths.active);
  await fs.syncDirectory(paths.directory);
}
