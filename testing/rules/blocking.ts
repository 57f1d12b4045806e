import type {
  BlockingFileSystem,
  FileHandle,
  FileSystem,
} from "../../fs/file_system.ts";
import { later } from "../memory/handle.ts";
import { DURABILITY_RULES } from "./durability.ts";
import type { FileSystemRule } from "./file_system_trial.ts";
import { FILE_RULES } from "./files.ts";
import { LOCK_RULES } from "./locks.ts";
import { NAME_RULES } from "./names.ts";

/** The rules of what the synchronous half has too. */
const SHARED =
  /^(create|stat|rename|remove|syncDirectory|write|sync|truncate|own|isCurrent)\(\)|^a handle/;

/** The rules of the synchronous half: those of the other, kept where its calls are made in place of the others. */
export const BLOCKING_RULES: readonly FileSystemRule[] = [
  ...FILE_RULES,
  ...NAME_RULES,
  ...LOCK_RULES,
  ...DURABILITY_RULES,
].filter(([name]) => SHARED.test(name)).map(([name, test]) => [
  `blocking: ${name}`,
  async (t) => {
    const { fs } = t.fixture;
    if (fs.blocking === undefined) {
      return t.skip("the file system has no synchronous half");
    }
    t.use(throughBlocking(fs, fs.blocking));
    await test(t);
  },
]);

/** A file system that makes the calls of its synchronous half. */
function throughBlocking(
  fs: FileSystem,
  blocking: BlockingFileSystem,
): FileSystem {
  return {
    open: async (path, access) => blockingHandle(await fs.open(path, access)),
    create: (path, mode) =>
      later(() => blockingHandle(blocking.create(path, mode))),
    stat: (path) => later(() => blocking.stat(path)),
    list: (directory) => fs.list(directory),
    createDirectory: (path, mode) => fs.createDirectory(path, mode),
    rename: (from, to) => later(() => blocking.rename(from, to)),
    remove: (path) => later(() => blocking.remove(path)),
    syncDirectory: (directory) =>
      later(() => blocking.syncDirectory(directory)),
    lock: async (path, mode, note) => {
      const lock = await fs.lock(path, mode, note);
      if (lock === undefined) return undefined;
      return {
        note: lock.note,
        leave: (note) => lock.leave(note),
        isCurrent: () => later(() => lock.blocking!.isCurrent()),
        close: () => lock.close(),
      };
    },
  };
}

function blockingHandle(file: FileHandle): FileHandle {
  const calls = file.blocking!;
  return {
    read: (into) => file.read(into),
    seek: (offset) => file.seek(offset),
    write: (bytes) => later(() => calls.write(bytes)),
    sync: () => later(() => calls.sync()),
    truncate: (sizeBytes) => later(() => calls.truncate(sizeBytes)),
    stat: () => later(() => calls.stat()),
    ...(calls.own && { own: (like) => later(() => calls.own!(like)) }),
    close: () => later(() => calls.close()),
  };
}
