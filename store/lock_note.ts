/** What a lock file says of who holds it. It is for people: the lock itself is the kernel's. */
export interface LockNote {
  readonly pid: number;
  /** When that process started. */
  readonly since: string;
  /** The command that took it, where it was one. */
  readonly command?: string;
}

/** No note is longer. */
export const LOCK_NOTE_BYTES = 1_024;

const START = '{"pid":';

/** The text of a note. */
export function encodeLockNote({ pid, command, since }: LockNote): string {
  return `${JSON.stringify({ pid, command, since })}\n`;
}

/** The note that a lock file holds; `undefined` where it holds none, or not all of one. */
export function parseLockNote(bytes: Uint8Array): LockNote | undefined {
  if (bytes.length > LOCK_NOTE_BYTES) return undefined;
  try {
    const { pid, since, ...rest } = JSON.parse(new TextDecoder().decode(bytes));
    if (!Number.isSafeInteger(pid) || typeof since !== "string") return;
    return { ...rest, pid, since };
  } catch {
    return undefined;
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
  if (links > 1) return parseLockNote(bytes) ? "replace" : "EMLINK";
  return mayBeNote(bytes) ? "take" : "EFTYPE";
}

/** A note is not synced: a power cut may leave none of it, a beginning, or NULs. */
function mayBeNote(bytes: Uint8Array): boolean {
  if (bytes.length > LOCK_NOTE_BYTES) return false;
  const text = new TextDecoder().decode(bytes).replaceAll("\0", "");
  return START.startsWith(text.slice(0, START.length));
}
