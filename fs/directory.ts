import { fromOs, osCode } from "./os_errors.ts";
import { basename } from "@std/path";
import type { FileHandle, FileStat, FileSystem } from "./file_system.ts";

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return osCode(error) === "ENOENT";
}

/** Opens a file for reading; `undefined` if there is none. */
export async function openIfExists(
  fs: FileSystem,
  path: string,
): Promise<FileHandle | undefined> {
  try {
    return await fs.open(path, "read");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Lists the names in a directory; none if there is no directory. */
export async function listIfExists(
  fs: FileSystem,
  directory: string,
): Promise<string[]> {
  try {
    return await fs.list(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Whether a path is that of a directory; a link to one is. */
export async function isDirectory(
  fs: FileSystem,
  path: string,
): Promise<boolean> {
  try {
    const kind = (await fs.stat(path))?.kind;
    if (kind !== "symlink") return kind === "directory";
    return await fs.list(path).then(() => true, () => false);
  } catch (error) {
    throw fromOs(error, `check "${path}"`, "nothing was changed", {
      directory: path,
      path,
    });
  }
}

/** As {@linkcode listIfExists}, also where a file has its name. Throws a `MiniError`. */
export async function namesIn(
  fs: FileSystem,
  directory: string,
): Promise<string[]> {
  try {
    return await listIfExists(fs, directory);
  } catch (error) {
    if (osCode(error) === "ENOTDIR") return [];
    throw fromOs(error, `list "${directory}"`, "nothing was changed", {
      directory,
      path: directory,
    });
  }
}

/** Tells whether a path in the directory is the file of another, where `names` is what that lists. */
export function sameFile(
  fs: FileSystem,
  names: readonly string[],
): (listed: string, path: string) => Promise<boolean> {
  const all = new Set(names);
  const found = new Map<string, FileStat | undefined>();
  return async (listed, path) => {
    if (listed === path) return true;
    // What is listed as it is spelled is a file of its own.
    if (all.has(basename(path))) return false;
    if (!found.has(path)) found.set(path, await fs.stat(path));
    const ours = found.get(path);
    if (ours === undefined) return false;
    const theirs = await fs.stat(listed);
    return ours.identity === theirs?.identity &&
      (ours.identity !== "" || fold(listed) === fold(path));
  };
}

/** Where the platform does not tell files apart. */
function fold(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** The bytes that are free on the disk of a directory, if the process may know. */
export async function freeOn(
  fs: FileSystem,
  directory: string,
): Promise<number | undefined> {
  try {
    return await fs.freeBytes?.(directory);
  } catch {
    return undefined;
  }
}
