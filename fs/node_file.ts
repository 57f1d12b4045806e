// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
} from "node:fs";
import { type FileHandle, open as openFile } from "node:fs/promises";
import process from "node:process";
import type { FileStat } from "./file_system.ts";

/** An open file: its number, and the object that opened it, if that was not synchronous. */
export interface NodeFile {
  readonly fd: number;
  readonly handle?: FileHandle;
}

/**
 * Every such object. The garbage collector closes one that nothing refers to, and
 * a log that a program has left open would lose its lock.
 */
const OPEN = new Set<FileHandle>();

/** Opens a file until {@linkcode close}. */
export async function open(
  path: string,
  flags: number,
  mode?: number,
): Promise<NodeFile> {
  const handle = await openFile(path, flags, mode);
  OPEN.add(handle);
  return { fd: handle.fd, handle };
}

/** The same, before it returns. */
export function openAtOnce(
  path: string,
  flags: number,
  mode?: number,
): NodeFile {
  return { fd: openSync(path, flags, mode) };
}

/** Closes a file. */
export async function close({ fd, handle }: NodeFile): Promise<void> {
  if (handle === undefined) return closeSync(fd);
  OPEN.delete(handle);
  await handle.close();
}

/** Waits for a call that takes a callback. */
export function called<T>(
  call: (done: (error: Error | null, result?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) =>
    call((error, result) => error ? reject(error) : resolve(result as T))
  );
}

/** Describes what has a name. */
export function lstat(path: string): FileStat {
  return toStat(lstatSync(path, { bigint: true }));
}

/** Describes an open file. */
export function fstat({ fd }: NodeFile): FileStat {
  return toStat(fstatSync(fd, { bigint: true }));
}

function toStat(stats: BigIntStats): FileStat {
  return {
    kind: stats.isSymbolicLink()
      ? "symlink"
      : stats.isFile()
      ? "file"
      : stats.isDirectory()
      ? "directory"
      : "other",
    sizeBytes: Number(stats.size),
    identity: `${stats.dev}:${stats.ino}`,
    ...(process.platform !== "win32" && {
      links: Number(stats.nlink),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mode: Number(stats.mode) & 0o777,
    }),
  };
}
