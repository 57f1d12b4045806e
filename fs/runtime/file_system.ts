import { dirname } from "@std/path";
import { collect } from "../../base/collect.ts";
import {
  failure,
  isRefused,
  isSandboxed,
  run,
  runSync,
  withCode,
} from "./errno.ts";
import type {
  BlockingFileSystem,
  FileHandle,
  FileSystem,
} from "../file_system.ts";
import { openRegular, statPath } from "./open_regular.ts";
import { giveDirectory } from "./own.ts";
import type { SystemCalls } from "./calls.ts";
import { takeLock } from "./lock.ts";
import { closeAtOnce, SystemFile } from "./system_file.ts";

/** Makes a file system of the calls of a runtime. */
export function fileSystemOver<File>(calls: SystemCalls<File>): FileSystem {
  return {
    open: (path, access) =>
      run(async () => {
        const file = await openRegular(calls, path, access);
        return new SystemFile(calls, file, path);
      }),
    create: (path, mode) =>
      run(async () => {
        const file = await calls.create(path, mode, "append");
        return new SystemFile(calls, file, path);
      }),
    stat: (path) => run(() => statPath(calls, path)),
    list: (directory) => run(() => collect(calls.entries(directory))),
    entries: (directory) => entriesOf(calls, directory),
    createDirectory: (path, mode) =>
      run(() => createDirectory(calls, path, mode)),
    rename: (from, to) => run(() => calls.rename(from, to)),
    remove: (path) => run(() => calls.remove(path)),
    syncDirectory: (directory) => run(() => syncDirectory(calls, directory)),
    lock: (path, mode, note) => run(() => takeLock(calls, path, mode, note)),
    watch: (directory, signal) => calls.watch(directory, signal),
    freeBytes: (path) => run(() => calls.freeBytes(path)),
    // deno-coverage-ignore -- Node's permission model only
    ...(calls.isBlocking && { blocking: blockingOver(calls) }),
  };
}

function blockingOver<File>(calls: SystemCalls<File>): BlockingFileSystem {
  return {
    create: (path, mode): FileHandle =>
      runSync(() => new SystemFile(calls, calls.createSync(path, mode), path)),
    stat: (path) => runSync(() => statPath(calls, path)),
    rename: (from, to) => runSync(() => calls.renameSync(from, to)),
    remove: (path) => runSync(() => calls.removeSync(path)),
    syncDirectory: (directory) =>
      runSync(() => {
        const open = calls.openDirectorySync(directory);
        // deno-coverage-ignore -- Windows only
        if (open === undefined) return;
        try {
          calls.syncSync(open);
        } finally {
          closeAtOnce(calls, open);
        }
      }),
  };
}

async function* entriesOf<File>(
  calls: SystemCalls<File>,
  directory: string,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* calls.entries(directory);
  } catch (error) {
    throw withCode(error);
  }
}

/** Creates directories one by one: a recursive `mkdir` of Node 20 never ends where the system makes none, as in `/proc`. */
async function createDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<void> {
  const missing: string[] = [];
  for (
    let at = path;
    at !== dirname(at) && isMissing(calls, at);
    at = dirname(at)
  ) {
    missing.unshift(at);
  }
  for (const directory of missing) {
    const above = dirname(directory);
    await makeDirectory(calls, directory, mode);
    try {
      giveDirectory(
        directory,
        statPath(calls, directory),
        statPath(calls, above),
      );
      await syncDirectory(calls, above);
    } catch (error) {
      // A sandbox that ends at the directory lets nobody open the one above, and neither does one that this user may not list.
      if (!isRefused(error)) throw error;
    }
  }
}

/** Creates a directory, unless somebody else has done so meanwhile. */
async function makeDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<void> {
  try {
    await calls.mkdir(path, mode);
  } catch (error) {
    if (statPath(calls, path)?.kind !== "directory") throw error;
  }
}

/** Whether a directory is missing. One that the sandbox does not show is above it, and exists. */
function isMissing<File>(calls: SystemCalls<File>, path: string): boolean {
  try {
    const found = statPath(calls, path);
    if (found?.kind === "file") throw failure("ENOTDIR", path);
    return found === undefined;
  } catch (error) {
    if (isSandboxed(error)) return false;
    throw error;
  }
}

async function syncDirectory<File>(
  calls: SystemCalls<File>,
  path: string,
): Promise<void> {
  const directory = await calls.openDirectory(path);
  // deno-coverage-ignore -- Windows only
  if (directory === undefined) return;
  try {
    await calls.sync(directory);
  } finally {
    await calls.close(directory);
  }
}
