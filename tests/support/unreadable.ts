import type { FileHandle, FileSystem } from "@mini/state/store";

/** A file system that cannot read some ranges of a file: a read that reaches one fails as a whole. */
export function unreadable(
  fs: FileSystem,
  bad: string,
  ranges: readonly (readonly [offset: number, sizeBytes: number])[],
): FileSystem {
  const failing = (file: FileHandle): FileHandle => {
    let position = 0;
    return {
      read: async (into) => {
        const isBad = ranges.some(([offset, sizeBytes]) =>
          position < offset + sizeBytes && position + into.length > offset
        );
        if (isBad) {
          throw Object.assign(new Error(`EIO: ${bad}`), { code: "EIO" });
        }
        const count = await file.read(into);
        position += count;
        return count;
      },
      seek: async (offset) => {
        await file.seek(offset);
        position = offset;
      },
      write: (bytes) => file.write(bytes),
      sync: () => file.sync(),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      stat: () => file.stat(),
      close: () => file.close(),
    };
  };
  return {
    open: async (path, access) => {
      const file = await fs.open(path, access);
      return path === bad ? failing(file) : file;
    },
    create: (path, mode) => fs.create(path, mode),
    stat: (path) => fs.stat(path),
    list: (path) => fs.list(path),
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: (path, mode, note) => fs.lock(path, mode, note),
  };
}
