import { dirname } from "@std/path";
import { collect } from "../../base/collect.ts";
import { failure, isRefused, isSandboxed, run, withCode } from "./errno.ts";
import type { FileHandle, FileStat, FileSystem } from "../file_system.ts";
import { openRegular, statPath } from "./open_regular.ts";
import { giveDirectory } from "./own.ts";
import type { SystemCalls } from "./calls.ts";
import { takeLock } from "./lock.ts";

/** Up to this size a write goes into the page cache more quickly than a thread wakes. */
const QUICK_WRITE_BYTES = 64 * 1024;

/** Makes a file system of the calls of a runtime. */
export function fileSystemOver<File>(calls: SystemCalls<File>): FileSystem {
  return {
    open: (path, access) =>
      run(async () => {
        const file = await openRegular(calls, path, access);
        return new SystemFile(calls, file, path);
      }),
    create: (path, mode) =>
      run(async () => {
        const file = await calls.create(path, mode, "append");
        return new SystemFile(calls, file, path);
      }),
    stat: (path) => run(() => statPath(calls, path)),
    list: (directory) => run(() => collect(calls.entries(directory))),
    entries: (directory) => entriesOf(calls, directory),
    createDirectory: (path, mode) =>
      run(() => createDirectory(calls, path, mode)),
    rename: (from, to) => run(() => calls.rename(from, to)),
    remove: (path) => run(() => calls.remove(path)),
    syncDirectory: (directory) => run(() => syncDirectory(calls, directory)),
    lock: (path, mode, note) => run(() => takeLock(calls, path, mode, note)),
    watch: (directory, signal) => calls.watch(directory, signal),
    freeBytes: (path) => run(() => calls.freeBytes(path)),
  };
}

async function* entriesOf<File>(
  calls: SystemCalls<File>,
  directory: string,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* calls.entries(directory);
  } catch (error) {
    throw withCode(error);
  }
}

class SystemFile<File> implements FileHandle {
  readonly #calls: SystemCalls<File>;
  readonly #file: File;
  readonly #path: string;
  /** Where the next read starts. */
  #offset = 0;

  constructor(calls: SystemCalls<File>, file: File, path: string) {
    this.#calls = calls;
    this.#file = file;
    this.#path = path;
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await run(() =>
      this.#calls.read(this.#file, into, this.#offset)
    );
    this.#offset += count;
    return count;
  }

  // deno-lint-ignore require-await -- the seam is asynchronous
  async seek(offset: number): Promise<void> {
    this.#offset = offset;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // The system may take fewer bytes than it is given.
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.subarray(done);
      const written = await run(() =>
        rest.length <= QUICK_WRITE_BYTES
          ? this.#calls.writeSync(this.#file, rest)
          : this.#calls.write(this.#file, rest)
      );
      if (written === 0) throw failure("EIO", "the system wrote no bytes");
      done += written;
    }
  }

  sync(): Promise<void> {
    return run(() => this.#calls.sync(this.#file));
  }

  truncate(sizeBytes: number): Promise<void> {
    return run(() => this.#calls.truncate(this.#file, sizeBytes));
  }

  stat(): Promise<FileStat> {
    return run(() => this.#calls.fstat(this.#file));
  }

  own(like: FileStat): Promise<void> {
    return run(() => this.#calls.own(this.#file, this.#path, like));
  }

  close(): Promise<void> {
    return run(() => this.#calls.close(this.#file));
  }
}

/** Creates directories one by one: a recursive `mkdir` of Node 20 never ends where the system makes none, as in `/proc`. */
async function createDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<void> {
  const missing: string[] = [];
  for (
    let at = path;
    at !== dirname(at) && isMissing(calls, at);
    at = dirname(at)
  ) {
    missing.unshift(at);
  }
  for (const directory of missing) {
    const above = dirname(directory);
    await makeDirectory(calls, directory, mode);
    try {
      giveDirectory(
        directory,
        statPath(calls, directory),
        statPath(calls, above),
      );
      await syncDirectory(calls, above);
    } catch (error) {
      // A sandbox that ends at the directory lets nobody open the one above, and neither does one that this user may not list.
      if (!isRefused(error)) throw error;
    }
  }
}

/** Creates a directory, unless somebody else has done so meanwhile. */
async function makeDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<void> {
  try {
    await calls.mkdir(path, mode);
  } catch (error) {
    if (statPath(calls, path)?.kind !== "directory") throw error;
  }
}

/** Whether a directory is missing. One that the sandbox does not show is above it, and exists. */
function isMissing<File>(calls: SystemCalls<File>, path: string): boolean {
  try {
    const found = statPath(calls, path);
    if (found?.kind === "file") throw failure("ENOTDIR", path);
    return found === undefined;
  } catch (error) {
    if (isSandboxed(error)) return false;
    throw error;
  }
}

async function syncDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
): Promise<void> {
  const directory = await calls.openDirectory(path);
  // deno-coverage-ignore -- Windows only
  if (directory === undefined) return;
  try {
    await calls.sync(directory);
  } finally {
    await calls.close(directory);
  }
}
