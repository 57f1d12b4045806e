import { dirname, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { assertOurs, removeTemporary } from "../../fs/atomic_file.ts";
import { isMissing } from "../../fs/directory.ts";
import type { FileHandle, FileSystem } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { POSTED_NAME } from "../ledger/entry.ts";
import {
  decodeFile,
  INBOX,
  MAX_FILE_BYTES,
  type Posted,
  REFUSED,
  TEMPORARY_PREFIX,
} from "./file.ts";

/** The most files that are kept of those that are no message. */
const MAX_REFUSED = 1_000;

/** How many of them to try to remove for one more: a folder that is not empty cannot be removed. */
const MAX_TRIES = 16;

/** The files of an inbox, for the owner of the queue. */
export class InboxFolder {
  readonly #fs: FileSystem;
  readonly path: string;
  /** The names in `refused`, oldest first as far as that is known. */
  #refused: Set<string> | undefined;
  #hasRefused = false;
  #hasChanged = false;
  #isTidy = false;

  private constructor(fs: FileSystem, path: string) {
    this.#fs = fs;
    this.path = path;
  }

  /** Opens the inbox of the queue in a directory. Creates what is missing. */
  static async open(
    fs: FileSystem,
    directory: string,
    mode: number,
  ): Promise<InboxFolder> {
    const folder = new InboxFolder(fs, join(directory, INBOX));
    // Others cannot put something of theirs in its place.
    for (const path of [folder.path, folder.at(REFUSED)]) {
      try {
        await makeDirectory(fs, path, mode);
        await assertNotPlanted(fs, path, mode);
      } catch (error) {
        const after = "no durable data has changed";
        throw fromOs(error, `open the inbox "${path}"`, after, {
          directory,
          path,
        });
      }
    }
    return folder;
  }

  /** The path of a file in the folder. */
  at(name: string): string {
    return join(this.path, name);
  }

  /**
   * Names of everything that was put into the folder, in no order. The first
   * listing removes what producers have begun and not finished; one that still
   * works begins again.
   */
  async *names(): AsyncGenerator<string, void, undefined> {
    const names = this.#fs.entries?.(this.path) ??
      await this.#fs.list(this.path);
    for await (const name of names) {
      if (!name.startsWith(TEMPORARY_PREFIX)) {
        if (name !== REFUSED) yield name;
      } else if (!this.#isTidy) await this.#removeUnfinished(name);
    }
    this.#isTidy = true;
  }

  /** Gives hints of changes, where the system has any. */
  watch(signal: AbortSignal): Iterable<void> | AsyncIterable<void> {
    return this.#fs.watch?.(this.path, signal) ?? [];
  }

  async #removeUnfinished(name: string): Promise<void> {
    if (!POSTED_NAME.test(name.slice(TEMPORARY_PREFIX.length))) return;
    await this.#fs.remove(this.at(name)).catch(() => {});
  }

  /** Reads a file; `undefined` if there is none. Never follows a link, waits for a pipe, or reads more than a file may have. */
  async read(
    name: string,
  ): Promise<Posted & { sizeBytes: number } | undefined> {
    if (!POSTED_NAME.test(name)) return flawed("its name is not that of one");
    const path = this.at(name);
    let file: FileHandle;
    try {
      file = await this.#fs.open(path, "read");
    } catch (error) {
      const found = await this.#fs.stat(path);
      if (found === undefined) return undefined;
      if (found.kind === "file") throw error;
      return flawed("it is not a regular file");
    }
    try {
      const { sizeBytes } = await file.stat();
      if (sizeBytes > MAX_FILE_BYTES) return flawed("it is too large");
      const bytes = await readAll(file, sizeBytes);
      return { ...decodeFile(bytes), sizeBytes };
    } finally {
      await file.close();
    }
  }

  /** Removes a file. Durable after {@linkcode InboxFolder.sync}. */
  async remove(name: string): Promise<void> {
    // Also if it is gone: that may not be durable yet.
    this.#hasChanged = true;
    try {
      await this.#fs.remove(this.at(name));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Makes what was removed and refused durable. */
  async sync(): Promise<void> {
    // First there, so that a power cut leaves a file in one place at least.
    if (this.#hasRefused) await this.#fs.syncDirectory(this.at(REFUSED));
    this.#hasRefused = false;
    if (this.#hasChanged) await this.#fs.syncDirectory(this.path);
    this.#hasChanged = false;
  }

  /** Moves a file to those that are no message. Returns where it is now; durable after {@linkcode InboxFolder.sync}. */
  async refuse(name: string): Promise<string> {
    const fs = this.#fs;
    const directory = this.at(REFUSED);
    if ((await fs.stat(directory))?.kind !== "directory") {
      throw new MiniError("IO", `"${directory}" is not a directory`);
    }
    const kept = this.#refused ??= new Set(
      (await fs.list(directory)).sort(),
    );
    await this.#makeRoom(kept, directory);
    const to = join(directory, name);
    await fs.rename(this.at(name), to);
    kept.delete(name);
    kept.add(name);
    this.#hasRefused = this.#hasChanged = true;
    return to;
  }

  /** Removes the oldest refused files until there is room for another. Throws if those that it tries stay. */
  async #makeRoom(kept: Set<string>, directory: string): Promise<void> {
    let tries = MAX_TRIES;
    for (const oldest of [...kept]) {
      if (kept.size < MAX_REFUSED || tries === 0) break;
      kept.delete(oldest);
      try {
        await this.#fs.remove(join(directory, oldest));
      } catch (error) {
        if (isMissing(error)) continue;
        kept.add(oldest);
        tries--;
      }
    }
    if (kept.size < MAX_REFUSED) return;
    const why = `"${directory}" is full, of what cannot be removed`;
    throw new MiniError("IO", why, { path: directory });
  }
}

function flawed(flaw: string): Posted & { sizeBytes: number } {
  return { flaw, sizeBytes: 0 };
}

/** Throws if something else has the name. */
async function makeDirectory(
  fs: FileSystem,
  path: string,
  mode: number,
): Promise<void> {
  if (await fs.stat(path) === undefined) await fs.createDirectory(path, mode);
  if ((await fs.stat(path))?.kind === "directory") return;
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot open the inbox: "${path}" is not a directory; no durable data has changed`,
    { path },
  );
}

/** Throws if somebody else may have put the folder there. */
async function assertNotPlanted(
  fs: FileSystem,
  path: string,
  mode: number,
): Promise<void> {
  const directory = dirname(path);
  // No name of a message, and hidden.
  const temporary = join(directory, `${TEMPORARY_PREFIX}opening`);
  await removeTemporary(fs, temporary);
  const modes = { mode, directoryMode: mode };
  await assertOurs({ fs, directory, temporary, ...modes, like: path }, [path]);
}

/** Reads a file of a size. One that grows meanwhile is read no further. */
async function readAll(
  file: FileHandle,
  sizeBytes: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const count = await file.read(bytes.subarray(done));
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
