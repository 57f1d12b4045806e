import { MiniError } from "../base/errors.ts";
import { createOwned, type Staging } from "../fs/atomic_file.ts";
import type { FileLock, FileSystem } from "../fs/file_system.ts";
import {
  encodeLockNote,
  parseLockNote,
  readLockFile,
} from "../fs/lock_note.ts";
import { fromOs, osCode } from "../fs/os_errors.ts";
import { processId } from "../fs/system.ts";
import type { JournalContext } from "./journal.ts";

/**
 * Takes the lock of a journal for writing. Throws `LOCKED` while another handle
 * or process has it.
 *
 * @param doing The action that needs it, as in `Cannot open "…"`.
 * @param hint The end of the message of `LOCKED`.
 * @param command The command that needs it, for the note in the lock file.
 */
export async function lockJournal(
  context: JournalContext,
  { doing, hint, command }: {
    readonly doing: string;
    readonly hint: string;
    readonly command?: string | undefined;
  },
): Promise<FileLock> {
  const { active, lock } = context.paths;
  return await lockFile(context, lock, {
    doing: `${doing} "${active}"`,
    holding: "has it open for writing",
    hint,
    command,
  });
}

/**
 * Takes the lock of a file of a journal. Throws `LOCKED` while another handle or
 * process has it.
 *
 * @param doing The action that needs it, as `open "…"`.
 * @param holding The reason why that cannot be, after the name of the holder.
 */
export async function lockFile(
  { fs, paths, staging }: JournalContext,
  lockPath: string,
  { doing, holding, hint, command }: {
    readonly doing: string;
    readonly holding: string;
    readonly hint: string;
    readonly command?: string | undefined;
  },
): Promise<FileLock> {
  const { active: path, directory } = paths;
  // The clock tells when the process started; that needs no permission.
  const since = new Date(performance.timeOrigin).toISOString();
  const note = encodeLockNote({ pid: processId, since, command });
  let lock: FileLock | undefined;
  try {
    lock = await takeLock(staging, lockPath, note);
  } catch (error) {
    const after = "no durable data has changed";
    throw fromOs(error, doing, after, { directory, path });
  }
  if (lock !== undefined) return lock;
  const holder = await holderOf(fs, lockPath);
  const message = `Cannot ${doing}: ${holder} ${holding}; ${hint}`;
  throw new MiniError("LOCKED", message, { path });
}

/** Takes a lock, whose file gets the owner of the journal; `undefined` if it is held. */
async function takeLock(
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

/** The holder of a lock, as far as the note in its file and the file itself tell. */
async function holderOf(fs: FileSystem, path: string): Promise<string> {
  try {
    const found = await readLockFile(fs, path);
    const note = found?.note;
    if (note === undefined) {
      const uid = found?.uid;
      const whose = uid === undefined ? "" : ` (the lock is user ${uid}'s)`;
      return `another process${whose}`;
    }
    if (note.pid === processId) return "this process";
    const what = note.command === undefined ? "" : ` (${note.command})`;
    return `process ${note.pid}${what}, started ${note.since},`;
  } catch {
    // The message only says less without the note.
    return "another process";
  }
}

/** Makes the note name the log once a header of it is durable, so that a file that lost its header is not taken for a new one. */
export async function nameLog(lock: FileLock, log: string): Promise<void> {
  const note = parseLockNote(lock.note);
  if (note === undefined || note.log === log) return;
  await lock.leave(encodeLockNote({ ...note, log }));
}

/** The id of the log that the note names. */
export function namedLog(lock: FileLock): string | undefined {
  return parseLockNote(lock.note)?.log;
}
