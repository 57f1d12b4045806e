import type {
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "../file_system.ts";
import { SystemLock } from "../runtime/lock.ts";
import { SystemFile } from "../runtime/system_file.ts";
import { systemFileSystem } from "../system.ts";
import type { FileCalls } from "./file_calls.ts";
import { type Eventual, runAtOnce, runLater, type Steps } from "./steps.ts";

/** One half of a file system, for code in steps: the calls that give promises, or those that return when they are done. */
export interface Calls {
  create(path: string, mode: number): Eventual<FileHandle>;
  stat(path: string): Eventual<FileStat | undefined>;
  rename(from: string, to: string): Eventual<void>;
  remove(path: string): Eventual<void>;
  syncDirectory(directory: string): Eventual<void>;
  /** Whether the calls return when they are done. */
  readonly isBlocking: boolean;
  /** The calls of a file that either half has opened. */
  of(file: FileHandle): FileCalls;
  /** Whether the file of a lock is still the one that was locked. */
  isCurrent(lock: FileLock): Eventual<boolean>;
  /** Runs a task that uses these calls. */
  run<T>(steps: Steps<T>): Eventual<T>;
}

/** The calls that give promises. Those of the system's own objects that end more quickly than a promise return when they are done. */
export function asyncCalls(fs: FileSystem): Calls {
  const { blocking } = fs.stat === systemFileSystem.stat
    ? systemFileSystem
    : {};
  return {
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => (blocking ?? fs).stat(path),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    isBlocking: false,
    of: (file) => SystemFile.quickCallsOf(file) ?? file,
    isCurrent: (lock) => (SystemLock.quickCallsOf(lock) ?? lock).isCurrent(),
    run: runLater,
  };
}

/** The calls that return when they are done; `undefined` if the file system has none. */
export function blockingCalls(
  { blocking: fs }: FileSystem,
): Calls | undefined {
  return fs && {
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => fs.stat(path),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    isBlocking: true,
    of: (file) => file.blocking!,
    isCurrent: (lock) => lock.blocking!.isCurrent(),
    run: runAtOnce,
  };
}
