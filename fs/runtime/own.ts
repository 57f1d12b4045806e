import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
} from "node:fs";
import type { FileStat } from "../file_system.ts";

/** How far the clock of a file system may lag that of the process. */
const CLOCK_MS = 1_000;

/** Gives an open file the group, the mode and the owner of another, as far as the process may. */
export function ownFile(fd: number, { uid, gid, mode }: FileStat): void {
  // The group first, because the mode is for it; the owner last, because then only root may change anything.
  attempt(() => fchownSync(fd, fstatSync(fd).uid, gid!));
  attempt(() => {
    // The mode of a directory may hold more than these bits.
    if ((fstatSync(fd).mode & 0o777) !== mode) fchmodSync(fd, mode!);
  });
  attempt(() => fchownSync(fd, uid!, fstatSync(fd).gid));
}

/** As {@linkcode ownFile}, for the file that has the name, if it is the one with this device and this number. */
export function ownNamed(
  path: string,
  { dev, ino }: { dev: number; ino: number | null },
  like: FileStat,
): void {
  withOpen(path, 0, (fd) => {
    const found = fstatSync(fd);
    if (found.dev === dev && found.ino === ino) ownFile(fd, like);
  });
}

/** Gives a directory that was just made the owner and the group of the one above, as far as the process may. */
export function giveDirectory(
  path: string,
  made: FileStat | undefined,
  above: FileStat | undefined,
): void {
  const isTheirs = made?.uid === above?.uid && made?.gid === above?.gid;
  if (above === undefined || isTheirs) return;
  const since = Date.now() - CLOCK_MS;
  withOpen(path, constants.O_DIRECTORY, (fd) => {
    const { mode, mtimeMs } = fstatSync(fd);
    // The owner of the one above may have put an older directory in its place.
    if (mtimeMs >= since) ownFile(fd, { ...above, mode: mode & 0o777 });
  });
}

function withOpen(
  path: string,
  flags: number,
  use: (fd: number) => void,
): void {
  attempt(() => {
    const fd = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | flags,
    );
    try {
      use(fd);
    } finally {
      closeSync(fd);
    }
  });
}

/** Leaves undone what the process may not do: a stat tells. */
function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // It stays as it was.
  }
}
