import { readBlock } from "../fs/blocks.ts";
import type { FileLock, FileSystem } from "../fs/file_system.ts";
import { createOwned, type Staging } from "../fs/atomic_file.ts";
import { LOCK_NOTE_BYTES, parseLockNote } from "../fs/lock_note.ts";
import { osCode } from "../fs/os_errors.ts";

/** Takes a lock, the file of which is whose the journal is; `undefined` where somebody else holds it. */
export async function takeLock(
  staging: Staging,
  path: string,
  note: string,
): Promise<FileLock | undefined> {
  const { fs, mode } = staging;
  if (await fs.stat(path) === undefined) {
    try {
      await (await createOwned(staging, path)).close();
    } catch (error) {
      if (osCode(error) !== "EEXIST") throw error;
    }
  }
  return await fs.lock(path, mode, note);
}

/**
 * Who holds a lock, as far as the note in its file tells, and the file itself.
 *
 * @param self The process that asks.
 */
export async function lockHolder(
  fs: FileSystem,
  path: string,
  self: number,
): Promise<string> {
  try {
    const file = await fs.open(path, "read");
    try {
      const { uid } = await file.stat();
      const note = parseLockNote(await readBlock(file, LOCK_NOTE_BYTES));
      if (note === undefined) {
        const whose = uid === undefined ? "" : ` (the lock is user ${uid}'s)`;
        return `another process${whose}`;
      }
      if (note.pid === self) return "this process";
      const what = note.command === undefined ? "" : ` (${note.command})`;
      return `process ${note.pid}${what}, started ${note.since},`;
    } finally {
      await file.close();
    }
  } catch {
    // The note is for people; without it they know less.
    return "another process";
  }
}
