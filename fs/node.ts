// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import {
  constants,
  fsync,
  fsyncSync,
  ftruncate,
  ftruncateSync,
  read,
  renameSync,
  unlinkSync,
  watch as watchDirectory,
  write,
  writeSync,
} from "node:fs";
import { mkdir, opendir, rename, unlink } from "node:fs/promises";
import { uptime } from "node:os";
import process from "node:process";
import { Changes } from "./changes.ts";
import type { FileSystem } from "./file_system.ts";
import {
  called,
  close,
  fstat,
  lstat,
  type NodeFile,
  open,
  openAtOnce,
} from "./node_file.ts";
import { lock, lockedByOpening } from "./node_lock.ts";
import { freeBytes } from "./runtime/free.ts";
import { ownFile } from "./runtime/own.ts";
import type { SystemCalls } from "./runtime/calls.ts";
import { fileSystemOver } from "./runtime/file_system.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants;

const CREATE = O_CREAT | O_EXCL;

/** Windows has no such flag: there the look before opening and the comparison after it have to do. */
const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;

/** Node's permission model forbids `fsyncSync`, and the calls with callbacks. */
const isRestricted = (process as { permission?: unknown }).permission !==
  undefined;

const nodeCalls: SystemCalls<NodeFile> = {
  isBlocking: !isRestricted,
  open: (path, access) => open(path, flagsOf(access)),
  create: (path, mode, access) => open(path, flagsOf(access) | CREATE, mode),
  createSync: (path, mode) =>
    openAtOnce(path, flagsOf("append") | CREATE, mode),
  openDirectory: async (path) =>
    process.platform === "win32" ? undefined : await open(path, O_RDONLY),
  openDirectorySync: (path) =>
    process.platform === "win32" ? undefined : openAtOnce(path, O_RDONLY),
  close,
  lstat,
  fstat,
  async *entries(directory) {
    for await (const { name } of await opendir(directory)) yield name;
  },
  mkdir: async (path, mode) => void await mkdir(path, { mode }),
  rename,
  renameSync,
  remove: unlink,
  removeSync: unlinkSync,
  read: ({ fd }, into, offset) =>
    called((done) => read(fd, into, 0, into.length, offset, done)),
  write: ({ fd }, bytes) => called((done) => write(fd, bytes, done)),
  writeSync: ({ fd }, bytes) => writeSync(fd, bytes),
  overwrite: ({ fd }, bytes) =>
    called((done) =>
      write(fd, bytes, 0, bytes.length, 0, (error) => done(error))
    ),
  sync: ({ fd, handle }) =>
    handle === undefined ? called((done) => fsync(fd, done)) : handle.sync(),
  syncSync: ({ fd }) => fsyncSync(fd),
  truncate: ({ fd, handle }, sizeBytes) =>
    handle === undefined
      ? called((done) => ftruncate(fd, sizeBytes, done))
      : handle.truncate(sizeBytes),
  truncateSync: ({ fd }, sizeBytes) => ftruncateSync(fd, sizeBytes),
  own: ({ fd }, _path, like) => ownFile(fd, like),
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
