import type { FileHandle, FileSystem } from "../fs/file_system.ts";

/** The options that every function takes. */
export interface AdminOptions {
  /** The file system. */
  readonly fs: FileSystem;
  /** The name of the journal in a directory. @default {"journal.jsonl"} */
  readonly journal?: string;
  /** The `maxRecordBytes` of the program that wrote the journal. @default {16777216} */
  readonly maxRecordBytes?: number;
}

/** A counter of bytes. */
export interface Counter {
  add(bytes: number): void;
}

/** A file system of which every byte read is counted. */
export function counted(fs: FileSystem, progress: Counter): FileSystem {
  return {
    open: async (path, access) =>
      countedFile(await fs.open(path, access), progress),
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => fs.stat(path),
    list: (directory) => fs.list(directory),
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    lock: (path, mode, note) => fs.lock(path, mode, note),
  };
}

function countedFile(file: FileHandle, progress: Counter): FileHandle {
  return {
    read: async (into) => {
      const bytes = await file.read(into);
      progress.add(bytes);
      return bytes;
    },
    seek: (offset) => file.seek(offset),
    write: (bytes) => file.write(bytes),
    sync: () => file.sync(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    stat: () => file.stat(),
    ...(file.own && { own: (like) => file.own!(like) }),
    close: () => file.close(),
  };
}
