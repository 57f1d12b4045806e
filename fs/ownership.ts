import type { FileStat } from "./file_system.ts";

/** The part of a mode that is for the group, and for others. */
const groupOf = (mode: number) => mode >> 3 & 7;
const othersOf = (mode: number) => mode & 7;
const READ_AND_WRITE = 6;

/** Whether a file has the owner, the group and the mode of another. */
export function isLike(file: FileStat, like: FileStat): boolean {
  return file.uid === like.uid && file.gid === like.gid &&
    file.mode === like.mode;
}

/** Whether a file has the owner and the group of another, and not the mode. */
export function differsInMode(file: FileStat, like: FileStat): boolean {
  return file.uid === like.uid && file.gid === like.gid &&
    file.mode !== like.mode;
}

/**
 * Tells who would be locked out if `made` took the place of `like`, and what
 * helps; `undefined` if nobody would.
 */
export function lockedOut(
  like: FileStat,
  made: FileStat,
): string | undefined {
  const { uid, gid } = like;
  if (uid === undefined || isLike(made, like)) return undefined;
  const mode = like.mode!;
  // A file of another group opens for this group as for others.
  const isGroupKept = made.gid === gid || groupOf(mode) === othersOf(mode);
  const isOpenToOwner = uid === made.uid || uid === 0 ||
    isGroupKept && groupOf(mode) === READ_AND_WRITE;
  if (!isOpenToOwner) {
    return `its owner, user ${uid}, could not open it: run this as that user`;
  }
  return made.mode === mode && isGroupKept
    ? undefined
    : `its group ${gid} could not open it: run this as a member of the group`;
}

const OTHERS_WRITE = 2;

/** Whether others may write a file, or put files into a directory. */
export function isOpenToOthers(
  { mode = 0 }: { readonly mode?: number },
): boolean {
  return (mode & OTHERS_WRITE) !== 0;
}

/**
 * Tells why a file in a directory where others may put theirs is not to be
 * trusted; `undefined` if it is.
 *
 * @param made A file that this process has just made, and that others may not write.
 */
export function distrust(
  found: FileStat,
  made: FileStat,
): string | undefined {
  // If a file system keeps no modes, as on a disk of Windows, all files look alike.
  if (isOpenToOthers(found) && !isOpenToOthers(made)) {
    return "others can write it";
  }
  const isTheirs = found.uid !== 0 && found.uid !== made.uid;
  return isTheirs ? `it belongs to user ${found.uid}` : undefined;
}
