/**
 * The one seam to the operating system.
 *
 * The store decides what must be durable and in which order; an implementation
 * of {@linkcode FileSystem} does it. Each method says what is true when its
 * promise resolves. A method that rejects does so with an `Error` whose `code`
 * is a POSIX error name (`"ENOENT"`, `"ENOSPC"`, …), as `node:fs` does;
 * `"ENOTCAPABLE"` means that the runtime's sandbox refused.
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
   * Opens an existing regular file, positioned at its start.
   *
   * Rejects with `ENOENT` where there is none, `ELOOP` where the path is a
   * symbolic link, `EISDIR` where it is a directory, and `ENXIO`, without
   * waiting, where it is a pipe or anything else that is no file.
   */
  open(path: string, access: "read" | "append"): Promise<FileHandle>;
  /**
   * Creates an empty file and opens it for appending. Its directory entry is
   * durable only after {@linkcode FileSystem.syncDirectory}.
   *
   * Rejects with `EEXIST` where anything has that name, a dangling symbolic
   * link included.
   */
  create(path: string, mode: number): Promise<FileHandle>;
  /** Describes what has this name, without following a symbolic link; `undefined` where nothing has. */
  stat(path: string): Promise<FileStat | undefined>;
  /** The names in a directory, in no order. Rejects with `ENOENT` where there is no directory. */
  list(directory: string): Promise<string[]>;
  /**
   * Creates a directory and those above it that are missing; one that exists
   * is fine. What it created is durable, so far as permissions let the
   * directory above be synced.
   */
  createDirectory(path: string, mode: number): Promise<void>;
  /**
   * Gives a file another name in the same directory, replacing what had it, in
   * one step. Durable only after {@linkcode FileSystem.syncDirectory}.
   */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Durable only after {@linkcode FileSystem.syncDirectory}. */
  remove(path: string): Promise<void>;
  /** Every earlier create, rename and remove in the directory is on stable storage. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * Takes the exclusive lock that the file at `path` stands for, creating the
   * file if need be; `undefined` where somebody else holds it. Never waits. The
   * lock is freed by `close()` and by the end of the process, however it ends.
   *
   * Rejects, before anything is written into it, with `EMLINK` where the file is
   * a hard link to another one, and with `EFTYPE` where what is in it is no note
   * of a lock.
   *
   * @param note A line of JSON that begins with `{"pid":`, left in the file for
   * whoever finds it locked. The `log` of a note that the file holds is kept.
   */
  lock(
    path: string,
    mode: number,
    note: string,
  ): Promise<FileLock | undefined>;
}

/** An open file. One caller at a time. */
export interface FileHandle {
  /** Reads on from where the last read ended; resolves to the bytes read, 0 at the end of the file as it is now. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number>;
  /**
   * Appends. When it resolves all bytes are with the operating system, in
   * order, but not durable; when it rejects any prefix of them may be.
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Every byte written before the call is on stable storage. After a rejection that is not known, and a later success proves nothing. */
  sync(): Promise<void>;
  /** Cuts the file to `sizeBytes`. Durable only after {@linkcode FileHandle.sync}. */
  truncate(sizeBytes: number): Promise<void>;
  /** Describes the open file, whatever its name is now. */
  stat(): Promise<FileStat>;
  /**
   * Gives the file, which this handle has created and which has its name still,
   * the group, the mode and the owner of another, as far as the process may:
   * {@linkcode FileHandle.stat} tells how far that was. Durable only after
   * {@linkcode FileHandle.sync}. Left out where files have no owners.
   */
  own?(like: FileStat): Promise<void>;
  /** Frees the handle. Makes nothing durable. */
  close(): Promise<void>;
}

/** What {@linkcode FileSystem.stat} tells. */
export interface FileStat {
  /** What it is; a symbolic link is not followed. */
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** Its size. */
  readonly sizeBytes: number;
  /** Equal for two names of one file, different for two files that exist at once; empty where the platform cannot tell. */
  readonly identity: string;
  /** How many names it has; left out, as the rest is, where the platform does not tell. */
  readonly links?: number;
  /** Who owns it. */
  readonly uid?: number;
  /** Its group. */
  readonly gid?: number;
  /** Who may do what with it: the nine lowest bits of a Unix mode. */
  readonly mode?: number;
}

/** An exclusive lock that is held until it is closed. */
export interface FileLock {
  /** The note that the file holds. */
  readonly note: string;
  /** Leaves another note, and makes it durable. A crash leaves the one or the other. */
  leave(note: string): Promise<void>;
  /** Whether the lock file is still the one that was locked: `false` once somebody removed or replaced it. */
  isCurrent(): Promise<boolean>;
  /** Frees the lock. The file stays. */
  close(): Promise<void>;
}
