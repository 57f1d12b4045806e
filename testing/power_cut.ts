import {
  applyToEntries,
  applyToFile,
  type Content,
  type DirectoryNode,
  type DiskSnapshot,
  durableFile,
  type FileNode,
  withoutLost,
} from "./disk.ts";
import { MemoryFileSystem } from "./memory_fs.ts";
import type { Random } from "./random.ts";

const SECTOR_BYTES = 512;

/**
 * Picks at random one state in which a power cut at the moment of the snapshot
 * may leave the disk: for long runs, in which all of {@linkcode crashStates}
 * would take too long. Every file and every directory varies by itself.
 *
 * @param snapshot The disk.
 * @param random The source of chance.
 * @returns The disk, as the next process finds it.
 *
 * @example Synced bytes are never lost
 * ```ts
 * import { cutPower, MemoryFileSystem, Random } from "@mini/state/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const fs = new MemoryFileSystem();
 * fs.put("/log", new TextEncoder().encode("durable"));
 * const file = await fs.open("/log", "append");
 * await file.write(new TextEncoder().encode(", or not"));
 *
 * const left = cutPower(fs.snapshot(), new Random(7)).content("/log");
 * assertEquals(new TextDecoder().decode(left?.subarray(0, 7)), "durable");
 * ```
 */
export function cutPower(
  snapshot: DiskSnapshot,
  random: Random,
): MemoryFileSystem {
  const directories = new Map<string, DirectoryNode>();
  const files = new Map<number, FileNode>();
  for (const [path, directory] of snapshot.directories) {
    const entries = entriesLeft(directory, random);
    const left = { live: entries, durable: entries, unsynced: [] };
    directories.set(path, { ...directory, ...left });
    for (const node of entries.values()) {
      if (files.has(node)) continue;
      const file = snapshot.files.get(node)!;
      const content = contentLeft(file, random);
      files.set(node, durableFile(content, file.durableRights));
    }
  }
  return new MemoryFileSystem({ files, directories });
}

function entriesLeft(
  { live, durable, unsynced }: DirectoryNode,
  random: Random,
): ReadonlyMap<string, number> {
  const how = random.below(4);
  if (unsynced.length === 0 || how === 0) return durable;
  if (how === 1) return live;
  return unsynced.filter(() => random.oneIn(2)).reduce(
    (entries, operation) => applyToEntries(entries, operation),
    durable,
  );
}

function contentLeft(
  { durable, unsynced, lost }: FileNode,
  random: Random,
): Content {
  if (unsynced.length === 0) return durable;
  const whole = random.oneIn(2)
    ? unsynced.length
    : random.below(unsynced.length + 1);
  let content = unsynced.slice(0, whole).reduce(applyToFile, durable);
  const next = unsynced[whole];
  if (next?.kind === "write") {
    const bytes = next.bytes.slice(0, random.below(next.bytes.length + 1));
    content = applyToFile(content, { ...next, bytes });
  }
  content = withoutLost(content, lost);
  return random.oneIn(2) ? content : withoutSectors(content, durable, random);
}

/** The file at its full size, with NULs in place of some sectors of what was not synced. */
function withoutSectors(
  content: Content,
  { length }: Content,
  random: Random,
): Content {
  const holed = content.slice();
  // All sectors from one on, or each by itself.
  const isRun = random.oneIn(2);
  let isMissing = false;
  for (let start = length; start < holed.length;) {
    const end = (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES;
    isMissing = isRun && isMissing || random.oneIn(2);
    if (isMissing) holed.fill(0, start, end);
    start = end;
  }
  return holed;
}
