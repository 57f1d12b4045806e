/**
 * The only way to the operating system: the store decides what must be durable
 * and in which order, a `FileSystem` does it.
 *
 * Each method says what is true when its promise resolves. It rejects with an
 * `Error` whose `code` is a POSIX error name, as `node:fs` does: those that the
 * method names, `ENOSPC`, `EDQUOT` or `EFBIG` if there is no space, `EACCES` or
 * `EPERM` if access is refused, `ENOTCAPABLE` if the runtime's sandbox refuses,
 * and any other for what the store need not tell apart. `fileSystemSuite` of
 * `@mini/state/testing` checks an implementation.
 *
 * @example Count what a program does to its disk
 * ```ts
 * import { systemFileSystem, type FileSystem, MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * let renames = 0;
 * const fs: FileSystem = {
 *   ...systemFileSystem,
 *   rename(from, to) {
 *     renames++;
 *     return systemFileSystem.rename(from, to);
 *   },
 * };
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path, { fs });
 * assertEquals(renames, 1); // the first segment was made under another name
 * await store.append("no rename");
 * assertEquals(renames, 1);
 * ```
 */
export interface FileSystem {
  /**
   * Opens a regular file: for reading, positioned at its start, or for
   * appending.
   *
   * Rejects with `ENOENT` if there is none, `ELOOP` if the path is a symbolic
   * link, `EISDIR` if it is a directory and, without waiting, `ENXIO` if it is a
   * pipe, a socket or a device.
   */
  open(path: string, access: "read" | "append"): Promise<FileHandle>;
  /**
   * Creates an empty file and opens it for appending. Its name is durable after
   * {@linkcode FileSystem.syncDirectory}.
   *
   * Rejects with `EEXIST` if anything has the name, a dangling symbolic link
   * included, and with `ENOENT` if the directory is missing.
   *
   * @param mode Who may do what with it, as far as the process's umask lets them.
   */
  create(path: string, mode: number): Promise<FileHandle>;
  /** Describes what has the name, without following a symbolic link; `undefined` if nothing has. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Lists the names of the files and directories in a directory, in no order. Rejects with `ENOENT` if there is no directory. */
  list(directory: string): Promise<string[]>;
  /** The names that {@linkcode FileSystem.list} gives, a few at a time, so that a directory of any size takes little memory. Left out: `list` is used. */
  entries?(directory: string): AsyncIterable<string>;
  /**
   * Creates a directory and its missing parents, durably as far as the process
   * may sync the directory above. An existing one is fine.
   *
   * Rejects with `ENOTDIR` if the path, or a part of it, is a file.
   */
  createDirectory(path: string, mode: number): Promise<void>;
  /**
   * Renames a file, also into another directory of the same file system,
   * replacing the target in one step. Open handles stay with their files. Durable
   * after {@linkcode FileSystem.syncDirectory} of the directory, or of both.
   * Rejects with `ENOENT` if there is no such file.
   */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Durable after {@linkcode FileSystem.syncDirectory}. Rejects with `ENOENT` if there is none. */
  remove(path: string): Promise<void>;
  /** Makes every earlier create, rename and remove in the directory durable. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * Takes the exclusive lock of the file at `path`, which it creates if it is
   * missing, and writes `note` into it; `undefined` if somebody else holds the
   * lock, in this process or another. Never waits. Closing the lock frees it,
   * and so does the end of the process, however it ends.
   *
   * Rejects as {@linkcode FileSystem.open} does, except that a missing file is
   * created. Rejects before it writes anything: with `EFTYPE` if the file holds
   * something other than the note of a lock, or the beginning of one; with
   * `EMLINK` if that file also has a second name. A note with a second name, as
   * a backup by hard links leaves it, stays as it is, and a new file takes its
   * place.
   *
   * @param note A line of JSON that begins with `{"pid":`, for people who find
   * the file locked. The member `log` of a note in the file is kept.
   */
  lock(
    path: string,
    mode: number,
    note: string,
  ): Promise<FileLock | undefined>;
  /**
   * Hints that something in a directory has changed. May miss changes, join
   * several and report some that are none, so that a caller also looks by itself
   * now and then. Ends when the signal fires; throws where it cannot watch. Left
   * out if nothing can be watched.
   */
  watch?(directory: string, signal: AbortSignal): AsyncIterable<void>;
  /**
   * Tells how many bytes the process may still write on the disk that holds a
   * path. Rejects where it may not know: with `ENOTCAPABLE` under Deno without
   * `--allow-sys=statfs`, for which nobody is asked. Left out if there is no such
   * number.
   */
  freeBytes?(path: string): Promise<number>;
  /**
   * The calls that return when they are done, for
   * {@linkcode MiniStore.prototype.appendSync}. Left out if there are none: that
   * is `UNSUPPORTED` then. With it, handles and locks have their `blocking` too. A
   * file system that wraps another wraps both halves, or leaves this one out.
   */
  readonly blocking?: BlockingFileSystem;
}

/**
 * The half of a {@linkcode FileSystem} that a synchronous append needs, rotation
 * included. Each method does what the one of that name in `FileSystem` does before
 * it returns, and throws what that rejects with.
 */
export interface BlockingFileSystem {
  /** Creates an empty file and opens it for appending. */
  create(path: string, mode: number): FileHandle;
  /** Describes what has the name, without following a symbolic link; `undefined` if nothing has. */
  stat(path: string): FileStat | undefined;
  /** Renames a file, replacing the target in one step. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): void;
  /** Makes every earlier create, rename and remove in the directory durable. */
  syncDirectory(directory: string): void;
}

/** The calls of an open file that return when they are done. Each does what the one of that name in {@linkcode FileHandle} does, and throws what that rejects with. */
export interface BlockingFileHandle {
  /** Appends all bytes, in order, not durably. After a throw any prefix of them may be in the file. */
  write(bytes: Uint8Array<ArrayBuffer>): void;
  /** Makes every earlier write durable. After a throw it is unknown what is durable. */
  sync(): void;
  /** Shortens the file to `sizeBytes`. */
  truncate(sizeBytes: number): void;
  /** Describes the open file, whatever its name is now. */
  stat(): FileStat;
  /** Gives the file the group, the mode and the owner of another. Left out if files have no owners. */
  own?(like: FileStat): void;
  /** Frees the handle. */
  close(): void;
}

/** The call of a lock that returns when it is done. */
export interface BlockingFileLock {
  /** Whether the file is still the one that was locked. */
  isCurrent(): boolean;
}

/** An open file, for one caller at a time. It stays with the file, whatever name that has. */
export interface FileHandle {
  /** Reads on from where the last read ended; resolves to the number of bytes, 0 at the end of the file as it is now. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Lets the next read start at byte `offset`, which may be beyond the end. */
  seek(offset: number): Promise<void>;
  /** Appends all bytes, in order, not durably. After a rejection any prefix of them may be in the file. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Makes every earlier write durable. After a rejection it is unknown what is durable, and a later success proves nothing. */
  sync(): Promise<void>;
  /** Shortens the file to `sizeBytes`. Durable after {@linkcode FileHandle.sync}. */
  truncate(sizeBytes: number): Promise<void>;
  /** Describes the open file, whatever its name is now. */
  stat(): Promise<FileStat>;
  /**
   * Gives the file, which this handle has created and which still has its name,
   * the group, the mode and the owner of another, as far as the process may:
   * {@linkcode FileHandle.stat} tells how far. Durable after
   * {@linkcode FileHandle.sync}. Left out if files have no owners.
   */
  own?(like: FileStat): Promise<void>;
  /** Frees the handle. Makes nothing durable. */
  close(): Promise<void>;
  /** The calls that return when they are done. Left out if the file system has none. */
  readonly blocking?: BlockingFileHandle;
}

/** The description of a file. */
export interface FileStat {
  /** The kind of file; a symbolic link is not followed. */
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** The size in bytes. */
  readonly sizeBytes: number;
  /** Equal for two names of one file, different for two files that exist at the same time; empty if the platform cannot tell. */
  readonly identity: string;
  /** The number of names. Left out, as the members below, if the platform does not tell. */
  readonly links?: number;
  /** The owner. */
  readonly uid?: number;
  /** The group. */
  readonly gid?: number;
  /** Who may do what with it: the nine lowest bits of a Unix mode. */
  readonly mode?: number;
}

/** An exclusive lock, held until it is closed or the process ends. */
export interface FileLock {
  /** The note that the file holds. */
  readonly note: string;
  /** Replaces the note, durably. After a crash the file holds the old note or the new one. */
  leave(note: string): Promise<void>;
  /** Whether the file is still the one that was locked: `false` once somebody has removed or replaced it. */
  isCurrent(): Promise<boolean>;
  /** Frees the lock. The file stays. */
  close(): Promise<void>;
  /** The call that returns when it is done. Left out if the file system has none. */
  readonly blocking?: BlockingFileLock;
}
