import type { FileHandle, FileStat, FileSystem } from "./file_system.ts";
import { distrust, isLike, isOpenToOthers, lockedOut } from "./ownership.ts";

/** Where files are made before they get their names. */
export interface Staging {
  readonly fs: FileSystem;
  readonly directory: string;
  /** The name, in that directory, of a file being made. */
  readonly temporary: string;
  /** Of new files, where there is no file that they are to be like. */
  readonly permissions: number;
  /** Of the directory, where it is made. */
  readonly directoryPermissions: number;
  /** The file whose owner, group and mode all others take; that of the directory where it is not there. */
  readonly like: string;
}

/**
 * Makes a file under the temporary name and syncs it. On failure
 * nothing is left of it.
 *
 * @returns Its handle, open for appending, which keeps working when the file is renamed.
 */
export async function prepareFile(
  staging: Staging,
  fill: (file: FileHandle) => Promise<void>,
): Promise<FileHandle> {
  const { fs, temporary } = staging;
  await removeTemporary(fs, temporary);
  const file = await createOwned(staging, temporary);
  try {
    await fill(file);
    await file.sync();
    return file;
  } catch (error) {
    await discard(fs, temporary, file);
    throw error;
  }
}

/** Creates a file that is whose it should be. On failure nothing is left of it. */
export async function createOwned(
  staging: Staging,
  path: string,
): Promise<FileHandle> {
  const { fs, permissions, like } = staging;
  const found = await fs.stat(like);
  const model = found?.kind === "file" ? found : undefined;
  const mode = model?.mode;
  // Whoever opens it before it has its group reads what is written later.
  const file = await fs.create(path, mode ? mode & 0o700 : permissions);
  try {
    if (model !== undefined) await likeFile(file, model, staging);
    else await likeDirectory(file, (await fs.stat(staging.directory))!);
    return file;
  } catch (error) {
    await discard(fs, path, file);
    throw error;
  }
}

/** Throws where the file that it is to be like is not to be trusted, or where somebody who may open that could not open this one. */
async function likeFile(
  file: FileHandle,
  model: FileStat,
  staging: Staging,
): Promise<void> {
  const { like } = staging;
  let made = await file.stat();
  if (isLike(made, model)) return;
  if (await isShared(staging)) assertTrusted(like, model, made);
  await file.own?.(model);
  made = await file.stat();
  const why = lockedOut(model, made);
  if (why === undefined) return;
  const what = `what takes the place of "${like}" would be user ${made.uid}'s`;
  throw refusal(`${what}, and ${why}`);
}

function refusal(why: string): Error {
  return Object.assign(new Error(`EPERM: ${why}`), { code: "EPERM" });
}

/** Whether others may put files into the directory, and are not meant to write them. */
async function isShared(
  { fs, directory, permissions }: Staging,
): Promise<boolean> {
  const found = (await fs.stat(directory))!;
  return isOpenToOthers(found) && !isOpenToOthers({ mode: permissions });
}

function assertTrusted(
  path: string,
  found: FileStat,
  made: FileStat,
): void {
  const why = distrust(found, made);
  if (why === undefined) return;
  throw refusal(
    `"${path}" is not to be trusted: ${why}, in a directory that others can write`,
  );
}

/**
 * Throws where files may be somebody else's trap: in a directory that others
 * can write, those that neither this user nor root owns, or that others can
 * write, unless `mode` lets them. The lock is held.
 */
export async function assertOurs(
  staging: Staging,
  paths: readonly string[],
): Promise<void> {
  if (!await isShared(staging)) return;
  const { fs, temporary, permissions } = staging;
  // Without a permission of its own no process is told whom it runs as; what it makes tells.
  const file = await fs.create(temporary, permissions);
  const made = await file.stat();
  await discard(fs, temporary, file);
  for (const path of paths) {
    const found = await fs.stat(path);
    if (found !== undefined) assertTrusted(path, found, made);
  }
}

async function likeDirectory(
  file: FileHandle,
  { uid, gid }: FileStat,
): Promise<void> {
  const made = await file.stat();
  const like = {
    ...made,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  if (!isLike(made, like)) await file.own?.(like);
}

/** Removes the file that a crash may have left under the temporary name. Rejects with `EMLINK` for one that has another name: it is none of ours. */
export async function removeTemporary(
  fs: FileSystem,
  temporary: string,
): Promise<void> {
  const found = await fs.stat(temporary);
  if (found === undefined) return;
  if (found.links !== undefined && found.links > 1) {
    const error = new Error(`EMLINK: ${temporary}`);
    throw Object.assign(error, { code: "EMLINK" });
  }
  await fs.remove(temporary);
}

async function discard(
  fs: FileSystem,
  temporary: string,
  file: FileHandle,
): Promise<void> {
  await file.close().catch(() => {});
  await fs.remove(temporary).catch(() => {});
}

/**
 * Makes a file that is wholly there, in place of what had its name, or not at
 * all. On failure nothing is left of it. Its bytes are durable; its name is
 * once the directory is synced.
 *
 * @param check Looks at the prepared file before it replaces anything.
 */
export async function placeFile(
  staging: Staging,
  target: string,
  fill: (file: FileHandle) => Promise<void>,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const { fs, temporary } = staging;
  const file = await prepareFile(staging, fill);
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
 * Makes a file as {@linkcode placeFile} does, durably. Where the directory
 * cannot be synced the file is there, and a power cut may undo that.
 */
export async function installFile(
  staging: Staging,
  target: string,
  fill: (file: FileHandle) => Promise<void>,
  check?: () => Promise<void>,
): Promise<FileHandle> {
  const file = await placeFile(staging, target, fill, check);
  try {
    await staging.fs.syncDirectory(staging.directory);
    return file;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}
