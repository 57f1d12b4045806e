import type { FileHandle, FileStat, FileSystem } from "./file_system.ts";
import {
  differsInMode,
  distrust,
  isLike,
  isOpenToOthers,
  lockedOut,
} from "./ownership.ts";
import { asyncCalls, type Calls } from "./steps/calls.ts";
import { type Eventual, runLater, type Steps, wait } from "./steps/steps.ts";

/** The place in which files are made before they get their names. */
export interface Staging {
  readonly fs: FileSystem;
  readonly directory: string;
  /** The path, in that directory, of a file being made. */
  readonly temporary: string;
  /** The mode of new files, if there is no file at `like`. */
  readonly mode: number;
  /** The mode of the directory, if it is made. */
  readonly directoryMode: number;
  /** The file whose owner, group and mode new files take. Without it they take owner and group of the directory. */
  readonly like: string;
}

/**
 * Makes a file under the temporary name and syncs it. Removes it on failure.
 *
 * @returns Its handle, open for appending, which keeps working when the file is renamed.
 */
export function* staged(
  calls: Calls,
  staging: Staging,
  fill: (file: FileHandle) => Eventual<void>,
): Steps<FileHandle> {
  const { temporary } = staging;
  yield* removed(calls, temporary);
  const file = yield* created(calls, staging, temporary);
  try {
    yield* wait(fill(file));
    yield* wait(calls.of(file).sync());
    return file;
  } catch (error) {
    yield* discarded(calls, temporary, file);
    throw error;
  }
}

/** Creates a file with the owner, the group and the mode that it should have. Removes it on failure. */
export function createOwned(
  staging: Staging,
  path: string,
): Promise<FileHandle> {
  return runLater(created(asyncCalls(staging.fs), staging, path));
}

function* created(
  calls: Calls,
  staging: Staging,
  path: string,
): Steps<FileHandle> {
  const { mode, like } = staging;
  const found = yield* wait(calls.stat(like));
  const model = found?.kind === "file" ? found : undefined;
  // A member of the wrong group who opens it now would read what is written later.
  const first = model?.mode ? model.mode & 0o700 : mode;
  let file = yield* wait(calls.create(path, first));
  try {
    if (model === undefined) {
      yield* likeDirectory(calls, file, staging.directory);
      return file;
    }
    let made = yield* likeFile(calls, file, model, staging);
    if (differsInMode(made, model)) {
      // Node's permission model lets nobody change a mode. The group is right, so the file may be created with it.
      yield* discarded(calls, path, file);
      file = yield* wait(calls.create(path, model.mode!));
      made = yield* wait(calls.of(file).stat());
    }
    assertOpensFor(made, model, like);
    return file;
  } catch (error) {
    yield* discarded(calls, path, file);
    throw error;
  }
}

/** Gives a file the owner, the group and the mode of the model, as far as the process may. Throws if the model is not to be trusted. */
function* likeFile(
  calls: Calls,
  file: FileHandle,
  model: FileStat,
  staging: Staging,
): Steps<FileStat> {
  const ours = calls.of(file);
  const made = yield* wait(ours.stat());
  if (isLike(made, model)) return made;
  if (yield* isShared(calls, staging)) assertTrusted(staging.like, model, made);
  yield* wait(ours.own?.(model));
  return yield* wait(ours.stat());
}

/** Throws if somebody who may open the model could not open the file that replaces it. */
function assertOpensFor(made: FileStat, model: FileStat, like: string): void {
  const why = lockedOut(model, made);
  if (why === undefined) return;
  const what =
    `the file that replaces "${like}" would belong to user ${made.uid}`;
  throw refusal(`${what}, and ${why}`);
}

function refusal(why: string): Error {
  return Object.assign(new Error(`EPERM: ${why}`), { code: "EPERM" });
}

/** Whether others may put files into the directory, and should not. */
function* isShared(
  calls: Calls,
  { directory, mode }: Staging,
): Steps<boolean> {
  const found = (yield* wait(calls.stat(directory)))!;
  return isOpenToOthers(found) && !isOpenToOthers({ mode });
}

function assertTrusted(
  path: string,
  found: FileStat,
  made: FileStat,
): void {
  const why = distrust(found, made);
  if (why === undefined) return;
  throw refusal(
    `"${path}" cannot be trusted: ${why}, and others can write to its directory`,
  );
}

/**
 * Throws if files may be a trap that somebody else has set: in a directory that
 * others can write, a file that neither this user nor root owns, or that others
 * can write although `mode` does not let them. The lock is held.
 */
export async function assertOurs(
  staging: Staging,
  paths: readonly string[],
): Promise<void> {
  const { fs, temporary, mode } = staging;
  const calls = asyncCalls(fs);
  if (!await runLater(isShared(calls, staging))) return;
  // To ask which user the process runs as takes a permission; a file that it creates shows it.
  const file = await fs.create(temporary, mode);
  const made = await file.stat();
  await discard(fs, temporary, file);
  for (const path of paths) {
    const found = await fs.stat(path);
    if (found !== undefined) assertTrusted(path, found, made);
  }
}

function* likeDirectory(
  calls: Calls,
  file: FileHandle,
  directory: string,
): Steps<void> {
  const { uid, gid } = (yield* wait(calls.stat(directory)))!;
  const ours = calls.of(file);
  const made = yield* wait(ours.stat());
  const like = {
    ...made,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  if (!isLike(made, like)) yield* wait(ours.own?.(like));
}

/** Removes the file that a crash may have left under the temporary name. Rejects with `EMLINK` if it has a second name: it is not ours. */
export function removeTemporary(
  fs: FileSystem,
  temporary: string,
): Promise<void> {
  return runLater(removed(asyncCalls(fs), temporary));
}

function* removed(calls: Calls, temporary: string): Steps<void> {
  const found = yield* wait(calls.stat(temporary));
  if (found === undefined) return;
  if (found.links !== undefined && found.links > 1) {
    const error = new Error(`EMLINK: ${temporary}`);
    throw Object.assign(error, { code: "EMLINK" });
  }
  yield* wait(calls.remove(temporary));
}

function discard(
  fs: FileSystem,
  temporary: string,
  file: FileHandle,
): Promise<void> {
  return runLater(discarded(asyncCalls(fs), temporary, file));
}

function* discarded(
  calls: Calls,
  temporary: string,
  file: FileHandle,
): Steps<void> {
  yield* attempt(() => calls.of(file).close());
  yield* attempt(() => calls.remove(temporary));
}

/** Makes a call, whose failure changes nothing. */
export function* attempt(call: () => Eventual<void>): Steps<void> {
  try {
    yield* wait(call());
  } catch {
    // It stays as it was.
  }
}

/**
 * Makes a file and gives it a name in one step, replacing what had the name. On
 * failure nothing has changed. Its bytes are durable; its name is durable after
 * `syncDirectory`.
 *
 * @param check Looks at the staged file before it replaces anything.
 */
export async function replaceFile(
  staging: Staging,
  target: string,
  fill: (file: FileHandle) => Promise<void>,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const { fs, temporary } = staging;
  const file = await runLater(staged(asyncCalls(fs), staging, fill));
  try {
    await check?.();
    await fs.rename(temporary, target);
    return file;
  } catch (error) {
    await discard(fs, temporary, file);
    throw error;
  }
}

/**
 * Makes a file as {@linkcode replaceFile} does, durably. If the directory cannot
 * be synced, the file is there and a power cut may undo that.
 */
export async function replaceFileDurably(
  staging: Staging,
  target: string,
  fill: (file: FileHandle) => Promise<void>,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const file = await replaceFile(staging, target, fill, check);
  try {
    await staging.fs.syncDirectory(staging.directory);
    return file;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}
