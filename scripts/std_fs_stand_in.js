// Stands in for jsr:@std/fs where only npm answers: the functions this project
// uses, over node:fs, with the signatures of the real ones.
import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Creates a directory and those above it. */
export async function ensureDir(path) {
  await mkdir(path, { recursive: true });
}

/** Copies a file or a directory. */
export async function copy(from, to) {
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
}

/** Gives the files below a directory; `skip` leaves out what matches. */
export async function* walk(root, { skip = [] } = {}) {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (skip.some((pattern) => pattern.test(path))) continue;
    if (entry.isDirectory()) yield* walk(path, { skip });
    else {yield {
        path,
        name: entry.name,
        isFile: entry.isFile(),
        isDirectory: false,
      };}
  }
}
