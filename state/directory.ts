import { basename, dirname } from "node:path";
import { type Snapshots, SnapStore } from "../snap/mod.ts";
import { assertOurs } from "../fs/atomic_file.ts";
import { MiniStore, systemFileSystem } from "../store/mod.ts";
import { contextOf } from "../store/options.ts";
import { fromOs } from "../fs/os_errors.ts";
import { assertKind } from "./kind.ts";
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
  options: StateOptions<S, M>,
  snapshots: Snapshots<S>,
): Promise<MiniStore<unknown>> {
  const { maxSegmentBytes, mode, directoryMode, fs } = options;
  const seam = fs ?? systemFileSystem;
  await assertAlone(seam, dirname(path), basename(path));
  const found = await snapshots.list();
  const newest = found.at(-1);
  await assertKind(seam, path, newest?.path, options);
  const modes = {
    ...(mode !== undefined && { mode }),
    ...(directoryMode !== undefined && { directoryMode }),
    ...(fs && { fs }),
  };
  const log = await MiniStore.open<unknown>(path, {
    // What the newest snapshot makes unneeded is verified only if it is read after all.
    verifyFrom: (newest?.seq ?? 0) + 1,
    ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
    ...modes,
  });
  try {
    const { staging } = contextOf(path, modes);
    const paths = found.flatMap(({ path }) => path ?? []);
    // Where others may put theirs, one that is newer would be taken for this state.
    await assertOurs(
      staging,
      paths.filter((at) => dirname(at) === staging.directory),
    );
    return log;
  } catch (error) {
    // What was not applied here must not count as that.
    await log.close({ applied: log.applied });
    const after = "nothing that was durable has changed";
    const directory = dirname(path);
    throw fromOs(error, `open "${path}"`, after, { directory, path });
  }
}
