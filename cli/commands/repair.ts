import {
  encodeHeader,
  type JournalContext,
  lockJournal,
  readHeader,
  scanSegment,
} from "../../store/internal.ts";
import { bareMessage } from "../../admin/finding.ts";
import { basename } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { Misuse } from "../args.ts";
import { checkSegments } from "../../admin/read/segment_check.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import { copyBytes, copyFile } from "../../fs/copy_file.ts";
import { locate } from "../../admin/read/locate.ts";
import { planRepair, type RepairPlan } from "../../admin/repair/plan.ts";
import { checkSnapshots } from "../../admin/read/snapshot_check.ts";
import { measureSegments } from "../../admin/read/log_summary.ts";
import { size, span } from "../../base/text.ts";
import { usableOf } from "../../admin/read/consistency.ts";
import { salvageCommand } from "../remedies.ts";

export const repair: Command = {
  name: "repair",
  operands: ["PATH"],
  summary: "go back to the last record before a damage (writes)",
  details: [
    "For a journal that opening refuses as CORRUPT. Removes every record from the",
    "first bad one on, intact ones too: run mini salvage first to keep those. Before",
    "it changes or removes a segment, it copies it to ….damaged, and leaves the copy.",
    "The journal must not be open elsewhere.",
  ],
  options: [
    {
      name: "dry-run",
      summary: "only report what would be removed; exit code 1 if anything",
    },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["data/journal.jsonl --dry-run", "data/journal.jsonl"],
  async run(call: Call): Promise<Outcome> {
    const context = await locate(call.args.operand(0), journalOptions(call));
    const { format, totalBytes } = await measureSegments(context);
    if (format === "ministore") {
      throw new Misuse(
        "a journal of the Rust crate has no checksums to repair it by; mini salvage copies what is readable",
      );
    }
    call.progress.begin("verifying", totalBytes);
    if (call.args.has("dry-run")) {
      const plan = await planRepair(context);
      return await outcome(context, plan, [], false);
    }
    await assertOurs(context);
    const lock = await lockJournal(context, {
      doing: "repair",
      hint: "nothing was changed",
      command: "mini repair",
    });
    try {
      const plan = await planRepair(context);
      call.progress.begin("repairing", 0);
      const aside = plan === undefined ? [] : await carryOut(context, plan);
      return await outcome(context, plan, aside, true);
    } finally {
      await lock.close();
    }
  },
};

/** Throws for what is not of this format, before a lock file is made beside it. */
async function assertOurs(context: JournalContext): Promise<void> {
  try {
    await readHeader(context, context.paths.active);
  } catch (error) {
    if (error instanceof MiniError && error.code === "CORRUPT") return;
    throw error;
  }
}

/**
 * At every step opening either refuses the journal as before or finds it
 * repaired: the damaged segment, or the seam to it, goes last.
 */
async function carryOut(
  context: JournalContext,
  plan: RepairPlan,
): Promise<string[]> {
  const { fs, paths, staging } = context;
  const aside: string[] = [];
  try {
    for (const { path } of plan.aside) {
      if (await fs.stat(path) === undefined) continue;
      const name = await freeName(context, `${path}.damaged`);
      await copyFile(staging, path, name);
      aside.push(name);
    }
    await installStart(context, plan);
    for (const { path, isActive } of plan.aside.toReversed()) {
      if (isActive) continue;
      await fs.remove(path);
      await fs.syncDirectory(paths.directory);
    }
  } catch (error) {
    const { directory, active: path } = paths;
    const after = aside.length === 0
      ? "nothing was changed"
      : "run it again: the original is kept in the copies that end in .damaged";
    throw fromOs(error, `repair "${path}"`, after, { directory, path });
  }
  for await (const { problem, base } of checkSegments(context)) {
    if (problem !== undefined && base >= plan.last) throw problem;
  }
  return aside;
}

/** Puts the new active segment in its place. */
async function installStart(
  context: JournalContext,
  { keep, header }: RepairPlan,
): Promise<void> {
  const { fs, paths, staging } = context;
  const isThere = await fs.stat(paths.active) !== undefined;
  const like = isThere ? staging.like : keep?.path ?? staging.like;
  const file = await replaceFileDurably(
    { ...staging, like },
    paths.active,
    async (file) => {
      if (keep !== undefined) {
        await copyBytes(fs, keep.path, file, keep.goodBytes);
      } else await file.write(encodeHeader(header!).bytes);
    },
    async () => {
      const scan = await scanSegment(context, staging.temporary);
      const isWhole = scan !== "unfinished" && scan.tail.length === 0 &&
        scan.next - 1 === (keep?.last ?? header!.base);
      if (isWhole) return;
      const { active: path } = paths;
      const message =
        `Cannot repair "${path}": the copy of its good part does not read back as written; nothing was changed`;
      throw new MiniError("IO", message, { path });
    },
  );
  await file.close();
}

async function freeName(
  { fs }: JournalContext,
  name: string,
): Promise<string> {
  let free = name;
  for (let turn = 2; await fs.stat(free) !== undefined; turn++) {
    free = `${name}.${turn}`;
  }
  return free;
}

async function outcome(
  { fs, paths }: JournalContext,
  plan: RepairPlan | undefined,
  aside: readonly string[],
  isDone: boolean,
): Promise<Outcome> {
  const { active: path } = paths;
  if (plan === undefined) {
    const report = { path, repaired: false, needed: false };
    return { exitCode: 0, report, lines: ["nothing to repair"] };
  }
  const { last, lost, cutBytes, problem } = plan;
  const snapshots = await checkSnapshots(fs, paths.directory);
  const newest = usableOf(snapshots).at(-1)?.seq ?? 0;
  const ahead = newest > last ? newest : undefined;
  const cut = {
    from: last + 1,
    to: lost > last ? lost : null,
    bytes: cutBytes,
  };
  const report = {
    path,
    repaired: isDone,
    needed: true,
    reason: bareMessage(problem),
    last,
    cut,
    aside,
    snapshotAhead: ahead ?? null,
  };
  const went = isDone ? "removed" : "would remove";
  const message = bareMessage(problem);
  const lines = [
    isDone ? message.replace(/; nothing was changed$/, "") : message,
    lost > last
      ? `${went}: ${span("record", last + 1, lost)} (${lost - last}), ${
        size(cutBytes)
      }`
      : `${went}: ${size(cutBytes)} from record ${last + 1} on`,
    ...aside.map((name) => `the original is kept in ${basename(name)}`),
    ...(ahead === undefined ? [] : [
      `the snapshot at record ${ahead} is ahead: a state opens from it, sets the log aside, and continues with record ${
        ahead + 1
      }; the effect of the records after ${ahead} is lost`,
    ]),
    isDone
      ? `repaired: the journal ends with record ${last}`
      : `next: ${
        salvageCommand(path, snapshots.length > 0)
      } keeps what is readable; then mini repair ${path}`,
  ];
  return { exitCode: isDone ? 0 : 1, report, lines };
}
