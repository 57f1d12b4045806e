import { statfs } from "node:fs/promises";

/** The bytes that this user may still write on the disk that holds a path. */
export async function freeBytes(path: string): Promise<number> {
  const found: { bavail: number; bsize: number; frsize?: number } =
    await statfs(path);
  // Older runtimes do not tell the unit that blocks are counted in, which is mostly the same.
  return found.bavail * (found.frsize || found.bsize);
}
