import { assertOptions } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { count } from "../../base/text.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "../options.ts";
import { assertEmpty, locateOrLost } from "../read/locate.ts";
import { UNFINISHED_COPY } from "../read/segment_check.ts";
import { isWell, verifyJournal, type VerifyReport } from "../verify.ts";
import { copyJournal, type CopyReport } from "./copy.ts";

/** The most findings that a refusal names. */
const MAX_NAMED = 5;

/**
 * The result of restoring a backup. Neither the positions of consumers nor the
 * inbox of a queue come along: consumers begin again, and `posted` messages wait
 * where they were.
 */
export type RestoreReport = CopyReport;

/**
 * Copies a backup to the directory of a program, after it has read and verified
 * all of it.
 *
 * Nothing is written if anything at all was found, an unfinished write at the end
 * included: `backup` copies what opens nevertheless, `salvage` what is readable.
 * Every file is read back, and the copy is verified before its last file gets its
 * name; until then opening refuses it, so that a call which fails, is stopped or
 * is killed leaves nothing that opens. Such a directory is to be removed before
 * the next attempt.
 *
 * New files take owner and group of `dir`, if that is there and the process may.
 *
 * @param from The backup: a log, or the directory of a state or a queue. Only read.
 * @param dir The directory to fill: missing, or empty.
 * @param options How the log is found, and what watches and stops the call.
 * @returns What was restored.
 * @throws {TypeError} If `dir` is not empty, or `from` holds several logs.
 * @throws {MiniError} `NOT_FOUND` if `from` has no log. `CORRUPT` if anything is damaged or missing, with the findings in the message; `UNSUPPORTED_FORMAT` if a newer version wrote it, or it is an unfinished copy itself. `NO_SPACE`, `PERMISSION`, `IO` as the system has it.
 *
 * @example Put a backup into a new place
 * ```ts
 * import { backup, restore } from "@mini/state/admin";
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 * import { rename } from "node:fs/promises";
 *
 * const dir = await Deno.makeTempDir();
 * {
 *   await using queue = await MiniQueue.open<string>(`${dir}/jobs`);
 *   await queue.enqueue("send mail");
 * }
 * await backup(`${dir}/jobs`, `${dir}/monday`);
 * await rename(`${dir}/jobs`, `${dir}/jobs.old`);
 * const { last } = await restore(`${dir}/monday`, `${dir}/jobs`);
 * assertEquals(last, 1);
 *
 * await using queue = await MiniQueue.open<string>(`${dir}/jobs`);
 * assertEquals((await queue.stats()).ready, 1);
 * ```
 */
export async function restore(
  from: string | URL,
  dir: string | URL,
  options: AdminOptions = {},
): Promise<RestoreReport> {
  assertOptions("restore()", options, ADMIN_CHECKS);
  const [path, target] = [pathOf(from), pathOf(dir)];
  const call = new AdminCall(options);
  return await call.run(async () => {
    const source = await locateOrLost(path, call);
    await assertEmpty(call.fs, target);
    const verified = await verifyJournal(source, call);
    assertWell(verified);
    const { report } = await copyJournal(call, source, target, {
      doing: "restore",
      mark: UNFINISHED_COPY,
      accept(found, { damaged, isEndMissing }) {
        const isSame = isWell(found) && found.last >= verified.last &&
          damaged.size === 0 && !isEndMissing;
        if (isSame) return;
        const { path } = verified;
        const message = `"${path}" changed while it was being copied`;
        throw new MiniError("CORRUPT", message, { path });
      },
    });
    return report;
  }, { doing: `restore "${path}"`, path });
}

/** Throws where a backup is not all that it was when it was made. */
function assertWell(verified: VerifyReport): void {
  if (isWell(verified)) return;
  const { path, findings, tornBytes } = verified;
  const damage = findings.find(({ code }) => code === "CORRUPT");
  const torn = `it ends in ${
    count(tornBytes, "byte")
  } of an unfinished write, as a file that was cut short does`;
  const all = [
    ...findings.map(({ message }) => message),
    ...(verified.end === "torn" ? [torn] : []),
  ];
  const named = all.slice(0, MAX_NAMED);
  const more = all.length - named.length;
  if (more > 0) named.push(`and ${count(more, "more finding")}`);
  const { code = "CORRUPT", line, offset, seq } = damage ?? findings[0] ?? {};
  const message = `Cannot restore "${path}": ${
    named.join("; ")
  }; nothing was written`;
  throw new MiniError(code, message, {
    path,
    ...(line !== undefined && { line }),
    ...(offset !== undefined && { offset }),
    ...(seq !== undefined && { seq }),
  });
}
