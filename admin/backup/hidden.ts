import { basename } from "@std/path";
import type { FileSystem } from "../../fs/file_system.ts";
import type { JournalPaths } from "../../store/internal.ts";

/** The name under which the active segment of a copy is made: a file that opening refuses has its own. */
export function pendingOf({ active }: JournalPaths): string {
  return `${active}.pending`;
}

/** The directory of a copy as it will be: the pending segment has its own name, and the file that stands in its place is not there. */
export function asPlaced(fs: FileSystem, paths: JournalPaths): FileSystem {
  const { active } = paths;
  const pending = pendingOf(paths);
  const at = (path: string) => path === active ? pending : path;
  return {
    open: (path, access) => fs.open(at(path), access),
    create: (path, mode) => fs.create(at(path), mode),
    stat: (path) => fs.stat(at(path)),
    list: async (directory) => {
      const names = await fs.list(directory);
      return names.filter((name) => name !== basename(active))
        .map((name) => name === basename(pending) ? basename(active) : name);
    },
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => fs.rename(at(from), at(to)),
    remove: (path) => fs.remove(at(path)),
    syncDirectory: (directory) => fs.syncDirectory(directory),
    lock: (path, mode, note) => fs.lock(path, mode, note),
  };
}
