import { onAbort } from "../base/abort.ts";
import type { FileStat, FileSystem } from "./file_system.ts";
import { failure } from "./runtime/errno.ts";
import { freeBytes } from "./runtime/free.ts";
import { ownNamed } from "./runtime/own.ts";
import type { SystemCalls } from "./runtime/calls.ts";
import { fileSystemOver } from "./runtime/file_system.ts";

const denoCalls: SystemCalls<Deno.FsFile> = {
  isBlocking: true,
  open: (path, access) => Deno.open(path, accessOf(access)),
  create: (path, mode, access) =>
    Deno.open(path, { ...accessOf(access), createNew: true, mode }),
  createSync: (path, mode) =>
    Deno.openSync(path, { append: true, createNew: true, mode }),
  // deno-lint-ignore require-await -- what is thrown must reject
  openDirectory: async (path) =>
    // deno-coverage-ignore -- Windows only
    Deno.build.os === "windows" ? undefined : Deno.open(path),
  openDirectorySync: (path) =>
    // deno-coverage-ignore -- Windows only
    Deno.build.os === "windows" ? undefined : Deno.openSync(path),
  close: (file) => file.close(),
  lstat: (path) => toStat(Deno.lstatSync(path)),
  fstat: (file) => toStat(file.statSync()),
  async *entries(directory) {
    for await (const { name } of Deno.readDir(directory)) yield name;
  },
  mkdir: (path, mode) => Deno.mkdir(path, { mode }),
  rename: (from, to) => Deno.rename(from, to),
  renameSync: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.remove(path),
  removeSync: (path) => Deno.removeSync(path),
  read: async (file, into, offset) => {
    file.seekSync(offset, Deno.SeekMode.Start);
    return await file.read(into) ?? 0;
  },
  write: (file, bytes) => file.write(bytes),
  writeSync: (file, bytes) => file.writeSync(bytes),
  overwrite: async (file, bytes) => {
    await file.seek(0, Deno.SeekMode.Start);
    await file.write(bytes);
  },
  sync: (file) => file.sync(),
  syncSync: (file) => file.syncSync(),
  truncate: (file, sizeBytes) => file.truncate(sizeBytes),
  truncateSync: (file, sizeBytes) => file.truncateSync(sizeBytes),
  own: (file, path, like) => ownNamed(path, file.statSync(), like),
  // A child that another thread is starting has the file too for a moment: closing alone would not free it.
  lock: async (file) =>
    await file.tryLock(true) ? () => file.unlock() : undefined,
  async *watch(directory, signal) {
    const watcher = Deno.watchFs(directory, { recursive: false });
    const close = () => watcher[Symbol.dispose]();
    const letGo = onAbort(signal, close);
    if (signal.aborted) close();
    try {
      for await (const { kind } of watcher) {
        // Opening a file is such an event, also for a reader.
        if (kind !== "access") yield;
      }
    } finally {
      letGo();
      close();
    }
  },
  async freeBytes(path) {
    // Without a permission that is missing the call would ask for it.
    const needed = [{ name: "sys", kind: "statfs" }, { name: "read", path }];
    for (const what of needed as Deno.PermissionDescriptor[]) {
      if (isGranted(what)) continue;
      throw failure(
        "ENOTCAPABLE",
        `Requires ${what.name} access: run again with --allow-sys=statfs --allow-read=${path}`,
      );
    }
    return await freeBytes(path);
  },
};

function isGranted(what: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(what).state === "granted";
}

/** The {@linkcode FileSystem} of Deno. Durability is `Deno.FsFile.sync()`. */
export const denoFileSystem: FileSystem = fileSystemOver(denoCalls);

function accessOf(access: "read" | "append" | "lock"): Deno.OpenOptions {
  return access === "lock" ? { read: true, write: true } : { [access]: true };
}

function toStat(info: Deno.FileInfo): FileStat {
  const { dev, ino, size, isFile, isDirectory, isSymlink } = info;
  return {
    kind: isSymlink
      ? "symlink"
      : isFile
      ? "file"
      : isDirectory
      ? "directory"
      : "other",
    sizeBytes: size,
    // deno-coverage-ignore -- only Windows has files without such a number
    identity: ino === null ? "" : `${dev}:${ino}`,
    ...rightsOf(info),
  };
}

/** Who may do what; empty on Windows, which does not tell. */
function rightsOf(
  { nlink, uid, gid, mode }: Deno.FileInfo,
): Pick<FileStat, "links" | "uid" | "gid" | "mode"> {
  // deno-coverage-ignore -- Windows only
  if (uid === null) return {};
  return { links: nlink!, uid, gid: gid!, mode: mode! & 0o777 };
}

/**
 * For how many milliseconds the machine has been up, including the time that it
 * was suspended; `undefined` without the permission, which nobody is asked for.
 */
export function uptimeMs(): number | undefined {
  return isGranted({ name: "sys", kind: "osUptime" })
    ? 1_000 * Deno.osUptime()
    : undefined;
}
