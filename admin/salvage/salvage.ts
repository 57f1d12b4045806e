import type { JournalContext } from "../../store/internal.ts";
import { basename, join } from "@std/path";
import { assertOptions } from "../../base/checks.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { isDirectory } from "../../fs/directory.ts";
import { assertNew, buildJournal, readBack } from "../journal_builder.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import { lostIn, usableOf } from "../read/consistency.ts";
import { leftOutBeside } from "../read/consumers.ts";
import { queueIn } from "../read/ledger.ts";
import { assertEmpty, contextFor, locateOrLost } from "../read/locate.ts";
import {
  type MeasuredSegments,
  measureSegments,
  summarizeDamagedLog,
} from "../read/log_summary.ts";
import { checkSnapshots, type SnapshotCheck } from "../read/snapshot_check.ts";
import { copyReadable } from "./copy.ts";
import type { SalvageReport } from "./report.ts";
import { type Choice, chooseSnapshot, copySnapshot } from "./snapshot.ts";

/**
 * Copies everything that can be read of a damaged log, or of the directory of a
 * state or a queue, to a new place.
 *
 * Reading continues after a damage, where the running checksum is found again,
 * and after what the disk cannot read. The new log has an id of its own; records keep their numbers up to the first
 * gap and move up after it, and the aborts of a state are adjusted. A record that
 * looks intact, but that no checksum confirms, is copied too, and reported.
 *
 * Of a directory with snapshots the copy gets the newest intact one, which holds
 * the effect of all records up to it, and the readable records after it: it opens
 * as a state or a queue. So it is where the log is gone and its snapshots are
 * there, given the directory or the path that the log had.
 *
 * The original is only read, without its lock: stop its writer first, or what it
 * writes meanwhile may be missing. The positions of consumers and the inbox of a
 * queue are not copied, and the report says so. Opening refuses the new log until
 * it is complete and read back, so that a call which fails, is stopped or is
 * killed leaves nothing that opens. The same call can be made again; a directory
 * is to be removed first.
 *
 * @param from The log, or the directory of a state or a queue.
 * @param to The path of the new log, which must not exist; for a directory with snapshots, a directory that is missing or empty.
 * @param options How the log is found, and what watches and stops the call.
 * @returns What was copied, and what was lost.
 * @throws {TypeError} If something is in the place of the copy, or that is inside the original, or `from` holds several logs.
 * @throws {MiniError} `NOT_FOUND` if there is neither a log nor a snapshot. `CORRUPT` if the log is missing and no snapshot is intact. `UNSUPPORTED_FORMAT` if a newer version wrote the newest snapshot. `LOCKED` while another call makes the same log. `NO_SPACE`, `PERMISSION`, `IO` as the system has it.
 *
 * @example Rescue what is readable
 * ```ts
 * import { salvage } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * {
 *   await using store = await MiniStore.open<string>(`${dir}/journal.jsonl`);
 *   for (const text of ["a", "b", "c"]) await store.append(text);
 * }
 * const text = await Deno.readTextFile(`${dir}/journal.jsonl`);
 * await Deno.writeTextFile(`${dir}/journal.jsonl`, text.replace('"b"', '"B"'));
 *
 * const report = await salvage(`${dir}/journal.jsonl`, `${dir}/new.jsonl`);
 * assertEquals([report.records, report.gaps], [2, [{ from: 2, to: 2 }]]);
 * await using store = await MiniStore.open<string>(`${dir}/new.jsonl`);
 * assertEquals(await Array.fromAsync(store.replay()), [
 *   { seq: 1, data: "a" },
 *   { seq: 2, data: "c" },
 * ]);
 * ```
 */
export async function salvage(
  from: string | URL,
  to: string | URL,
  options: AdminOptions = {},
): Promise<SalvageReport> {
  assertOptions("salvage()", options, ADMIN_CHECKS);
  const [path, place] = [pathOf(from), pathOf(to)];
  const call = new AdminCall(options);
  return await call.run(async () => {
    const source = await sourceOf(call, path);
    const target = await targetOf(call, source, path, place);
    call.begin("salvaging", source.found.totalBytes);
    return await buildJournal(
      target,
      "salvage",
      (staged) => fill(call, source, target, staged),
    );
  }, { doing: `salvage "${path}"`, path });
}

/** The files that are to be salvaged. */
interface Source extends Choice {
  readonly context: JournalContext;
  readonly found: MeasuredSegments;
  readonly snapshots: readonly SnapshotCheck[];
  /** Whether the snapshots are salvaged with the log. */
  readonly isFolder: boolean;
}

async function sourceOf(call: AdminCall, path: string): Promise<Source> {
  const context = await locateOrLost(path, call);
  const { directory } = context.paths;
  const found = await measureSegments(context);
  const hasLog = found.segments.length > 0;
  const isFolder = found.format === "mini" &&
    (!hasLog || await isDirectory(call.fs, path));
  const snapshots = await checkSnapshots(call.fs, directory);
  const choice = isFolder
    ? await chooseSnapshot(context, snapshots)
    : { passedOver: [] };
  if (!hasLog && choice.chosen === undefined) {
    const message =
      `There is nothing to salvage in "${directory}": the log is missing, and no snapshot is intact`;
    throw new MiniError("CORRUPT", message, { path: directory });
  }
  return { context, found, snapshots, isFolder, ...choice };
}

/** The journal that is to be made. */
async function targetOf(
  call: AdminCall,
  { context, found, isFolder, chosen, passedOver }: Source,
  from: string,
  given: string,
): Promise<JournalContext> {
  const { directory, active } = context.paths;
  const isFile = !isFolder || given.endsWith(".jsonl");
  if (isFile && (chosen !== undefined || passedOver.length > 0)) {
    const folder = found.segments.length === 0 ? directory : from;
    const alone = found.segments.length === 0
      ? ""
      : `, or "${active}" instead of "${from}" for its journal alone`;
    throw new TypeError(
      `"${folder}" holds snapshots, and "${given}" is the name of a journal: give a directory that is missing or empty${alone}`,
    );
  }
  if (!isFile) await assertEmpty(call.fs, given);
  const path = isFile ? given : join(given, basename(active));
  const target = contextFor(path, call);
  if (isFolder && target.paths.directory.startsWith(join(directory, "/"))) {
    throw new TypeError(
      `"${given}" is in "${directory}", which must not change: give a place outside it`,
    );
  }
  await assertNew(target);
  return target;
}

/** Fills the new journal under the name that it has until it is complete. */
async function fill(
  call: AdminCall,
  { context, found, snapshots, chosen, passedOver }: Source,
  target: JournalContext,
  staged: JournalContext,
): Promise<SalvageReport> {
  const { format, totalBytes, segments } = found;
  const { copied, written } = await copyReadable(context, staged, chosen?.seq);
  call.begin("reading it back", totalBytes);
  await readBack(staged, written);
  call.begin("checking", 0);
  if (chosen !== undefined) {
    await copySnapshot(context, target, chosen.seq, written.logId);
  }
  // Where a line of the Rust program is damaged, nothing says which record is the last.
  const isEndKnown = format === "mini" || copied.damages === 0;
  const { active } = context.paths;
  const lost = isEndKnown
    ? lostIn(active, await summarizeDamagedLog(context), usableOf(snapshots))
    : { findings: [], ahead: null };
  return {
    from: active,
    to: target.paths.active,
    format,
    snapshot: chosen ? { path: chosen.path, seq: chosen.seq } : null,
    ...copied,
    ...await leftOutBeside(context),
    passedOver,
    hasLog: segments.length > 0,
    findings: lost.findings,
    snapshotAhead: lost.ahead,
    opens: (passedOver.length === 0 || chosen !== undefined ||
      written.first === 1) && await isWholeQueue(staged),
  };
}

/** Whether what is left can be applied, if it is of a queue: what settles a message whose record is lost cannot. */
async function isWholeQueue(staged: JournalContext): Promise<boolean> {
  try {
    await queueIn(staged);
    return true;
  } catch (error) {
    if (hasCode(error, "REPLAY_FAILED") || hasCode(error, "CORRUPT")) {
      return false;
    }
    throw error;
  }
}
