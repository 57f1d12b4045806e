import { readBlock } from "./blocks.ts";
import { openIfExists } from "./directory.ts";
import type { FileSystem } from "./file_system.ts";

/** What a lock file says of who holds it, and of the log. The first is for people: the lock itself is the kernel's. */
export interface LockNote {
  readonly pid: number;
  /** When that process started. */
  readonly since: string;
  /** The command that took it, where it was one. */
  readonly command?: string | undefined;
  /** The id of the log, once a header of it was durable: an active segment without one has lost it. Empty for a log of the Rust program. */
  readonly log?: string;
}

/** No note is longer. */
export const LOCK_NOTE_BYTES = 1_024;

/** As short as this every note is as long as any other, and so overwritten in one sector, without a size that changes. */
const USUAL_BYTES = 128;

const START = '{"pid":';

/** The text of a note. */
export function encodeLockNote(
  { pid, command, since, log }: LockNote,
): string {
  const json = JSON.stringify({ pid, command, since, log });
  return `${json.padEnd(USUAL_BYTES - 1)}\n`;
}

/** What is left in a lock file that holds another note: the log is still the same. */
export function keepLog(found: Uint8Array, note: string): string {
  const log = parseLockNote(found)?.log;
  const next = parseLockNote(note);
  return log === undefined || next === undefined
    ? note
    : encodeLockNote({ ...next, log });
}

/** The note that a lock file holds; `undefined` where it holds none, or not all of one. */
export function parseLockNote(
  content: Uint8Array | string,
): LockNote | undefined {
  if (content.length > LOCK_NOTE_BYTES) return undefined;
  const text = typeof content === "string"
    ? content
    : new TextDecoder().decode(content);
  try {
    const { pid, since, log, ...rest } = JSON.parse(text);
    if (!Number.isSafeInteger(pid) || typeof since !== "string") return;
    return { ...rest, pid, since, ...(typeof log === "string" && { log }) };
  } catch {
    return undefined;
  }
}

/** The note in a lock file; `undefined` if there is no such file, or no note in it. */
export async function readLockNote(
  fs: FileSystem,
  path: string,
): Promise<LockNote | undefined> {
  const file = await openIfExists(fs, path);
  if (file === undefined) return undefined;
  try {
    return parseLockNote(await readBlock(file, LOCK_NOTE_BYTES));
  } finally {
    await file.close();
  }
}

/**
 * What to do with the file found under a lock's name, before anything is
 * written into it: take it; replace it by another, because it is a lock that a
 * backup has given a second name; or refuse it with a POSIX error.
 *
 * @param bytes What it holds, or more than a note has of that.
 * @param links How many names it has.
 */
export function judgeLockFile(
  bytes: Uint8Array,
  links: number = 1,
): "take" | "replace" | "EMLINK" | "EFTYPE" {
  const isLock = mayBeNote(bytes);
  if (links > 1) return isLock ? "replace" : "EMLINK";
  return isLock ? "take" : "EFTYPE";
}

/** A note is not synced: a power cut may leave none of it, a beginning, or NULs. */
function mayBeNote(bytes: Uint8Array): boolean {
  if (bytes.length > LOCK_NOTE_BYTES) return false;
  const text = new TextDecoder().decode(bytes).replaceAll("\0", "");
  return START.startsWith(text.slice(0, START.length));
}
