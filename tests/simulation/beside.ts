import type {
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "@mini/state/store";
import { DIR, type Process } from "./process.ts";

/** A file that another process has open, and where it has got to. */
interface Opened {
  file: FileHandle;
  process: Process;
  position: number;
}

/**
 * The disk as another process sees it, beside the one that writes: it outlives
 * that one, whose faults do not reach it, until it takes over itself.
 */
export class Beside implements FileSystem {
  #process: Process;
  #moved = new AbortController();
  /** Whether it is in the place of the process that writes, with its faults and its end. */
  isWriter = false;

  constructor(process: Process) {
    this.#process = process;
  }

  /** Sees what the next process does with the disk that the last one has left. */
  moveTo(process: Process): void {
    this.#process = process;
    this.isWriter = false;
    this.#moved.abort();
    this.#moved = new AbortController();
  }

  #call<T>(call: (fs: FileSystem) => T): T {
    const process = this.#process;
    return this.isWriter
      ? call(process.fs)
      : process.beside(() => call(process.fs));
  }

  async open(path: string, access: "read" | "append"): Promise<FileHandle> {
    const file = await this.#call((fs) => fs.open(path, access));
    return this.isWriter ? file : await this.#reading(file);
  }

  /** A file stays open whichever process writes it, and whatever its name is. */
  async #reading(file: FileHandle): Promise<FileHandle> {
    const opened: Opened = { file, process: this.#process, position: 0 };
    const { identity } = await this.#on(opened, () => file.stat());
    const call = async <T>(call: (file: FileHandle) => Promise<T>) => {
      await this.#follow(opened, identity);
      return await this.#on(opened, () => call(opened.file));
    };
    const refuse = () => Promise.reject(new Error("it only reads"));
    return {
      read: async (into) => {
        const count = await call((file) => file.read(into));
        opened.position += count;
        return count;
      },
      seek: async (offset) => {
        await call((file) => file.seek(offset));
        opened.position = offset;
      },
      stat: () => call((file) => file.stat()),
      close: () => call((file) => file.close()),
      write: refuse,
      sync: refuse,
      truncate: refuse,
    };
  }

  #on<T>({ process }: Opened, call: () => T): T {
    return process.beside(call);
  }

  /** Finds the file on the disk of the process that writes now; one without a name stays as it was. */
  async #follow(opened: Opened, identity: string): Promise<void> {
    const process = this.#process;
    if (opened.process === process) return;
    const { fs } = process;
    for (const name of fs.names(DIR)) {
      const path = `${DIR}/${name}`;
      const found = await process.beside(() => fs.stat(path));
      if (found?.identity !== identity) continue;
      opened.file = await process.beside(() => fs.open(path, "read"));
      opened.process = process;
      await process.beside(() => opened.file.seek(opened.position));
      return;
    }
  }

  async *watch(directory: string, signal: AbortSignal): AsyncIterable<void> {
    while (!signal.aborted) {
      const either = AbortSignal.any([signal, this.#moved.signal]);
      yield* this.#process.fs.watch(directory, either);
      yield;
    }
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#call((fs) => fs.stat(path));
  }

  list(directory: string): Promise<string[]> {
    return this.#call((fs) => fs.list(directory));
  }

  create(path: string, mode: number): Promise<FileHandle> {
    return this.#call((fs) => fs.create(path, mode));
  }

  createDirectory(path: string, mode: number): Promise<void> {
    return this.#call((fs) => fs.createDirectory(path, mode));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call((fs) => fs.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#call((fs) => fs.remove(path));
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#call((fs) => fs.syncDirectory(directory));
  }

  lock(
    path: string,
    mode: number,
    note: string,
  ): Promise<FileLock | undefined> {
    return this.#call((fs) => fs.lock(path, mode, note));
  }
}
