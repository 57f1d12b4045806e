import {
  type FileHandle,
  type FileSystem,
  systemFileSystem,
} from "@mini/state/store";

/** Replaces the `sync` of every file that is opened or created. */
function withSync(
  replace: (sync: () => Promise<void>) => () => Promise<void>,
): FileSystem {
  const opened = async (opening: Promise<FileHandle>) => {
    const file = await opening;
    file.sync = replace(file.sync.bind(file));
    return file;
  };
  return {
    ...systemFileSystem,
    open: (path, access) => opened(systemFileSystem.open(path, access)),
    create: (path, mode) => opened(systemFileSystem.create(path, mode)),
  };
}

const late = new Set<Promise<void>>();

/** Waits for every `fsync` that nobody has waited for. */
export async function lateSyncs(): Promise<void> {
  await Promise.all(late);
}

/** Nothing waits for the disk: for a power that is not cut. */
export const UNSYNCED: FileSystem = {
  ...withSync(() => () => Promise.resolve()),
  syncDirectory: (): Promise<void> => Promise.resolve(),
};

/** The names of what file systems do. */
export type Lie =
  | "honest"
  | "no fsync of files"
  | "no fsync of directories"
  | "acknowledged before the fsync"
  | "no flush of the disk";

/** File systems on which what is acknowledged may be lost, and the one of the runtime. */
export const FILE_SYSTEMS: Readonly<Record<Lie, FileSystem>> = {
  honest: systemFileSystem,
  // The file system is mounted so that it gives the disk none.
  "no flush of the disk": systemFileSystem,
  "no fsync of files": withSync(() => () => Promise.resolve()),
  "no fsync of directories": {
    ...systemFileSystem,
    syncDirectory: () => Promise.resolve(),
  },
  "acknowledged before the fsync": withSync((sync) => () => {
    const ended = sync().catch(() => {}).finally(() => late.delete(ended));
    late.add(ended);
    return Promise.resolve();
  }),
};
