// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import { constants } from "node:fs";
import { mkdir, readdir, rename, unlink } from "node:fs/promises";
import { uptime } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import type { FileHandle, FileSystem } from "./file_system.ts";
import {
  close,
  NodeFileHandle,
  open,
  openWithoutFollowing,
  statPath,
} from "./node_file.ts";
import { lock } from "./node_lock.ts";
import { giveDirectory } from "./own.ts";
import { codeOf, isRefused, run } from "./node_errors.ts";

/** The {@linkcode FileSystem} of Node, and of what runs Node's modules. Durability is `fsync`. */
export const nodeFileSystem: FileSystem = {
  open: (path, access) => run(() => openExisting(path, access)),
  create: (path, mode) =>
    run(async () => new NodeFileHandle(await open(path, "ax", mode))),
  stat: (path) => run(() => statPath(path)),
  list: (directory) => run(() => readdir(directory)),
  createDirectory: (path, mode) => run(() => createDirectory(path, mode)),
  rename: (from, to) => run(() => rename(from, to)),
  remove: (path) => run(() => unlink(path)),
  syncDirectory: (directory) => run(() => syncDirectory(directory)),
  lock: (path, mode, note) => run(() => lock(path, mode, note)),
};

/** The default of the npm package, which exports the same names as the one on JSR. */
export { nodeFileSystem as denoFileSystem };

async function openExisting(
  path: string,
  access: "read" | "append",
): Promise<FileHandle> {
  const flags = access === "read"
    ? constants.O_RDONLY
    : constants.O_WRONLY | constants.O_APPEND;
  return new NodeFileHandle(await openWithoutFollowing(path, flags));
}

/** One by one: a recursive `mkdir` of Node 20 never ends where the system makes none, as in `/proc`. */
async function createDirectory(
  path: string,
  mode: number,
): Promise<void> {
  const missing: string[] = [];
  for (let at = path; at !== dirname(at) && isMissing(at); at = dirname(at)) {
    missing.unshift(at);
  }
  for (const directory of missing) {
    await makeDirectory(directory, mode);
    try {
      giveDirectory(
        directory,
        statPath(directory),
        statPath(dirname(directory)),
      );
      await syncDirectory(dirname(directory));
    } catch (error) {
      // A sandbox that ends at the journal's directory does not let the one above be opened, nor does one that may not be listed.
      if (!isRefused(error) && codeOf(error) !== "EACCES") throw error;
    }
  }
}

/** One that somebody else has made meanwhile is fine. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (statPath(path)?.kind !== "directory") throw error;
  }
}

/** What may not be looked at is above the sandbox, and there. */
function isMissing(path: string): boolean {
  try {
    return statPath(path) === undefined;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows neither opens directories nor needs it: its file systems journal their entries.
  if (process.platform === "win32") return;
  const file = await open(directory, constants.O_RDONLY);
  try {
    await file.sync();
  } finally {
    await close(file);
  }
}

/** What is used of Deno, where Deno runs the npm package. */
interface AskingDeno {
  readonly permissions: {
    querySync(what: { name: "sys"; kind: "osUptime" }): { state: string };
  };
}

/**
 * For how many milliseconds the machine has been up, the time that it was
 * suspended for included; `undefined` where that cannot be known.
 */
export function uptimeMs(): number | undefined {
  const { Deno: deno } = globalThis as { Deno?: AskingDeno };
  const what = { name: "sys", kind: "osUptime" } as const;
  // Deno would ask somebody.
  const isUnknown = deno !== undefined &&
    deno.permissions.querySync(what).state !== "granted";
  return isUnknown ? undefined : 1_000 * uptime();
}
