import { fromOs, osCode } from "./os_errors.ts";
import type { FileHandle, FileSystem } from "./file_system.ts";

/** Opens a file for reading; `undefined` where there is none. */
export async function openIfThere(
  { fs }: { readonly fs: FileSystem },
  path: string,
): Promise<FileHandle | undefined> {
  try {
    return await fs.open(path, "read");
  } catch (error) {
    if (osCode(error) === "ENOENT") return undefined;
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
    throw fromOs(error, `look at "${path}"`, "nothing was changed", {
      directory: path,
      path,
    });
  }
}

/** The names in a directory; none where there is no directory. */
export async function namesIn(
  fs: FileSystem,
  directory: string,
): Promise<string[]> {
  try {
    return await fs.list(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(osCode(error) ?? "")) return [];
    throw fromOs(error, `list "${directory}"`, "nothing was changed", {
      directory,
      path: directory,
    });
  }
}
