import { assertOptions } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import type { Finding } from "../finding.ts";
import { missingEnd } from "../read/consistency.ts";
import { assertEmpty, locateOrLost } from "../read/locate.ts";
import { UNFINISHED_BACKUP } from "../read/segment_check.ts";
import type { VerifyReport } from "../verify.ts";
import { copyJournal, type CopyReport } from "./copy.ts";

/** The result of a backup. */
export interface BackupReport extends CopyReport {
  /** The files that are damaged, and were left out: a snapshot, or the rest of the log, stands for each. */
  readonly leftOut: readonly string[];
  /** The last of them that is a segment, where one is: the copy has no record up to its end, and a snapshot stands for all of them. */
  readonly covered?: string;
  /** The bytes of an unfinished write at the end, which were left out as opening does. */
  readonly tornBytes: number;
  /** The problems of the original, and so of the copy; none keeps the copy from being opened. */
  readonly findings: readonly Finding[];
}

/**
 * Copies a log and its snapshots to a new directory, and verifies the copy.
 *
 * Takes no lock, and runs beside a writer that appends, rotates and compacts: in
 * another process, or a `MiniStore`, `StateManager` or `MiniQueue` that is open in
 * this one. The copy opens to a state that the original was in. Opening refuses
 * the copy until it is complete and verified, so that a call which fails, is
 * stopped or is killed leaves nothing in its place that opens. Such a directory is
 * to be removed before the next attempt.
 *
 * The positions of consumers, the inbox of a queue, and files that were set aside
 * are not copied; the report says how many there were.
 *
 * @param path The log, or the directory of a state or a queue.
 * @param dir The directory of the copy: missing, or empty.
 * @param options How the log is found, and what watches and stops the call.
 * @returns What was copied, and what was found.
 * @throws {TypeError} If `dir` is not empty, or `path` holds several logs.
 * @throws {MiniError} `NOT_FOUND` if `path` has no log. `CORRUPT` if opening refuses the original. `NO_SPACE`, `PERMISSION`, `IO` as the system has it. The original is as it was.
 *
 * @example Back up a state that is open
 * ```ts
 * import { backup } from "@mini/state/admin";
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const options = {
 *   initial: () => ({ total: 0 }),
 *   apply(state: { total: number }, by: number) {
 *     state.total += by;
 *   },
 * };
 * await using state = await StateManager.open(`${dir}/state`, options);
 * await state.apply(5);
 * const { last, findings } = await backup(`${dir}/state`, `${dir}/monday`);
 * assertEquals([last, findings], [1, []]);
 *
 * await state.apply(6);
 * await using copy = await StateManager.open(`${dir}/monday`, options);
 * assertEquals(copy.state, { total: 5 });
 * ```
 */
export async function backup(
  path: string | URL,
  dir: string | URL,
  options: AdminOptions = {},
): Promise<BackupReport> {
  assertOptions("backup()", options, ADMIN_CHECKS);
  const [source, target] = [pathOf(path), pathOf(dir)];
  const call = new AdminCall(options);
  return await call.run(async () => {
    const from = await locateOrLost(source, call);
    await assertEmpty(call.fs, target);
    const { report, found, pass } = await copyJournal(call, from, target, {
      doing: "back up",
      mark: UNFINISHED_BACKUP,
      accept: assertOpens,
    });
    const { damaged, covered, tornBytes, isEndMissing } = pass;
    const end = isEndMissing ? [missingEnd(from.paths.active)] : [];
    return {
      ...report,
      leftOut: [...damaged],
      ...(covered !== undefined && { covered }),
      tornBytes,
      findings: [...found.findings, ...end],
    };
  }, { doing: `back up "${source}"`, path: source });
}

/** The copy opens as the original does; what else is wrong with that is wrong with both. */
function assertOpens({ findings, end, path }: VerifyReport): void {
  const refused = findings.find(({ blocksOpen }) => blocksOpen);
  if (refused === undefined && end !== "torn") return;
  const message = `The backup "${path}" is not intact: ${
    refused?.message ?? "it ends in an unfinished write"
  }`;
  throw new MiniError("CORRUPT", message, { path });
}
