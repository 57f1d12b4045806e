// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import { type BigIntStats, fstatSync, lstatSync } from "node:fs";
import process from "node:process";
import type { FileStat } from "./file_system.ts";

/**
 * Waits for a call that takes a callback. An open file is its number: the garbage
 * collector would close an object that nothing refers to any more, and a log that
 * a program has left open would lose its lock.
 */
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
export function fstat(fd: number): FileStat {
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
