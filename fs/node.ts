// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import { constants, watch as watchDirectory, writeSync } from "node:fs";
import {
  type FileHandle as NodeFile,
  mkdir,
  opendir,
  rename,
  unlink,
} from "node:fs/promises";
import { uptime } from "node:os";
import process from "node:process";
import { Changes } from "./changes.ts";
import type { FileSystem } from "./file_system.ts";
import { close, fstat, lstat, open } from "./node_file.ts";
import { lock, lockedByOpening } from "./node_lock.ts";
import { freeBytes } from "./runtime/free.ts";
import { ownFile } from "./runtime/own.ts";
import type { SystemCalls } from "./runtime/calls.ts";
import { fileSystemOver } from "./runtime/file_system.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Windows has no such flag: there the look before opening and the comparison after it have to do. */
const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;

const nodeCalls: SystemCalls<NodeFile> = {
  open: (path, access) => open(path, flagsOf(access)),
  create: (path, mode, access) =>
    open(path, flagsOf(access) | O_CREAT | O_EXCL, mode),
  openDirectory: async (path) =>
    process.platform === "win32" ? undefined : await open(path, O_RDONLY),
  close,
  lstat,
  fstat,
  async *entries(directory) {
    for await (const { name } of await opendir(directory)) yield name;
  },
  mkdir: async (path, mode) => void await mkdir(path, { mode }),
  rename,
  remove: unlink,
  read: async (file, into, offset) =>
    (await file.read(into, 0, into.length, offset)).bytesRead,
  write: async (file, bytes) => (await file.write(bytes)).bytesWritten,
  writeSync: (file, bytes) => writeSync(file.fd, bytes),
  overwrite: async (file, bytes) => void await file.write(bytes, 0, null, 0),
  sync: (file) => file.sync(),
  truncate: (file, sizeBytes) => file.truncate(sizeBytes),
  own: (file, _path, like) => ownFile(file.fd, like),
  lock,
  watch,
  freeBytes,
};

/** Calls back rather than queues: a queue that is full prints a warning. */
async function* watch(
  directory: string,
  signal: AbortSignal,
): AsyncGenerator<void, void, undefined> {
  const changes = new Changes();
  const watcher = watchDirectory(directory, { persistent: false });
  watcher.on("change", () => changes.add());
  // It tells of no more changes then, as any watcher may.
  watcher.on("error", () => {});
  try {
    yield* changes.until(signal);
  } finally {
    watcher.close();
  }
}

/** The {@linkcode FileSystem} of Node, and of what runs Node's modules. Durability is `fsync`. */
export const nodeFileSystem: FileSystem = fileSystemOver(nodeCalls);

function flagsOf(access: "read" | "append" | "lock"): number {
  if (access === "lock") return O_RDWR | NO_FOLLOW | lockedByOpening();
  return NO_FOLLOW | (access === "read" ? O_RDONLY : O_WRONLY | O_APPEND);
}

/** For how many milliseconds the machine has been up, including the time that it was suspended. */
export function uptimeMs(): number {
  return 1_000 * uptime();
}
