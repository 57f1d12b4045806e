import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
} from "node:fs";
import type { FileStat } from "./file_system.ts";

/** What the clock of a file system may be behind that of the process. */
const CLOCK_MS = 1_000;

/** Gives an open file the group, the mode and the owner of another, as far as the process may. */
export function ownFile(fd: number, { uid, gid, mode }: FileStat): void {
  // The group first, which the mode is for; the owner last, after whom only root may change anything.
  attempt(() => fchownSync(fd, fstatSync(fd).uid, gid!));
  attempt(() => {
    // Of a directory it may hold more than that.
    if ((fstatSync(fd).mode & 0o777) !== mode) fchmodSync(fd, mode!);
  });
  attempt(() => fchownSync(fd, uid!, fstatSync(fd).gid));
}

/** The same for the file that has a name, should that be the one of this device and this number. */
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

/** Gives a directory that was made just now to the owner and group of the one above, as far as the process may. */
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
    // Whoever has the one above may have put an older one in its place.
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

/** What the process may not do stays undone: a stat tells. */
function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // It stays as it was.
  }
}
