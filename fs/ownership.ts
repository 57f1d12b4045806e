import type { FileStat } from "./file_system.ts";

/** What group and others may do, of a mode. */
const groupOf = (mode: number) => mode >> 3 & 7;
const othersOf = (mode: number) => mode & 7;
const READ_AND_WRITE = 6;

/** Whether a file is whose it should be, and opens for whom it should. */
export function isLike(file: FileStat, like: FileStat): boolean {
  return file.uid === like.uid && file.gid === like.gid &&
    file.mode === like.mode;
}

/**
 * Who would be locked out if `made` took the place of `like`, and what helps;
 * `undefined` where nobody would.
 */
export function lockedOut(
  like: FileStat,
  made: FileStat,
): string | undefined {
  const { uid, gid } = like;
  if (uid === undefined || isLike(made, like)) return undefined;
  const mode = like.mode!;
  // What is not of the same group opens for it as for others.
  const isGroupKept = made.gid === gid || groupOf(mode) === othersOf(mode);
  const isOpenToOwner = uid === made.uid || uid === 0 ||
    isGroupKept && groupOf(mode) === READ_AND_WRITE;
  if (!isOpenToOwner) {
    return `its owner, user ${uid}, could not open it: do this as that user`;
  }
  return made.mode === mode && isGroupKept
    ? undefined
    : `its group ${gid} could not open it: do this as a member of it`;
}

const OTHERS_WRITE = 2;

/** Whether others may write it: put files into a directory, above all. */
export function isOpenToOthers(
  { mode = 0 }: { readonly mode?: number },
): boolean {
  return (mode & OTHERS_WRITE) !== 0;
}

/**
 * Why a file is not to be trusted that was found where others may put theirs;
 * `undefined` where it is.
 *
 * @param made One that this process has made just now, which others were not to write.
 */
export function distrust(
  found: FileStat,
  made: FileStat,
): string | undefined {
  // Where a file system keeps no modes, as on a disk of Windows, all files look alike.
  if (isOpenToOthers(found) && !isOpenToOthers(made)) {
    return "others can write it";
  }
  const isTheirs = found.uid !== 0 && found.uid !== made.uid;
  return isTheirs ? `it belongs to user ${found.uid}` : undefined;
}
