import { MiniError } from "../store/errors.ts";
import type { FileLock, FileSystem } from "../store/fs.ts";
import { fromOs } from "../store/os_errors.ts";
import { readBlock } from "../store/block.ts";
import type { JournalContext } from "../store/segment.ts";

/** More than any note has. */
const NOTE_BYTES = 1_024;

/** Takes the lock of a journal that opening refuses. Throws `LOCKED`. */
export async function lockJournal(
  { fs, paths, staging }: JournalContext,
  doing: string,
  pid: number,
): Promise<FileLock> {
  const { active: path, directory } = paths;
  const since = new Date(performance.timeOrigin).toISOString();
  const note = `${JSON.stringify({ pid, command: `mini ${doing}`, since })}\n`;
  let lock: FileLock | undefined;
  try {
    lock = await fs.lock(paths.lock, staging.permissions, note);
  } catch (error) {
    const after = "nothing was changed";
    throw fromOs(error, `${doing} "${path}"`, after, { directory, path });
  }
  if (lock !== undefined) return lock;
  throw new MiniError(
    "LOCKED",
    `Cannot ${doing} "${path}": ${await holderOf(
      paths.lock,
      fs,
    )} has it open for writing; nothing was changed`,
    { path },
  );
}

/** Who holds a lock, as far as the note in its file tells. */
async function holderOf(path: string, fs: FileSystem): Promise<string> {
  try {
    const file = await fs.open(path, "read");
    try {
      const text = new TextDecoder().decode(await readBlock(file, NOTE_BYTES));
      const { pid, command, since } = JSON.parse(text);
      const what = command === undefined ? "" : ` (${command})`;
      if (Number.isSafeInteger(pid)) {
        return `process ${pid}${what}, started ${since},`;
      }
    } finally {
      await file.close();
    }
  } catch {
    // The note is for people; without it they know less.
  }
  return "another program";
}
