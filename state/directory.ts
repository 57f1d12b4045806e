import { dirname, join } from "@std/path";
import { modesOf } from "../base/checks.ts";
import { owning } from "../base/promise.ts";
import { assertOurs } from "../fs/atomic_file.ts";
import { sameFile } from "../fs/directory.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { fromOs } from "../fs/os_errors.ts";
import {
  type SnapshotInfo,
  type SnapshotReader,
  type Snapshots,
  SnapStore,
} from "../snap/mod.ts";
import { type LogReader, MiniStore, systemFileSystem } from "../store/mod.ts";
import { isOfState, type Kind, kindOf } from "./kind.ts";
import type { StateOptions } from "./options.ts";
import type { LogAndSnapshots, ReadSources } from "./rebuild.ts";

/** A sealed segment, which its active one stands for. */
const SEALED = /\.\d{20}\.jsonl$/;

/** The log and the snapshots of a state. */
export interface StateFiles<S> extends LogAndSnapshots<S> {
  /** The file of the log, if it is a `MiniStore`. */
  readonly journalPath: string | undefined;
}

/**
 * Opens the log and the snapshots that the options give, and those in the
 * directory for what they do not give. Without a directory they give both.
 */
export async function openFiles<S, M>(
  directory: string | undefined,
  options: StateOptions<S, M>,
): Promise<StateFiles<S>> {
  const path = join(directory ?? "", options.journal ?? "journal.jsonl");
  const snapshots = options.snapshots ?? snapshotsIn(path, options);
  const log = options.log ?? await openLog(path, options, snapshots);
  const journalPath = log instanceof MiniStore ? log.path : undefined;
  return { log, snapshots, isRust: isRustLog(log), journalPath };
}

/** Whether a log is a journal of the Rust program. */
export function isRustLog(log: LogReader<unknown>): boolean {
  return log instanceof MiniStore && log.format === "ministore";
}

/** The same, for reading. */
export interface FilesToRead<S> extends ReadSources<S> {
  /** Finds out whether the log is of the Rust program, if it is there. Throws a `TypeError` if the directory is of another kind. */
  readonly identify: (() => Promise<boolean>) | undefined;
}

/** Opens the log and the snapshots in a directory for reading, beside the process that writes them. */
export async function openForReading<S>(
  directory: string,
  { journal = "journal.jsonl", kind = "state", codec, ifMissing, fs }:
    & Pick<StateOptions<S, never>, "journal" | "kind" | "codec" | "fs">
    & { readonly ifMissing?: "error" | "empty" },
): Promise<FilesToRead<S>> {
  const path = join(directory, journal);
  const own = { ...(fs && { fs }) };
  await assertOnlyState(fs ?? systemFileSystem, path);
  const log = await MiniStore.openReader<unknown>(path, {
    ...own,
    ...(ifMissing && { ifMissing }),
  });
  const snapshots = new SnapStore<S>(directory, {
    ...own,
    ...(codec && { codec }),
    readOnly: true,
  });
  const identify = async () => {
    await log.refresh?.();
    await assertKind(fs ?? systemFileSystem, path, kind, snapshots);
    return log.id === undefined && log.sequence > 0;
  };
  return { log, snapshots, isRust: false, identify };
}

/** Throws a `TypeError` if the directory is of another kind. Resolves to the snapshots in it. */
async function assertKind(
  fs: FileSystem,
  journal: string,
  kind: Kind,
  snapshots: SnapshotReader<unknown>,
): Promise<readonly SnapshotInfo[]> {
  const found = await snapshots.list();
  const actual = await kindOf(fs, journal, found.at(-1)?.path, kind) ?? kind;
  if (actual !== kind) throw ofOtherKind(dirname(journal), kind, actual);
  return found;
}

/** The snapshots beside a journal; they have its owner, group and mode. */
function snapshotsIn<S, M>(
  journal: string,
  { keepSnapshots, codec, mode, fs }: StateOptions<S, M>,
): SnapStore<S> {
  return new SnapStore<S>(dirname(journal), {
    like: journal,
    ...(keepSnapshots !== undefined && { keep: keepSnapshots }),
    ...(codec && { codec }),
    ...(mode !== undefined && { mode }),
    ...(fs && { fs }),
  });
}

/**
 * Opens the log of a state in its directory. Throws a `TypeError` if the
 * directory holds the log of another state, or is of another kind.
 */
async function openLog<S, M>(
  path: string,
  options: StateOptions<S, M>,
  snapshots: Snapshots<S>,
): Promise<MiniStore<unknown>> {
  const {
    maxSegmentBytes,
    timestamps,
    mode,
    directoryMode,
    fs = systemFileSystem,
  } = options;
  await assertOnlyState(fs, path);
  const { kind = "state" } = options;
  const found = await assertKind(fs, path, kind, snapshots);
  const newest = found.at(-1);
  const modes = {
    ...(mode !== undefined && { mode }),
    ...(directoryMode !== undefined && { directoryMode }),
  };
  const log = await MiniStore.open<unknown>(path, {
    // What the newest snapshot makes unneeded is verified only if it is read after all.
    verifyFrom: (newest?.seq ?? 0) + 1,
    ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
    ...(timestamps !== undefined && { timestamps }),
    ...modes,
    fs,
  });
  return await owning(log, async () => {
    const paths = found.flatMap(({ path }) => path ?? []);
    await assertOwn(fs, path, modes, paths);
    return log;
  });
}

function ofOtherKind(
  directory: string,
  wanted: string,
  actual: string,
): TypeError {
  return new TypeError(
    `Cannot open "${directory}" as a ${wanted}: it holds a ${actual}; nothing was changed`,
  );
}

/** Throws if somebody else may have planted a snapshot in the directory, which this state would take for its own. */
async function assertOwn(
  fs: FileSystem,
  journal: string,
  modes: { mode?: number; directoryMode?: number },
  snapshots: readonly string[],
): Promise<void> {
  const directory = dirname(journal);
  // Opening the log removes what a crash leaves under that name.
  const temporary = `${journal}.tmp`;
  try {
    await assertOurs(
      { fs, directory, temporary, like: journal, ...modesOf(modes) },
      snapshots.filter((path) => dirname(path) === directory),
    );
  } catch (error) {
    const after = "no durable data has changed";
    throw fromOs(error, `open "${journal}"`, after, {
      directory,
      path: journal,
    });
  }
}

/**
 * Throws a `TypeError` if the directory holds the log of another state: each
 * would take the snapshots of the other for its own.
 */
async function assertOnlyState(fs: FileSystem, journal: string): Promise<void> {
  const directory = dirname(journal);
  // Opening the log will say what is wrong.
  const names = await fs.list(directory).catch(() => []);
  // The directory may list the journal in another spelling.
  const isSame = sameFile(fs, names);
  for (const name of names) {
    const path = join(directory, name);
    const isOther = name.endsWith(".jsonl") && !SEALED.test(name) &&
      !await isSame(path, journal) && await isOfState(fs, path);
    if (!isOther) continue;
    throw new TypeError(
      `"${directory}" holds another state, whose log is "${name}"; give each state a directory of its own`,
    );
  }
}
