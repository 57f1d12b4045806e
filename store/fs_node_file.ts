import {
  type BigIntStats,
  close,
  constants,
  fstatSync,
  fsync,
  ftruncate,
  lstatSync,
  open,
  read,
  write,
  writeSync,
} from "node:fs";
import type { FileHandle, FileStat } from "./fs.ts";
import { codeOf, failure, run } from "./node_errors.ts";

/** Up to this size a write goes into the page cache quicker than a thread is woken. */
const QUICK_WRITE_BYTES = 64 * 1024;

/** Windows has no such flag; there, looking before and comparing after has to do. */
export const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;

/** Calls of the system, by a file's number. */
interface Calls {
  open(path: string, flags: number | string, mode?: number): Promise<number>;
  close(file: number): Promise<void>;
  read(file: number, into: Uint8Array<ArrayBuffer>): Promise<number>;
  write(file: number, bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  sync(file: number): Promise<void>;
  truncate(file: number, sizeBytes: number): Promise<void>;
}

/**
 * The calls on open files. Not those of Node's `FileHandle`: one that nobody
 * holds any more is closed by the garbage collector, and a log that somebody
 * has left open would lose its lock.
 */
export const files: Calls = {
  open: (path, flags, mode) => call((done) => open(path, flags, mode, done)),
  close: (file) => call((done) => close(file, done)),
  read: (file, into) =>
    call((done) => read(file, into, 0, into.length, null, done)),
  write: (file, bytes) => call((done) => write(file, bytes, done)),
  sync: (file) => call((done) => fsync(file, done)),
  truncate: (file, sizeBytes) =>
    call((done) => ftruncate(file, sizeBytes, done)),
};

function call<T = void>(
  start: (done: (error: Error | null, result?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) =>
    start((error, result) => error ? reject(error) : resolve(result as T))
  );
}

/** An open file of Node as the store wants it. */
export class NodeFileHandle implements FileHandle {
  readonly #file: number;

  /** Takes over an open file, by its number. */
  constructor(file: number) {
    this.#file = file;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    return run(() => files.read(this.#file, into));
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // The system may take fewer bytes than it is given.
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.subarray(done);
      const written = await run(() =>
        rest.length <= QUICK_WRITE_BYTES
          ? writeSync(this.#file, rest)
          : files.write(this.#file, rest)
      );
      if (written === 0) throw failure("EIO", "the system takes no more bytes");
      done += written;
    }
  }

  sync(): Promise<void> {
    return run(() => files.sync(this.#file));
  }

  truncate(sizeBytes: number): Promise<void> {
    return run(() => files.truncate(this.#file, sizeBytes));
  }

  stat(): Promise<FileStat> {
    return run(() => statOpen(this.#file));
  }

  close(): Promise<void> {
    return run(() => files.close(this.#file));
  }
}

/** Looks before opening, compares after, and again where a rename came between: `open` takes directories too. */
export async function openWithoutFollowing(
  path: string,
  flags: number,
): Promise<number> {
  for (;;) {
    const found = statPath(path);
    if (found?.kind === "symlink") throw failure("ELOOP", path);
    if (found?.kind === "directory") throw failure("EISDIR", path);
    const file = await files.open(path, flags | NO_FOLLOW);
    if (statOpen(file).identity === found?.identity) return file;
    await files.close(file);
  }
}

/** Describes what has a name. Synchronous: a stat is a few microseconds, and a trip to the thread pool twenty times that. */
export function statPath(path: string): FileStat | undefined {
  try {
    return toStat(lstatSync(path, { bigint: true }));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Describes an open file. */
export function statOpen(file: number): FileStat {
  return toStat(fstatSync(file, { bigint: true }));
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
  };
}
