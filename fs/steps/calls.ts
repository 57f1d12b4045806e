import type {
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "../file_system.ts";
import { type Eventual, runAtOnce, runLater, type Steps } from "./steps.ts";

/** The calls of an open file that give promises, or those that return when they are done. */
export interface FileCalls {
  write(bytes: Uint8Array<ArrayBuffer>): Eventual<void>;
  sync(): Eventual<void>;
  truncate(sizeBytes: number): Eventual<void>;
  stat(): Eventual<FileStat>;
  own?(like: FileStat): Eventual<void>;
  close(): Eventual<void>;
}

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

/** The calls that give promises. */
export function asyncCalls(fs: FileSystem): Calls {
  return {
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => fs.stat(path),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    isBlocking: false,
    of: (file) => file,
    isCurrent: (lock) => lock.isCurrent(),
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
