import { dirname } from "@std/path";
import type {
  FileHandle,
  FileLock,
  FileStat,
  FileSystem,
} from "./file_system.ts";
import { giveDirectory, ownNamed } from "./own.ts";
import { judgeLockFile, keepLog, LOCK_NOTE_BYTES } from "./lock_note.ts";

/** Errors to which Deno gives no `code`, by the number in their message. */
const CODES_BY_NUMBER: Readonly<Record<string, string>> = {
  "27": "EFBIG",
  "122": "EDQUOT",
};

/** Up to this size a write goes into the page cache quicker than a thread is woken. */
const QUICK_WRITE_BYTES = 64 * 1024;

/** The {@linkcode FileSystem} of Deno. Durability is `Deno.FsFile.sync()`. */
export const denoFileSystem: FileSystem = {
  open: (path, access) => run(() => openExisting(path, access)),
  create: (path, mode) =>
    run(async () => {
      const options = { append: true, createNew: true, mode: mode };
      return new DenoFileHandle(await Deno.open(path, options), path);
    }),
  stat: (path) => run(() => statPath(path)),
  list: (directory) =>
    run(async () => {
      const entries = await Array.fromAsync(Deno.readDir(directory));
      return entries.map((entry) => entry.name);
    }),
  createDirectory: (path, mode) => run(() => createDirectory(path, mode)),
  rename: (from, to) => run(() => Deno.rename(from, to)),
  remove: (path) => run(() => Deno.remove(path)),
  syncDirectory: (directory) => run(() => syncDirectory(directory)),
  lock: (path, mode, note) => run(() => lock(path, mode, note)),
};

class DenoFileHandle implements FileHandle {
  readonly #file: Deno.FsFile;
  readonly #path: string;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    return run(async () => await this.#file.read(into) ?? 0);
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // The system may take fewer bytes than it is given.
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.subarray(done);
      const written = await run(() =>
        rest.length <= QUICK_WRITE_BYTES
          ? this.#file.writeSync(rest)
          : this.#file.write(rest)
      );
      if (written === 0) throw failure("EIO", "the system takes no more bytes");
      done += written;
    }
  }

  sync(): Promise<void> {
    return run(() => this.#file.sync());
  }

  truncate(sizeBytes: number): Promise<void> {
    return run(() => this.#file.truncate(sizeBytes));
  }

  stat(): Promise<FileStat> {
    return run(() => toStat(this.#file.statSync()));
  }

  own(like: FileStat): Promise<void> {
    return run(() => ownNamed(this.#path, this.#file.statSync(), like));
  }

  close(): Promise<void> {
    return run(() => this.#file.close());
  }
}

/** Does one thing, again where a signal interrupted it, and gives a failure its POSIX name. */
async function run<T>(operation: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof Deno.errors.Interrupted) continue;
      throw withCode(error);
    }
  }
}

function withCode(error: unknown): unknown {
  if (!(error instanceof Error) || "code" in error && error.code) return error;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  const code = error instanceof Deno.errors.NotCapable
    ? "ENOTCAPABLE"
    : CODES_BY_NUMBER[number ?? ""];
  return code === undefined ? error : Object.assign(error, { code });
}

async function openExisting(
  path: string,
  access: "read" | "append",
): Promise<FileHandle> {
  return new DenoFileHandle(
    await openWithoutFollowing(path, { [access]: true }),
    path,
  );
}

/** Deno has no `O_NOFOLLOW`: look before opening, compare after, and again where a rename came between. */
async function openWithoutFollowing(
  path: string,
  options: Deno.OpenOptions,
): Promise<Deno.FsFile> {
  for (;;) {
    const found = statPath(path);
    if (found?.kind === "symlink") throw failure("ELOOP", path);
    if (found?.kind === "directory") throw failure("EISDIR", path);
    // To open a pipe waits for whoever writes into it.
    if (found?.kind === "other") throw failure("ENXIO", path);
    const file = await Deno.open(path, options);
    const { identity } = toStat(file.statSync());
    if (identity === found?.identity) return file;
    file.close();
  }
}

function failure(code: string, about: string): Error {
  return Object.assign(new Error(`${code}: ${about}`), { code });
}

/** Synchronous: a stat is a few microseconds, and a trip to the thread pool twenty times that. */
function statPath(path: string): FileStat | undefined {
  try {
    return toStat(Deno.lstatSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function toStat(info: Deno.FileInfo): FileStat {
  const { dev, ino, size, isFile, isDirectory, isSymlink } = info;
  return {
    kind: isSymlink
      ? "symlink"
      : isFile
      ? "file"
      : isDirectory
      ? "directory"
      : "other",
    sizeBytes: size,
    // deno-coverage-ignore -- only Windows has files without such a number
    identity: ino === null ? "" : `${dev}:${ino}`,
    ...rightsOf(info),
  };
}

/** Nothing on Windows, which has none of it. */
function rightsOf(
  { nlink, uid, gid, mode }: Deno.FileInfo,
): Pick<FileStat, "links" | "uid" | "gid" | "mode"> {
  // deno-coverage-ignore -- Windows only
  if (uid === null) return {};
  return { links: nlink!, uid, gid: gid!, mode: mode! & 0o777 };
}

async function createDirectory(
  path: string,
  mode: number,
): Promise<void> {
  const missing: string[] = [];
  for (let at = path; at !== dirname(at) && isMissing(at); at = dirname(at)) {
    missing.unshift(at);
  }
  for (const directory of missing) {
    await makeDirectory(directory, mode);
    try {
      giveDirectory(
        directory,
        statPath(directory),
        statPath(dirname(directory)),
      );
      await syncDirectory(dirname(directory));
    } catch (error) {
      // A sandbox that ends at the journal's directory does not let the one above be opened, nor does one that may not be listed.
      if (error instanceof Deno.errors.PermissionDenied) continue;
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
}

/** One that somebody else has made meanwhile is fine. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await Deno.mkdir(path, { mode });
  } catch (error) {
    if (statPath(path)?.kind !== "directory") throw error;
  }
}

/** What may not be looked at is above the sandbox, and there. */
function isMissing(path: string): boolean {
  try {
    return statPath(path) === undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows neither opens directories nor needs it: its file systems journal their entries.
  // deno-coverage-ignore -- Windows only
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(directory);
  await file.sync();
}

async function lock(
  path: string,
  mode: number,
  note: string,
): Promise<FileLock | undefined> {
  let text = note;
  for (;;) {
    const file = await openLockFile(path, mode);
    let isKept = false;
    try {
      if (!await file.tryLock(true)) return undefined;
      const held = new DenoFileLock(file, path);
      // Somebody may have removed the file between our opening and our locking it.
      if (!await held.isCurrent()) continue;
      const found = readNote(file);
      const verdict = judgeLockFile(found, toStat(file.statSync()).links);
      text = keepLog(found, text);
      if (verdict === "replace") {
        await Deno.remove(path);
        continue;
      }
      if (verdict !== "take") throw failure(verdict, path);
      await held.write(text);
      isKept = true;
      return held;
    } finally {
      if (!isKept) file.close();
    }
  }
}

/** What a lock file holds, and a byte more than that may be. */
function readNote(file: Deno.FsFile): Uint8Array {
  const bytes = new Uint8Array(LOCK_NOTE_BYTES + 1);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

async function openLockFile(
  path: string,
  mode: number,
): Promise<Deno.FsFile> {
  const options = { read: true, write: true };
  try {
    return await openWithoutFollowing(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    const create = { ...options, createNew: true, mode: mode };
    return await Deno.open(path, create);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return await openWithoutFollowing(path, options);
  }
}

class DenoFileLock implements FileLock {
  note = "";
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #identity: string;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
    this.#identity = toStat(file.statSync()).identity;
  }

  /** Overwrites: cut first, a note might be lost in a power cut. */
  async write(note: string): Promise<void> {
    const bytes = new TextEncoder().encode(note);
    await this.#file.seek(0, Deno.SeekMode.Start);
    await this.#file.write(bytes);
    await this.#file.truncate(bytes.length);
    this.note = note;
  }

  leave(note: string): Promise<void> {
    return run(async () => {
      await this.write(note);
      await this.#file.sync();
    });
  }

  isCurrent(): Promise<boolean> {
    return run(() => statPath(this.#path)?.identity === this.#identity);
  }

  close(): Promise<void> {
    return run(() => this.#file.close());
  }
}

/**
 * For how many milliseconds the machine has been up, the time that it was
 * suspended for included; `undefined` where nobody has allowed to know. Nobody
 * is asked.
 */
export function uptimeMs(): number | undefined {
  const what = { name: "sys", kind: "osUptime" } as const;
  const { state } = Deno.permissions.querySync(what);
  return state === "granted" ? 1_000 * Deno.osUptime() : undefined;
}
