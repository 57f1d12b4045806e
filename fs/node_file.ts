// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import { type BigIntStats, fstatSync, lstatSync } from "node:fs";
import {
  type FileHandle as NodeFile,
  open as openFile,
} from "node:fs/promises";
import process from "node:process";
import type { FileStat } from "./file_system.ts";

/**
 * Every open file. The garbage collector closes one that nothing refers to, and
 * a log that a program has left open would lose its lock.
 */
const OPEN = new Set<NodeFile>();

/** Opens a file until {@linkcode close}. */
export async function open(
  path: string,
  flags: number,
  mode?: number,
): Promise<NodeFile> {
  const file = await openFile(path, flags, mode);
  OPEN.add(file);
  return file;
}

/** Closes a file. */
export async function close(file: NodeFile): Promise<void> {
  OPEN.delete(file);
  await file.close();
}

/** Describes what has a name. */
export function lstat(path: string): FileStat {
  return toStat(lstatSync(path, { bigint: true }));
}

/** Describes an open file. */
export function fstat(file: NodeFile): FileStat {
  return toStat(fstatSync(file.fd, { bigint: true }));
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
