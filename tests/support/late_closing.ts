import { setImmediate } from "node:timers";
import type { FileHandle, FileLock, FileSystem } from "@mini/state/store";

/** A file system whose files and locks close in a later turn of the event loop, as those of the system do: what nobody waits for is seen to be open. */
export class LateClosing {
  readonly fs: FileSystem;
  readonly #open = new Map<object, string>();
  readonly #turns: (close: number) => number;
  #closes = 0;

  /** @param turns The turns that a close takes, by its number, from 1. */
  constructor(fs: FileSystem, turns: (close: number) => number = () => 1) {
    this.#turns = turns;
    this.fs = {
      open: async (...args) => this.#late(args[0], await fs.open(...args)),
      create: async (...args) => this.#late(args[0], await fs.create(...args)),
      stat: (path) => fs.stat(path),
      list: (directory) => fs.list(directory),
      createDirectory: (path, mode) => fs.createDirectory(path, mode),
      rename: (from, to) => fs.rename(from, to),
      remove: (path) => fs.remove(path),
      syncDirectory: (directory) => fs.syncDirectory(directory),
      lock: async (...args) => {
        const lock = await fs.lock(...args);
        return lock && this.#late(args[0], lock);
      },
    };
  }

  /** The paths of the files and locks that are open. */
  get open(): string[] {
    return [...this.#open.values()];
  }

  #late<F extends FileHandle | FileLock>(path: string, file: F): F {
    this.#open.set(file, path);
    return new Proxy(file, {
      get: (_, name) => {
        if (name === "blocking") return undefined;
        if (name === "close") return () => this.#close(file);
        const member = Reflect.get(file, name, file);
        return typeof member === "function" ? member.bind(file) : member;
      },
    });
  }

  async #close(file: FileHandle | FileLock): Promise<void> {
    for (let left = this.#turns(++this.#closes); left > 0; left--) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#open.delete(file);
    await file.close();
  }
}

/** A signal, and the number of those that listen to it. */
export function countedSignal(): { signal: AbortSignal; count: () => number } {
  const { signal } = new AbortController();
  let count = 0;
  for (
    const [name, by] of [
      ["addEventListener", 1],
      ["removeEventListener", -1],
    ] as const
  ) {
    const original = signal[name] as (...args: unknown[]) => void;
    signal[name] = (...args: unknown[]) => {
      count += by;
      original.apply(signal, args);
    };
  }
  return { signal, count: () => count };
}
