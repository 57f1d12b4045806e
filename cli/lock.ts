import {
  type JournalContext,
  lockHolder,
  takeLock,
} from "../store/internal.ts";
import { MiniError } from "../base/errors.ts";
import type { FileLock } from "../fs/file_system.ts";
import { encodeLockNote } from "../fs/lock_note.ts";
import { fromOs } from "../fs/os_errors.ts";

/** Takes the lock of a journal that opening refuses. Throws `LOCKED`. */
export async function lockJournal(
  { fs, paths, staging }: JournalContext,
  doing: string,
  pid: number,
): Promise<FileLock> {
  const { active: path, directory } = paths;
  const since = new Date(performance.timeOrigin).toISOString();
  const note = encodeLockNote({ pid, command: `mini ${doing}`, since });
  let lock: FileLock | undefined;
  try {
    lock = await takeLock(staging, paths.lock, note);
  } catch (error) {
    const after = "nothing was changed";
    throw fromOs(error, `${doing} "${path}"`, after, { directory, path });
  }
  if (lock !== undefined) return lock;
  throw new MiniError(
    "LOCKED",
    `Cannot ${doing} "${path}": ${await lockHolder(
      fs,
      paths.lock,
      pid,
    )} has it open for writing; nothing was changed`,
    { path },
  );
}
