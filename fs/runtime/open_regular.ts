import { codeOf, failure } from "./errno.ts";
import type { FileStat } from "../file_system.ts";
import type { SystemCalls } from "./calls.ts";

/** Describes what has a name; `undefined` if nothing has. */
export function statPath<File>(
  calls: SystemCalls<File>,
  path: string,
): FileStat | undefined {
  try {
    return calls.lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** How often to look again: more often no other process gets in between. */
const MAX_LOOKS = 100;

/** Throws `ESTALE` after too many looks, where the name and the open file never agree. */
export function assertMayLook(looks: number, path: string): void {
  if (looks < MAX_LOOKS) return;
  throw failure(
    "ESTALE",
    `"${path}" was another file each of ${looks} times that it was opened: something replaces it all the time, or the file system does not tell which file is which`,
  );
}

/** The error of `open` if the path is not a regular file. */
const REFUSED = {
  symlink: "ELOOP",
  directory: "EISDIR",
  // To open a pipe waits for its other end.
  other: "ENXIO",
} as const;

/** Opens a regular file: looks before opening, compares after, and looks again if a rename came between. Deno has no `O_NOFOLLOW`, and `open` takes directories too. */
export async function openRegular<File>(
  calls: SystemCalls<File>,
  path: string,
  access: "read" | "append" | "lock",
): Promise<File> {
  for (let looks = 0;; looks++) {
    assertMayLook(looks, path);
    const found = statPath(calls, path);
    if (found !== undefined && found.kind !== "file") {
      throw failure(REFUSED[found.kind], path);
    }
    const file = await calls.open(path, access);
    if (calls.fstat(file).identity === found?.identity) return file;
    await calls.close(file);
  }
}
