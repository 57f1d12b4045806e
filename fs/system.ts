import { cwd, pid } from "node:process";
import { fromFileUrl, isAbsolute, resolve } from "@std/path";
import { denoFileSystem, uptimeMs as denoUptimeMs } from "./deno.ts";
import type { FileSystem } from "./file_system.ts";
import { nodeFileSystem, uptimeMs as nodeUptimeMs } from "./node.ts";

/** Whether Deno runs this. What stands in for it under Node cannot lock a file. */
const isDeno = (globalThis as { Deno?: typeof Deno }).Deno?.FsFile?.prototype
  .tryLock !== undefined;

// deno-coverage-ignore-start -- the others run under Node: `deno task runtimes`

/**
 * The {@linkcode FileSystem} of the runtime: that of Deno under Deno, that of
 * Node under Node and Bun. The default of every store.
 */
export const systemFileSystem: FileSystem = isDeno
  ? denoFileSystem
  : nodeFileSystem;

/**
 * Returns for how many milliseconds the machine has been up, suspended time
 * included; `undefined` where that cannot be known without asking.
 */
export const uptimeMs: () => number | undefined = isDeno
  ? denoUptimeMs
  : nodeUptimeMs;
// deno-coverage-ignore-stop

/** The id of this process. */
export const processId: number = pid;

/** The absolute path of a file. `@std/path` knows the working directory under Deno alone. */
export function absolutePath(file: string | URL): string {
  const path = file instanceof URL ? fromFileUrl(file) : file;
  return isAbsolute(path) ? resolve(path) : resolve(cwd(), path);
}

/** A wall clock that shows less, in milliseconds since 1970, was never set. */
export const EARLIEST_MS: number = Date.UTC(2020);

/** The wall clock, in milliseconds since 1970; `undefined` if it was never set. May jump. */
export function wallClockMs(): number | undefined {
  const ms = Date.now();
  return ms < EARLIEST_MS ? undefined : ms;
}
