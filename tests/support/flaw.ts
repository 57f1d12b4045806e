import type { FileHandle, FileSystem } from "@mini/state/store";
import {
  crashStates,
  type FileSystemFixture,
  MemoryFileSystem,
} from "@mini/state/testing";

/** One way for a file system to be wrong, and the rules that it breaks. */
export interface Flaw {
  readonly what: string;
  readonly breaks: readonly string[];
  readonly of?: (fs: MemoryFileSystem) => Partial<FileSystem>;
  readonly handles?: (
    file: FileHandle,
    fs: MemoryFileSystem,
    path: string,
  ) => Partial<FileHandle>;
  readonly fixture?: (fs: MemoryFileSystem) => Partial<FileSystemFixture>;
}

/** A file system with a flaw, for one check. */
export function broken({ of, handles, fixture }: Flaw): FileSystemFixture {
  const memory = new MemoryFileSystem();
  const flawedFile = (path: string, file: FileHandle) => ({
    ...file,
    ...handles?.(file, memory, path),
  });
  const flawed = async (path: string, opened: Promise<FileHandle>) =>
    flawedFile(path, await opened);
  const fs: FileSystem = {
    open: (path, access) => flawed(path, memory.open(path, access)),
    create: (path, mode) => flawed(path, memory.create(path, mode)),
    stat: (path) => memory.stat(path),
    list: (path) => memory.list(path),
    entries: (path) => memory.entries(path),
    createDirectory: (path, mode) => memory.createDirectory(path, mode),
    rename: (from, to) => memory.rename(from, to),
    remove: (path) => memory.remove(path),
    syncDirectory: (path) => memory.syncDirectory(path),
    lock: (path, mode, note) => memory.lock(path, mode, note),
    watch: (path, signal) => memory.watch(path, signal),
    freeBytes: (path) => memory.freeBytes(path),
    blocking: {
      ...memory.blocking,
      create: (path, mode) =>
        flawedFile(path, memory.blocking.create(path, mode)),
    },
    ...of?.(memory),
  };
  return { ...inMemory(memory), fs, ...fixture?.(memory) };
}

/** A file system in memory, for one check. */
export function inMemory(
  fs: MemoryFileSystem = new MemoryFileSystem(),
): FileSystemFixture {
  return {
    fs,
    directory: "/",
    link: (existing: string, path: string) => fs.link(existing, path),
    cutPower: () => {
      // The first of the states has lost everything that was not durable.
      const [left] = crashStates(fs.snapshot());
      return left!.fs;
    },
  };
}

/** A text as bytes. */
export function some(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The directory of a path. */
export function above(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
