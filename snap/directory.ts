import { join } from "@std/path";
import { listIfExists } from "../fs/directory.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { SnapshotInfo } from "./snapshots.ts";

const NAME = /^snapshot_(\d{20})\.json$/;

/** The name of the snapshot that stands at `seq`. */
export function nameOf(seq: number): string {
  return `snapshot_${String(seq).padStart(20, "0")}.json`;
}

/**
 * Renames a damaged snapshot, so that it is never restored. Resolves to its new
 * path, or to the old one if it could not be renamed.
 */
export async function setAside(
  fs: FileSystem,
  dir: string,
  path: string,
): Promise<string> {
  let aside = `${path}.bad`;
  try {
    for (let count = 2; await fs.stat(aside) !== undefined; count++) {
      aside = `${path}.${count}.bad`;
    }
    await fs.rename(path, aside);
  } catch {
    return path;
  }
  // If a power cut undoes it, the snapshot is found damaged again.
  await fs.syncDirectory(dir).catch(() => {});
  return aside;
}

/** The most looks at a directory that another process may be changing. */
const MAX_LOOKS = 10;

/** Lists the snapshots in a directory, oldest first, intact or not. */
export async function listSnapshots(
  fs: FileSystem,
  dir: string,
  looks: number = MAX_LOOKS,
): Promise<Required<SnapshotInfo>[]> {
  const names = await listIfExists(fs, dir);
  const found: Required<SnapshotInfo>[] = [];
  for (const name of names.sort()) {
    const seq = Number(NAME.exec(name)?.[1] ?? NaN);
    if (!Number.isSafeInteger(seq)) continue;
    const path = join(dir, name);
    const stat = await fs.stat(path);
    // Another process has removed it, having made newer ones.
    if (stat === undefined && looks > 1) {
      return await listSnapshots(fs, dir, looks - 1);
    }
    if (stat?.kind === "file") {
      found.push({ path, seq, sizeBytes: stat.sizeBytes });
    }
  }
  return found;
}

/**
 * Removes the oldest snapshots beyond `keep`, and the remains of unfinished ones.
 *
 * @param needed The numbers of those that are kept in any case.
 */
export async function pruneSnapshots(
  fs: FileSystem,
  dir: string,
  keep: number,
  needed: readonly number[] = [],
): Promise<Required<SnapshotInfo>[]> {
  const removed = (await listSnapshots(fs, dir)).slice(0, -keep)
    .filter(({ seq }) => !needed.includes(seq));
  for (const { path } of removed) await fs.remove(path);
  for (const name of await listIfExists(fs, dir)) {
    if (!name.endsWith(".tmp") || !NAME.test(name.slice(0, -4))) continue;
    await fs.remove(join(dir, name));
  }
  if (removed.length > 0) await fs.syncDirectory(dir);
  return removed;
}
