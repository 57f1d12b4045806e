import { codeOf, failure, run, runSync } from "./errno.ts";
import type { BlockingFileLock, FileLock } from "../file_system.ts";
import { judgeLockFile, keepLog, LOCK_NOTE_BYTES } from "../lock_note.ts";
import { assertMayLook, openRegular, statPath } from "./open_regular.ts";
import type { Release, SystemCalls } from "./calls.ts";

/** Takes a lock, as `FileSystem.lock` says. */
export async function takeLock<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
  note: string,
): Promise<FileLock | undefined> {
  let text = note;
  for (let looks = 0;; looks++) {
    assertMayLook(looks, path);
    const file = await openLockFile(calls, path, mode);
    if (file === undefined) return undefined;
    let release: Release | undefined;
    let isKept = false;
    try {
      release = await calls.lock(file, path, mode);
      if (release === undefined) return undefined;
      const held = new SystemLock(calls, file, path, release);
      // Somebody may have removed the file after this process has opened it and before it has locked it.
      if (!await held.isCurrent()) continue;
      const found = await readNote(calls, file);
      const verdict = judgeLockFile(found, calls.fstat(file).links);
      text = keepLog(found, text);
      if (verdict === "replace") {
        await calls.remove(path);
        continue;
      }
      if (verdict !== "take") throw failure(verdict, path);
      await held.write(text);
      isKept = true;
      return held;
    } finally {
      if (!isKept) {
        await release?.();
        await calls.close(file);
      }
    }
  }
}

/** Opens the file of a lock, created if it is missing; `undefined` if opening it shows that somebody else holds the lock. */
async function openLockFile<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<File | undefined> {
  try {
    return await openOrCreate(calls, path, mode);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EAGAIN" || code === "EBUSY") return undefined;
    throw error;
  }
}

async function openOrCreate<File>(
  calls: SystemCalls<File>,
  path: string,
  mode: number,
): Promise<File> {
  for (let looks = 0;; looks++) {
    assertMayLook(looks, path);
    const isThere = statPath(calls, path) !== undefined;
    try {
      return isThere
        ? await openRegular(calls, path, "lock")
        : await calls.create(path, mode, "lock");
    } catch (error) {
      // Somebody has removed it since, or made it.
      if (codeOf(error) !== (isThere ? "ENOENT" : "EEXIST")) throw error;
    }
  }
}

/** Reads a lock file, up to one byte more than a note may have. */
async function readNote<File>(
  calls: SystemCalls<File>,
  file: File,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(LOCK_NOTE_BYTES + 1);
  return bytes.subarray(0, await calls.read(file, bytes, 0));
}

/** A lock of the system. */
export class SystemLock<File> implements FileLock {
  note = "";
  readonly #calls: SystemCalls<File>;
  readonly #file: File;
  readonly #path: string;
  readonly #release: Release;
  readonly #identity: string;
  /** The call that returns when it is done. */
  readonly blocking: BlockingFileLock = {
    isCurrent: () =>
      runSync(() =>
        statPath(this.#calls, this.#path)?.identity === this.#identity
      ),
  };

  constructor(
    calls: SystemCalls<File>,
    file: File,
    path: string,
    release: Release,
  ) {
    this.#calls = calls;
    this.#file = file;
    this.#path = path;
    this.#release = release;
    this.#identity = calls.fstat(file).identity;
  }

  /** The calls of a lock of the system that are made at once; `undefined` for any other, which may wrap one. */
  static quickCallsOf(lock: FileLock): BlockingFileLock | undefined {
    return #calls in lock && lock.#calls.isBlocking ? lock.blocking : undefined;
  }

  /** Overwrites first and cuts then: the other way round, a power cut might lose the note. */
  async write(note: string): Promise<void> {
    const bytes = new TextEncoder().encode(note);
    await this.#calls.overwrite(this.#file, bytes);
    await this.#calls.truncate(this.#file, bytes.length);
    this.note = note;
  }

  leave(note: string): Promise<void> {
    return run(async () => {
      await this.write(note);
      await this.#calls.sync(this.#file);
    });
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async isCurrent(): Promise<boolean> {
    return this.blocking.isCurrent();
  }

  close(): Promise<void> {
    return run(async () => {
      try {
        await this.#release();
      } finally {
        await this.#calls.close(this.#file);
      }
    });
  }
}
