import {
  denoFileSystem,
  type FileHandle,
  type FileSystem,
} from "@mini/state/store";

/** The real file system, with its fsyncs of files counted. */
export function countingSyncs(): { fs: FileSystem; syncs: () => number } {
  let count = 0;
  const counted = async (opened: Promise<FileHandle>) => {
    const file = await opened;
    const sync = file.sync.bind(file);
    file.sync = () => (count++, sync());
    return file;
  };
  const fs: FileSystem = {
    ...denoFileSystem,
    open: (path, access) => counted(denoFileSystem.open(path, access)),
    create: (path, permissions) =>
      counted(denoFileSystem.create(path, permissions)),
  };
  return { fs, syncs: () => count };
}
