import {
  encodeHeader,
  type JournalContext,
  lockJournal,
  readHeader,
  scanSegment,
} from "../../store/internal.ts";
import { aBoolean, assertOptions } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { copyBytes, copyFile } from "../../fs/copy_file.ts";
import { fromOs } from "../../fs/os_errors.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import { locate } from "../read/locate.ts";
import { measureSegments } from "../read/log_summary.ts";
import { checkSegments } from "../read/segment_check.ts";
import { planRepair, type RepairPlan } from "./plan.ts";

/** The options of {@linkcode repair}. */
export interface RepairOptions extends AdminOptions {
  /** Whether to report only, and change nothing. @default {false} */
  readonly dryRun?: boolean;
}

/** The result of {@linkcode repair}. */
export type RepairReport = NoRepair | Repair;

/** The report where nothing is to be repaired. */
export interface NoRepair {
  /** The path of the log. */
  readonly path: string;
  /** There is nothing to repair. */
  readonly needed: false;
  /** Nothing was repaired. */
  readonly repaired: false;
}

/** The report of a repair that was made, or with `dryRun` would be. */
export interface Repair {
  /** The path of the log. */
  readonly path: string;
  /** There is something to repair. */
  readonly needed: true;
  /** Whether it was made. */
  readonly repaired: boolean;
  /** The damage or the loss, in words. */
  readonly reason: string;
  /** Whether the newest segment is missing, so that nothing is cut. Else opening refuses a damage. */
  readonly missing: boolean;
  /** The number of the last record that stays. */
  readonly last: number;
  /** The records that are cut off, or lost. */
  readonly cut: {
    readonly from: number;
    /** The highest number among them that is known: from a line, a snapshot or the position of a consumer. `null` if none is. */
    readonly to: number | null;
    /** The bytes that are cut off. */
    readonly bytes: number;
  };
  /** The copies of the segments that were changed or removed. */
  readonly aside: readonly string[];
  /** The number of snapshots beside the log. */
  readonly snapshots: number;
  /** The record of the newest snapshot that can be restored, where that is after `last`: a state opens from it, sets the log aside, and continues after it. */
  readonly snapshotAhead: number | null;
}

/**
 * Brings a log that opening refuses as `CORRUPT` back to its last record before
 * the damage, or one whose newest segment is missing to the end of the segment
 * before it.
 *
 * Every record from the first bad one on goes, intact ones too: call `salvage`
 * first to keep those. Before a segment is changed or removed it is copied to
 * `….damaged`, and the copy stays. A log that opens, and lacks no segment, is not
 * changed, whatever is damaged where a snapshot stands for it.
 *
 * At every step opening either refuses the log as before or finds it repaired, so
 * that a call which fails, is stopped or is killed can be made again.
 *
 * @param log The log, or the directory of a state or a queue.
 * @param options Whether to change anything, how the log is found, and what watches and stops the call.
 * @returns What was cut off, or would be.
 * @throws {TypeError} If the log is one of the Rust crate, which has no checksums, or the directory holds several logs.
 * @throws {MiniError} `NOT_FOUND` if there is no log. `LOCKED` while it is open, unless `dryRun` is set: that reads beside a writer. `CORRUPT` if nothing before the damage is good. `UNSUPPORTED_FORMAT`, `TOO_LARGE` where nothing is damaged and this version, or `maxRecordBytes`, is too old or too small. `NO_SPACE`, `PERMISSION`, `IO` as the system has it.
 *
 * @example Cut off a damage
 * ```ts
 * import { repair } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 * import { readFile, writeFile } from "node:fs/promises";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * {
 *   await using store = await MiniStore.open<string>(path);
 *   for (const text of ["a", "b", "c"]) await store.append(text);
 * }
 * const text = await readFile(path, "utf8");
 * await writeFile(path, text.replace('"b"', '"B"'));
 *
 * const plan = await repair(path, { dryRun: true });
 * assertEquals(plan.needed && plan.cut.to, 3);
 * await repair(path);
 * await using store = await MiniStore.open<string>(path);
 * assertEquals(store.sequence, 1);
 * ```
 */
export async function repair(
  log: string | URL,
  options: RepairOptions = {},
): Promise<RepairReport> {
  assertOptions("repair()", options, { ...ADMIN_CHECKS, dryRun: aBoolean });
  const path = pathOf(log);
  const call = new AdminCall(options);
  return await call.run(async () => {
    const context = await locate(path, call);
    const { format, totalBytes } = await measureSegments(context);
    if (format === "ministore") {
      throw new TypeError(
        "a journal of the Rust crate has no checksums to repair it by; salvage() copies what is readable",
      );
    }
    call.begin("verifying", totalBytes);
    return options.dryRun === true
      ? reportOf(context, await planRepair(context))
      : await repairLocked(call, context);
  }, { doing: `repair "${path}"`, path });
}

async function repairLocked(
  call: AdminCall,
  context: JournalContext,
): Promise<RepairReport> {
  await assertOurs(context);
  const lock = await lockJournal(context, {
    doing: "repair",
    hint: "nothing was changed",
    command: "mini repair",
  });
  try {
    const plan = await planRepair(context);
    if (plan === undefined) return reportOf(context, plan);
    call.begin("repairing", 0);
    return reportOf(context, plan, await carryOut(context, plan));
  } finally {
    await lock.close();
  }
}

/** The report of a plan, carried out where there are the copies that were made. */
function reportOf(
  { paths: { active: path } }: JournalContext,
  plan: RepairPlan | undefined,
  aside?: readonly string[],
): RepairReport {
  if (plan === undefined) return { path, needed: false, repaired: false };
  const { isMissing, reason, last, lost, cutBytes, snapshots, newest } = plan;
  return {
    path,
    needed: true,
    repaired: aside !== undefined,
    reason,
    missing: isMissing,
    last,
    cut: { from: last + 1, to: lost > last ? lost : null, bytes: cutBytes },
    aside: aside ?? [],
    snapshots,
    snapshotAhead: newest > last ? newest : null,
  };
}

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
  let after = "nothing was changed";
  try {
    for (const { path } of plan.aside) {
      if (await fs.stat(path) === undefined) continue;
      const name = await freeName(context, `${path}.damaged`);
      await copyFile(staging, path, name);
      aside.push(name);
      after =
        "run it again: the original is kept in the copies that end in .damaged";
    }
    await installStart(context, plan);
    for (const { path, isActive } of plan.aside.toReversed()) {
      if (isActive) continue;
      await fs.remove(path);
      await fs.syncDirectory(paths.directory);
    }
    after = "it is repaired, and was not read again";
    for await (const { problem, base } of checkSegments(context)) {
      if (problem !== undefined && base >= plan.last) throw problem;
    }
    return aside;
  } catch (error) {
    const { directory, active: path } = paths;
    throw fromOs(error, `repair "${path}"`, after, { directory, path });
  }
}

/** Puts the new active segment in its place. */
async function installStart(
  context: JournalContext,
  { keep, header, like: model }: RepairPlan,
): Promise<void> {
  const { fs, paths, staging } = context;
  const isThere = await fs.stat(paths.active) !== undefined;
  const like = isThere ? staging.like : keep?.path ?? model ?? staging.like;
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
