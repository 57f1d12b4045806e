import { basename, dirname } from "@std/path";
import { SnapStore } from "../snap/mod.ts";
import { denoFileSystem, MiniStore } from "../store/mod.ts";
import type { Snapshots } from "./interfaces.ts";
import { assertAlone } from "./neighbours.ts";
import type { StateOptions } from "./options.ts";

/** The snapshots in a directory, which are whose the journal is. */
export function snapshotsIn<S, M>(
  dir: string,
  journal: string,
  { keepSnapshots, codec, mode, directoryMode, fs }: StateOptions<S, M>,
): SnapStore<S> {
  return new SnapStore<S>(dir, {
    like: journal,
    ...(keepSnapshots !== undefined && { keep: keepSnapshots }),
    ...(codec && { codec }),
    ...(mode !== undefined && { mode }),
    ...(directoryMode !== undefined && { directoryMode }),
    ...(fs && { fs }),
  });
}

/** Opens the log of a state. */
export async function openLog<S, M>(
  path: string,
  { maxSegmentBytes, mode, directoryMode, fs }: StateOptions<S, M>,
  snapshots: Snapshots<S>,
): Promise<MiniStore<unknown>> {
  await assertAlone(fs ?? denoFileSystem, dirname(path), basename(path));
  // What the newest snapshot makes unneeded is verified only if it is read after all.
  const newest = (await snapshots.list()).at(-1)?.seq ?? 0;
  return await MiniStore.open(path, {
    verifyFrom: newest + 1,
    ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
    ...(mode !== undefined && { mode }),
    ...(directoryMode !== undefined && { directoryMode }),
    ...(fs && { fs }),
  });
}
