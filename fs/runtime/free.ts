import { statfs } from "node:fs/promises";

/** The bytes that this user may still write on the disk that holds a path. */
export async function freeBytes(path: string): Promise<number> {
  const found: { bavail: number; bsize: number; frsize?: number } =
    await statfs(path);
  // deno-coverage-ignore -- Deno always tells it, as Node 22 does not; nearly everywhere the two are equal
  const unit = found.frsize || found.bsize;
  return found.bavail * unit;
}
