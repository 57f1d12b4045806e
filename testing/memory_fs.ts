import type {
  BlockingFileSystem,
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "../fs/file_system.ts";
import { judgeLockFile, keepLog } from "../fs/lock_note.ts";
import {
  type DiskSnapshot,
  durableFile,
  NOTHING,
  type Rights,
} from "./disk.ts";
import type { Fault, FileSystemCall, Hooks } from "./hooks.ts";
import { failure, MemoryDisk, split } from "./memory_disk.ts";
import { later, memoryHandle } from "./memory/handle.ts";
import { mayOpen, ownedLike, type User } from "./rights.ts";

/** The owner of all files in a system without users. */
const NOBODY: User = { uid: 1000, gid: 1000 };

/**
 * A file system in memory that forgets what was not synced, as a disk does when
 * the power is cut: bytes of files *and* names in directories.
 *
 * A failed `sync` is as treacherous as a real one: what was not synced is still
 * shown, a later `sync` succeeds, and the bytes never reach the disk.
 *
 * @example What was not synced is gone
 * ```ts
 * import { crashStates, MemoryFileSystem } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const fs = new MemoryFileSystem();
 * const file = await fs.create("/log", 0o600);
 * await file.sync(); // the bytes, but not the name
 *
 * const left = [...crashStates(fs.snapshot())];
 * assertEquals(left.map((state) => state.fs.names("/")), [[], ["log"]]);
 * ```
 */
export class MemoryFileSystem implements FileSystem {
  readonly #disk: MemoryDisk;
  readonly #locked = new Map<string, number>();
  #calls = 0;
  /** Functions with which a test watches calls and makes them fail. */
  hooks: Hooks = {};
  /**
   * The user of the process: files have owners, and modes say who may open them;
   * directories let everybody in. `undefined` for a system without users.
   */
  user: User | undefined = NOBODY;
  /** How many bytes the files may have together; a write beyond that takes what fits, and fails with `ENOSPC`. */
  capacityBytes: number = Infinity;

  /** The calls that return when they are done. */
  readonly blocking: BlockingFileSystem = {
    create: (path, mode) => this.#create(path, mode),
    stat: (path) => this.#stat(path),
    rename: (from, to) => this.#rename(from, to),
    remove: (path) => this.#remove(path),
    syncDirectory: (path) => this.#syncDirectory(path),
  };

  /** Starts empty, or as the next process finds a snapshot after the last was killed: what was not synced is still shown. */
  constructor(snapshot?: DiskSnapshot) {
    this.#disk = new MemoryDisk(snapshot);
  }

  /** Returns the whole file system as it is now. */
  snapshot(): DiskSnapshot {
    return this.#disk.snapshot();
  }

  /** Frees all locks, as the end of a process does. */
  restart(): void {
    this.#locked.clear();
  }

  /** The number of calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** The names of the files in a directory, sorted. */
  names(directory: string): string[] {
    if (!this.#disk.isDirectory(directory)) return [];
    return [...this.#disk.directory(directory).live.keys()].sort();
  }

  /** The bytes that a file shows; `undefined` if there is no file. */
  content(path: string): Uint8Array<ArrayBuffer> | undefined {
    const node = this.#disk.find(path);
    return node === undefined ? undefined : this.#disk.file(node).live;
  }

  /** Creates a file as somebody else would, durable at once. Replaces what has the name. */
  put(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.#disk.place(path, durableFile(bytes.slice(), this.#rights(0o600)));
  }

  /** Changes owner, group or mode of a file or a directory, as somebody else would. */
  give(path: string, rights: Partial<Rights>): void {
    this.#disk.give(path, rights);
  }

  #rights(mode: number): Rights {
    const { uid, gid } = this.user ?? NOBODY;
    return { uid, gid, mode };
  }

  #assertMayOpen(
    path: string,
    node: number,
    access: "read" | "append" | "both",
  ): void {
    const { rights } = this.#disk.file(node);
    if (this.user === undefined || mayOpen(this.user, rights, access)) return;
    throw failure("EACCES", path);
  }

  /** Gives a file a second name as somebody else would. */
  link(path: string, to: string): void {
    const node = this.#disk.need(path);
    const [directory, name] = split(to);
    this.#disk.changeEntries(directory, { kind: "add", name, node });
  }

  /** Removes a name as somebody else would. */
  unlink(path: string): void {
    const [directory, name] = split(path);
    this.#disk.changeEntries(directory, { kind: "remove", name });
  }

  /** Opens a file, as {@linkcode FileSystem.open} says. */
  open(path: string, access: "read" | "append"): Promise<FileHandle> {
    return later(() =>
      this.#call("open", path, () => {
        const node = this.#disk.need(path);
        this.#assertMayOpen(path, node, access);
        return this.#handle(node, path, access);
      })
    );
  }

  /** Creates a file, as {@linkcode FileSystem.create} says. */
  create(path: string, mode: number): Promise<FileHandle> {
    return later(() => this.#create(path, mode));
  }

  #create(path: string, mode: number): FileHandle {
    return this.#call("create", path, () => {
      const [directory, name] = split(path);
      if (this.#disk.isDirectory(path) || this.#disk.find(path) !== undefined) {
        throw failure("EEXIST", path);
      }
      const file = durableFile(NOTHING, this.#rights(mode));
      const node = this.#disk.createFile(file);
      this.#disk.changeEntries(directory, { kind: "add", name, node });
      return this.#handle(node, path, "append");
    });
  }

  /** Describes a name, as {@linkcode FileSystem.stat} says. */
  stat(path: string): Promise<FileStat | undefined> {
    return later(() => this.#stat(path));
  }

  #stat(path: string): FileStat | undefined {
    return this.#call("stat", path, () => {
      if (this.#disk.isDirectory(path)) {
        const { rights } = this.#disk.directory(path);
        const told = this.user === undefined ? {} : rights;
        return { kind: "directory", sizeBytes: 0, identity: path, ...told };
      }
      const node = this.#disk.find(path);
      return node === undefined ? undefined : this.#statOf(node);
    });
  }

  /** Lists a directory, as {@linkcode FileSystem.list} says. */
  list(directory: string): Promise<string[]> {
    return later(() =>
      this.#call("list", directory, () => this.#disk.list(directory))
    );
  }

  /** Lists a directory, as {@linkcode FileSystem.entries} says. */
  async *entries(directory: string): AsyncGenerator<string, void, undefined> {
    yield* await this.list(directory);
  }

  /** Creates a directory and its missing parents, durable at once, with the owner and the group of the one above, as far as the process may. */
  createDirectory(path: string, mode: number): Promise<void> {
    return later(() =>
      this.#call("createDirectory", path, () => {
        let [above] = split(path);
        while (!this.#disk.isDirectory(above)) [above] = split(above);
        const like = { ...this.#disk.directory(above).rights, mode };
        const user = this.user ?? NOBODY;
        const rights = ownedLike(user, this.#rights(mode), like);
        this.#disk.createDirectory(path, rights);
      })
    );
  }

  /** Renames a file, as {@linkcode FileSystem.rename} says. */
  rename(from: string, to: string): Promise<void> {
    return later(() => this.#rename(from, to));
  }

  #rename(from: string, to: string): void {
    this.#call("rename", from, () => this.#disk.rename(from, to));
  }

  /** Removes a file, as {@linkcode FileSystem.remove} says. */
  remove(path: string): Promise<void> {
    return later(() => this.#remove(path));
  }

  #remove(path: string): void {
    this.#call("remove", path, () => {
      this.#disk.need(path);
      const [directory, name] = split(path);
      this.#disk.changeEntries(directory, { kind: "remove", name });
    });
  }

  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void> {
    return later(() => this.#syncDirectory(path));
  }

  #syncDirectory(path: string): void {
    this.#call("syncDirectory", path, () => this.#disk.syncEntries(path));
  }

  /** Takes a lock, which a crash frees. */
  lock(
    path: string,
    mode: number,
    note: string,
  ): Promise<FileLock | undefined> {
    return later(() => this.#lock(path, mode, note));
  }

  #lock(path: string, mode: number, note: string): FileLock | undefined {
    return this.#call("lock", path, () => {
      if (this.#disk.isDirectory(path)) throw failure("EISDIR", path);
      this.#disk.directory(split(path)[0]);
      const found = this.#disk.find(path);
      if (found !== undefined) this.#assertMayOpen(path, found, "both");
      if (found !== undefined && this.#locked.get(path) === found) return;
      const before = found === undefined
        ? NOTHING
        : this.#disk.file(found).live;
      const verdict = this.#judgeLockFile(found);
      if (verdict === "EMLINK" || verdict === "EFTYPE") {
        throw failure(verdict, path);
      }
      if (verdict === "replace") this.unlink(path);
      if (this.#disk.find(path) === undefined) {
        this.#disk.place(path, durableFile(NOTHING, this.#rights(mode)));
      }
      const node = this.#disk.need(path);
      this.#locked.set(path, node);
      const write = (note: string) => {
        const content = new TextEncoder().encode(note);
        this.#disk.replaceFile(
          node,
          ({ rights }) => durableFile(content, rights),
        );
        return note;
      };
      const leave = (note: string) =>
        later(() =>
          this.#call("write", path, () => void (lock.note = write(note)))
        );
      const isCurrent = () => this.#disk.find(path) === node;
      const lock = {
        note: write(keepLog(before, note)),
        leave,
        isCurrent: () => later(isCurrent),
        blocking: { isCurrent },
        close: () => {
          if (this.#locked.get(path) === node) this.#locked.delete(path);
          return Promise.resolve();
        },
      };
      return lock;
    });
  }

  /** Tells of each change, as {@linkcode FileSystem.watch} says, and misses none. */
  watch(directory: string, signal: AbortSignal): AsyncIterable<void> {
    return this.#disk.watch(directory, signal);
  }

  /** Tells how much of the capacity is left, as {@linkcode FileSystem.freeBytes} says. */
  freeBytes(path: string): Promise<number> {
    return later(() =>
      this.#call("freeBytes", path, () => {
        if (!this.#disk.isDirectory(path)) this.#disk.need(path);
        return this.#free;
      })
    );
  }

  get #free(): number {
    const { capacityBytes } = this;
    if (capacityBytes === Infinity) return capacityBytes;
    return Math.max(0, capacityBytes - this.#disk.usedBytes);
  }

  #judgeLockFile(node: number | undefined): ReturnType<typeof judgeLockFile> {
    if (node === undefined) return "take";
    return judgeLockFile(this.#disk.file(node).live, this.#statOf(node).links);
  }

  #handle(node: number, path: string, access: "read" | "append"): FileHandle {
    return memoryHandle({
      disk: this.#disk,
      node,
      access,
      path,
      free: () => this.#free,
      stat: () => this.#statOf(node),
      own: (like) => this.#own(node, like),
      call: (operation, effect, onFault) =>
        this.#call(operation, path, effect, onFault),
    });
  }

  #own(node: number, { uid, gid, mode }: FileStat): void {
    const { user } = this;
    if (user === undefined) return;
    this.#disk.replaceFile(node, (file) => {
      const like = { ...file.rights, uid: uid!, gid: gid!, mode: mode! };
      return { ...file, rights: ownedLike(user, file.rights, like) };
    });
  }

  /** Makes one call. */
  #call<T>(
    operation: FileSystemCall["operation"],
    path: string,
    effect: () => T,
    onFault?: (fault: Fault) => void,
  ): T {
    const call = { index: ++this.#calls, operation, path };
    const changes = this.#disk.changes;
    try {
      const fault = this.hooks.before?.(call);
      if (fault === undefined) return effect();
      onFault?.(fault);
      throw failure(fault.code, path);
    } finally {
      if (this.#disk.changes !== changes) this.hooks.after?.(call);
    }
  }

  #statOf(node: number): FileStat {
    const { live, rights } = this.#disk.file(node);
    return {
      kind: "file",
      sizeBytes: live.length,
      identity: String(node),
      ...(this.user && { links: this.#disk.links(node), ...rights }),
    };
  }
}
