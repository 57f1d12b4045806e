import type { FileStat } from "../file_system.ts";

/** Frees what holds a lock besides the open file. */
export type Release = () => void | Promise<void>;

/**
 * The calls of a runtime to the operating system. A call that fails throws the
 * error of the runtime. `fileSystemOver` makes a `FileSystem` of the calls.
 *
 * A stat and a small write are synchronous: they take a few microseconds, and a
 * trip to the thread pool twenty times that.
 *
 * @typeParam File An open file.
 */
export interface SystemCalls<File> {
  /** Whether the calls whose names end in `Sync` may be made. */
  readonly isBlocking: boolean;
  /** Opens an existing file; `lock` is for reading and writing. A runtime that locks as it opens rejects with `EAGAIN` or `EBUSY` if somebody else holds the lock. */
  open(path: string, access: "read" | "append" | "lock"): Promise<File>;
  /** Creates a file. Rejects with `EEXIST` if anything has the name. */
  create(path: string, mode: number, access: "append" | "lock"): Promise<File>;
  /** The same, before it returns. */
  createSync(path: string, mode: number): File;
  /** Opens a directory to sync it; `undefined` on Windows, which neither opens directories nor needs it: its file systems journal their entries. */
  openDirectory(path: string): Promise<File | undefined>;
  /** The same, before it returns. */
  openDirectorySync(path: string): File | undefined;
  /** Closes a file. */
  close(file: File): void | Promise<void>;
  /** Describes what has a name, without following a symbolic link. */
  lstat(path: string): FileStat;
  /** Describes an open file. */
  fstat(file: File): FileStat;
  /** The names in a directory. */
  entries(directory: string): AsyncIterable<string>;
  /** Creates a directory. */
  mkdir(path: string, mode: number): Promise<void>;
  /** Renames a file. */
  rename(from: string, to: string): Promise<void>;
  /** The same, before it returns. */
  renameSync(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** The same, before it returns. */
  removeSync(path: string): void;
  /** Reads at a byte; resolves to 0 at the end of the file. */
  read(
    file: File,
    into: Uint8Array<ArrayBuffer>,
    offset: number,
  ): Promise<number>;
  /** Appends some of the bytes; resolves to how many. */
  write(file: File, bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** The same, before it returns. */
  writeSync(file: File, bytes: Uint8Array<ArrayBuffer>): number;
  /** Overwrites the start of a file opened with `lock`. */
  overwrite(file: File, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Calls fsync. */
  sync(file: File): Promise<void>;
  /** The same, before it returns. */
  syncSync(file: File): void;
  /** Cuts a file. */
  truncate(file: File, sizeBytes: number): Promise<void>;
  /** The same, before it returns. */
  truncateSync(file: File, sizeBytes: number): void;
  /** Gives a file group, mode and owner of another, as far as the process may. */
  own(file: File, path: string, like: FileStat): void;
  /** Locks a file opened with `lock`; `undefined` if somebody else has. */
  lock(file: File, path: string, mode: number): Promise<Release | undefined>;
  /** Tells of changes in a directory, as `FileSystem.watch` does. */
  watch(directory: string, signal: AbortSignal): AsyncIterable<void>;
  /** The bytes that this user may still write on the disk that holds a path. */
  freeBytes(path: string): Promise<number>;
}
