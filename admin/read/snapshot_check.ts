import {
  damaged,
  listSnapshots,
  readRustPair,
  readSnapshot,
} from "../../snap/internal.ts";
import type { JournalContext } from "../../store/internal.ts";
import { collect } from "../../base/collect.ts";
import { basename, join } from "@std/path";
import { isInParts, type SnapCodec } from "../../base/codec.ts";
import { MiniError } from "../../base/errors.ts";
import type { FileSystem } from "../../fs/file_system.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../../fs/blocks.ts";
import { namesIn } from "../../fs/directory.ts";
import { isUnreadable } from "../../fs/os_errors.ts";

/** A snapshot, and whether it can be restored. */
export interface SnapshotCheck {
  readonly path: string;
  /** The number of the record that its state stands at. */
  readonly seq: number;
  readonly sizeBytes: number;
  /** `"unverified"`: of the Rust program, which writes no checksum, and readable. */
  readonly status: "whole" | "unverified" | "damaged" | "newer";
  /** Its problem. */
  readonly problem?: MiniError;
  /** The id of the log it belongs to. */
  readonly logId?: string;
  /** The version of the code that made it. */
  readonly version?: number;
}

/** Takes a state as it stands in the file: in parts, a list of them. */
export const AS_WRITTEN: SnapCodec<unknown> = {
  encode: (state) => state,
  decode: (json) =>
    typeof json === "object" && json !== null && Symbol.asyncIterator in json
      ? collect(json as AsyncIterable<unknown>)
      : json,
};

/** Takes a state, and keeps nothing of it. */
const DISCARDED: SnapCodec<null> = {
  encode: (state) => state,
  decode: async (json) => {
    if (isInParts(json)) { for await (const _ of json); }
    return null;
  },
};

/** Reads and judges every snapshot in a directory, oldest first. */
export async function checkSnapshots(
  fs: FileSystem,
  dir: string,
): Promise<SnapshotCheck[]> {
  const checks: SnapshotCheck[] = [];
  for (const { path, seq, sizeBytes } of await listThere(fs, dir)) {
    const judged = await judge(fs, path, seq);
    // Newer ones have taken its place meanwhile.
    if (await fs.stat(path) === undefined) continue;
    checks.push({ path, seq, sizeBytes, ...judged });
  }
  const pair = await checkPair(fs, dir);
  return pair === undefined ? checks : [pair, ...checks];
}

/** The snapshots in a directory, oldest first; none where there is no directory. */
export async function listThere(
  fs: FileSystem,
  dir: string,
): ReturnType<typeof listSnapshots> {
  return (await namesIn(fs, dir)).length === 0
    ? []
    : await listSnapshots(fs, dir);
}

/** The names of snapshots that opening has found damaged and set aside. */
export async function setAsideIn(
  fs: FileSystem,
  dir: string,
): Promise<string[]> {
  const names = await namesIn(fs, dir);
  return names.filter((name) =>
    /^snapshot_\d{20}\.json(\.\d+)?\.bad$/.test(name)
  )
    .sort();
}

/** Files that an opening, or a repair, has put aside. */
export async function leftovers(
  { fs, paths }: JournalContext,
): Promise<string[]> {
  const names = await namesIn(fs, paths.directory);
  const own = basename(paths.active).replace(/\.[^.]*$/, "");
  const positions = basename(paths.consumer(""));
  return [
    ...names.filter((name) =>
      name.startsWith(own) && !name.startsWith(positions) &&
      /\.(torn|damaged(\.\d+)?|aside(-\d+)?)$/.test(name)
    ).sort(),
    ...await setAsideIn(fs, paths.directory),
  ];
}

async function judge(
  fs: FileSystem,
  path: string,
  seq: number,
): Promise<Pick<SnapshotCheck, "status" | "problem" | "logId" | "version">> {
  try {
    // As opening reads it, so that the two never differ.
    const { seq: said, logId, version } = await readSnapshot(
      fs,
      path,
      DISCARDED,
    );
    if (said !== seq) {
      throw damaged(
        path,
        `its name does not match its content, which is of record ${said}`,
      );
    }
    const start = await startOf(fs, path);
    return {
      // One of the Rust program has no checksum.
      status: start.startsWith('{\n  "mini":') ? "whole" : "unverified",
      ...(logId !== undefined && { logId }),
      ...(version !== undefined && { version }),
    };
  } catch (error) {
    // The caller notices that it is gone.
    if (await fs.stat(path) === undefined) return { status: "damaged" };
    if (!(error instanceof MiniError)) throw error;
    if (error.code === "CORRUPT" || isUnreadable(error.cause)) {
      return { status: "damaged", problem: error };
    }
    if (error.code === "UNSUPPORTED_FORMAT") {
      return { status: "newer", problem: error };
    }
    throw error;
  }
}

/** The beginning of a snapshot, with all its fields but the state. */
export async function startOf(fs: FileSystem, path: string): Promise<string> {
  const file = await fs.open(path, "read");
  try {
    const block = await readBlock(file, FIRST_BLOCK_BYTES);
    const text = new TextDecoder().decode(block);
    const end = /\n {2}"(state|parts)":/.exec(text)?.index;
    return text.slice(0, end);
  } finally {
    await file.close();
  }
}

async function checkPair(
  fs: FileSystem,
  dir: string,
): Promise<SnapshotCheck | undefined> {
  const path = join(dir, "snapshot.json");
  const sizeBytes = (await fs.stat(path))?.sizeBytes ?? 0;
  try {
    const pair = await readRustPair(fs, dir, DISCARDED);
    if (pair === undefined) return undefined;
    return { path, seq: pair.seq, sizeBytes, status: "unverified" };
  } catch (error) {
    if (!(error instanceof MiniError) || error.code !== "CORRUPT") throw error;
    return { path, seq: 0, sizeBytes, status: "damaged", problem: error };
  }
}
