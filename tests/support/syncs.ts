import {
  type FileHandle,
  type FileSystem,
  systemFileSystem,
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
    ...systemFileSystem,
    open: (path, access) => counted(systemFileSystem.open(path, access)),
    create: (path, mode) => counted(systemFileSystem.create(path, mode)),
  };
  return { fs, syncs: () => count };
}

/** The paths of the files and directories that the system was asked to sync while a task ran, in order. */
export async function syncedPaths(
  task: () => unknown,
  synced: string[] = [],
): Promise<string[]> {
  const paths = new Map<Deno.FsFile, string>();
  const prototype = Deno.FsFile.prototype;
  const { sync, syncSync } = prototype;
  const { open, openSync } = Deno;
  const noted = (file: Deno.FsFile, path: string | URL) => {
    paths.set(file, String(path));
    return file;
  };
  Deno.open = async (path, options) => noted(await open(path, options), path);
  // deno-lint-ignore no-sync-fn-in-async-fn -- it is only replaced
  Deno.openSync = (path, options) => noted(openSync(path, options), path);
  prototype.sync = async function () {
    await sync.call(this);
    synced.push(paths.get(this) ?? "");
  };
  prototype.syncSync = function () {
    syncSync.call(this);
    synced.push(paths.get(this) ?? "");
  };
  try {
    await task();
    return synced;
  } finally {
    Object.assign(Deno, { open, openSync });
    Object.assign(prototype, { sync, syncSync });
  }
}
