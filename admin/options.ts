import {
  aFileSystem,
  aFunction,
  aName,
  aSignal,
  type Checks,
  countFrom,
} from "../base/checks.ts";
import { MiniError } from "../base/errors.ts";
import { fromOs, osCode } from "../fs/os_errors.ts";
import type { FileHandle, FileSystem } from "../fs/file_system.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";

/** The options that every function takes. */
export interface AdminOptions {
  /** The file system. @default the runtime's own */
  readonly fs?: FileSystem;
  /** The name of the journal, where a path is a directory. @default {"journal.jsonl"} */
  readonly journal?: string;
  /** The `maxRecordBytes` of the program that wrote the journal. @default {16777216} */
  readonly maxRecordBytes?: number;
  /** Stops the call at its next step; it rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Called for each block that was read, before the next is. If it throws, the call stops and rejects with that. */
  readonly onProgress?: (progress: AdminProgress) => void;
}

/** The checks of those options. */
export const ADMIN_CHECKS: Checks<AdminOptions> = {
  fs: aFileSystem,
  journal: aName,
  maxRecordBytes: countFrom(1),
  signal: aSignal,
  onProgress: aFunction,
};

/** The path that was given. Throws a `TypeError` for what is none. */
export function pathOf(given: string | URL): string {
  if (given instanceof URL) return absolutePath(given);
  const isPath = typeof given === "string" && given !== "" &&
    !given.includes("\0");
  if (isPath) return given;
  throw new TypeError(`${JSON.stringify(given)} is not a path`);
}

/** How far a call is. */
export interface AdminProgress {
  /** The step, as `"verifying"`. */
  readonly doing: string;
  /** The bytes that the step has read so far. */
  readonly doneBytes: number;
  /** The bytes that the step will read, about, and never less than `doneBytes`; 0 where that is not known. */
  readonly totalBytes: number;
}

/** One call: its options, and a file system that counts what is read and heeds the signal. */
export class AdminCall {
  readonly fs: FileSystem;
  readonly journal: string | undefined;
  readonly maxRecordBytes: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: AdminProgress) => void) | undefined;
  #doing = "reading";
  #doneBytes = 0;
  #totalBytes = 0;
  #thrown: { readonly error: unknown } | undefined;

  constructor(options: AdminOptions = {}) {
    const { fs = systemFileSystem, journal, maxRecordBytes } = options;
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
    this.fs = counted(fs, this);
    this.journal = journal;
    this.maxRecordBytes = maxRecordBytes;
  }

  /** Says what is done from here on, and how many bytes that will read; 0 where nobody knows. */
  begin(doing: string, totalBytes: number): void {
    this.#doing = doing;
    this.#doneBytes = 0;
    this.#totalBytes = totalBytes;
  }

  /**
   * Does the work; stopped by the signal or by `onProgress`, it rejects with the
   * reason of that, whatever was made of it on the way.
   *
   * @param place The deed and its place, for an error of the system that nothing was changed by.
   */
  async run<T>(
    work: () => Promise<T>,
    place?: { readonly doing: string; readonly path: string },
  ): Promise<T> {
    this.check();
    try {
      return await work();
    } catch (error) {
      this.check();
      const isOfSystem = osCode(error) !== undefined &&
        !(error instanceof MiniError);
      if (place === undefined || !isOfSystem) throw error;
      const { doing, path } = place;
      const after = "nothing was changed";
      throw fromOs(error, doing, after, { directory: path, path });
    }
  }

  /** The same for work that only reads: stopped before its end, it has no result. */
  async look<T>(
    doing: string,
    path: string,
    work: () => Promise<T>,
  ): Promise<T> {
    return await this.run(async () => {
      const found = await work();
      // The reason may have looked like a file that is not there.
      this.check();
      return found;
    }, { doing, path });
  }

  /** Throws the reason of the signal, or what `onProgress` has thrown, if there is any. */
  check(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
    this.#signal?.throwIfAborted();
  }

  /** Counts bytes that were read. */
  add(bytes: number): void {
    this.#doneBytes += bytes;
    try {
      this.#onProgress?.({
        doing: this.#doing,
        doneBytes: this.#doneBytes,
        // More than was reckoned with is read beside a writer, and of what is damaged.
        totalBytes: this.#totalBytes &&
          Math.max(this.#totalBytes, this.#doneBytes),
      });
    } catch (error) {
      this.#thrown ??= { error };
      throw error;
    }
  }
}

/** How a journal is found and read. */
export interface JournalOptions {
  readonly fs: FileSystem;
  readonly journal?: string | undefined;
  readonly maxRecordBytes?: number | undefined;
}

/** A counter of bytes, which may throw before more are read or written. */
export interface Counter {
  check?(): void;
  add(bytes: number): void;
}

/** A file system that stops where work begins or continues, and never where it is tidied up. */
export function counted(fs: FileSystem, call: Counter): FileSystem {
  return {
    open: async (path, access) => {
      call.check?.();
      return countedFile(await fs.open(path, access), call);
    },
    create: async (path, mode) => {
      call.check?.();
      return countedFile(await fs.create(path, mode), call);
    },
    stat: (path) => fs.stat(path),
    list: (directory) => fs.list(directory),
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    lock: (path, mode, note) => fs.lock(path, mode, note),
    ...(fs.freeBytes && { freeBytes: (path) => fs.freeBytes!(path) }),
  };
}

function countedFile(file: FileHandle, call: Counter): FileHandle {
  return {
    read: async (into) => {
      call.check?.();
      const bytes = await file.read(into);
      call.add(bytes);
      return bytes;
    },
    seek: (offset) => file.seek(offset),
    write: (bytes) => {
      call.check?.();
      return file.write(bytes);
    },
    sync: () => file.sync(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    stat: () => file.stat(),
    ...(file.own && { own: (like) => file.own!(like) }),
    close: () => file.close(),
  };
}
