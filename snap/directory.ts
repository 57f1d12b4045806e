import { join } from "@std/path";
import type { FileSystem } from "../store/fs.ts";
import { osCode } from "../store/os_errors.ts";
import type { SnapshotInfo } from "./options.ts";

const NAME = /^snapshot_(\d{20})\.json$/;

/** The name of the snapshot that stands at `seq`. */
export function nameOf(seq: number): string {
  return `snapshot_${String(seq).padStart(20, "0")}.json`;
}

/** The snapshots in a directory, oldest first, whole or not. */
export async function listSnapshots(
  fs: FileSystem,
  dir: string,
): Promise<SnapshotInfo[]> {
  let names: string[];
  try {
    names = await fs.list(dir);
  } catch (error) {
    if (osCode(error) === "ENOENT") return [];
    throw error;
  }
  const found: SnapshotInfo[] = [];
  for (const name of names.sort()) {
    const seq = Number(NAME.exec(name)?.[1] ?? NaN);
    if (!Number.isSafeInteger(seq)) continue;
    const path = join(dir, name);
    const stat = await fs.stat(path);
    if (stat?.kind === "file") {
      found.push({ path, seq, sizeBytes: stat.sizeBytes });
    }
  }
  return found;
}

/**
 * Removes the oldest snapshots beyond `keep`, and what unfinished ones have left.
 *
 * @param made The number of one that stays all the same.
 */
export async function pruneSnapshots(
  fs: FileSystem,
  dir: string,
  keep: number,
  made?: number,
): Promise<SnapshotInfo[]> {
  const removed = (await listSnapshots(fs, dir)).slice(0, -keep)
    .filter(({ seq }) => seq !== made);
  for (const { path } of removed) await fs.remove(path);
  for (const name of await fs.list(dir)) {
    if (!name.endsWith(".tmp") || !NAME.test(name.slice(0, -4))) continue;
    await fs.remove(join(dir, name));
  }
  if (removed.length > 0) await fs.syncDirectory(dir);
  return removed;
}
