import { readBlock } from "./blocks.ts";
import { openIfExists } from "./directory.ts";
import type { FileSystem } from "./file_system.ts";

/** The note in a lock file: who holds the lock, for people, and which log it is for. The lock itself is the kernel's. */
export interface LockNote {
  readonly pid: number;
  /** The time at which that process started. */
  readonly since: string;
  /** The command that took the lock, if a command did. */
  readonly command?: string | undefined;
  /** The id of the log, once a header of it was durable: an active segment without a header has lost it. Empty for a log of the Rust program. */
  readonly log?: string;
}

/** No note is longer. */
export const LOCK_NOTE_BYTES = 1_024;

/** Notes are padded to this size, so that one overwrites another within a sector and the size does not change. */
const USUAL_BYTES = 128;

const START = '{"pid":';

/** The text of a note. */
export function encodeLockNote(
  { pid, command, since, log }: LockNote,
): string {
  const json = JSON.stringify({ pid, command, since, log });
  return `${json.padEnd(USUAL_BYTES - 1)}\n`;
}

/** The note to write into a lock file that holds another one: the log is still the same. */
export function keepLog(found: Uint8Array, note: string): string {
  const log = parseLockNote(found)?.log;
  const next = parseLockNote(note);
  return log === undefined || next === undefined
    ? note
    : encodeLockNote({ ...next, log });
}

/** The note that a lock file holds; `undefined` if it holds none, or a part of one. */
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

/** Reads a lock file: its note, if it holds one, and its owner; `undefined` if there is no such file. */
export async function readLockFile(
  fs: FileSystem,
  path: string,
): Promise<
  { note?: LockNote | undefined; uid?: number | undefined } | undefined
> {
  const file = await openIfExists(fs, path);
  if (file === undefined) return undefined;
  try {
    const { uid } = await file.stat();
    const note = parseLockNote(await readBlock(file, LOCK_NOTE_BYTES));
    return { note, uid };
  } finally {
    await file.close();
  }
}

/**
 * Judges the file that has a lock's name, before anything is written into it:
 * take it; replace it, because it is a lock to which a backup has given a second
 * name; or refuse it with a POSIX error.
 *
 * @param bytes Its content, or the start of it, longer than a note.
 * @param links The number of its names.
 */
export function judgeLockFile(
  bytes: Uint8Array,
  links: number = 1,
): "take" | "replace" | "EMLINK" | "EFTYPE" {
  const isLock = mayBeNote(bytes);
  if (links > 1) return isLock ? "replace" : "EMLINK";
  return isLock ? "take" : "EFTYPE";
}

/** A note is not synced: a power cut may leave nothing, the beginning of it, or NULs. */
function mayBeNote(bytes: Uint8Array): boolean {
  if (bytes.length > LOCK_NOTE_BYTES) return false;
  const text = new TextDecoder().decode(bytes).replaceAll("\0", "");
  return START.startsWith(text.slice(0, START.length));
}
