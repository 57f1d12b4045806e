// deno-coverage-ignore-file -- runs under Node: `deno task runtimes`
import {
  type BigIntStats,
  constants,
  fstatSync,
  lstatSync,
  writeSync,
} from "node:fs";
import {
  type FileHandle as NodeFile,
  open as openFile,
} from "node:fs/promises";
import process from "node:process";
import type { FileHandle, FileStat } from "./file_system.ts";
import { ownFile } from "./own.ts";
import { codeOf, failure, run } from "./node_errors.ts";

/** Up to this size a write goes into the page cache quicker than a thread is woken. */
const QUICK_WRITE_BYTES = 64 * 1024;

/** Windows has no such flag; there, looking before and comparing after has to do. */
export const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;

/**
 * Every file that is open. One that nobody held any more would be closed by the
 * garbage collector, and a log that somebody has left open would lose its lock.
 */
const OPEN = new Set<NodeFile>();

/** Opens a file until {@linkcode close}. */
export async function open(
  path: string,
  flags: number | string,
  mode?: number,
): Promise<NodeFile> {
  const file = await openFile(path, flags, mode);
  OPEN.add(file);
  return file;
}

/** Closes a file. */
export async function close(file: NodeFile): Promise<void> {
  OPEN.delete(file);
  await file.close();
}

/** An open file of Node as the store wants it. */
export class NodeFileHandle implements FileHandle {
  readonly #file: NodeFile;

  constructor(file: NodeFile) {
    this.#file = file;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    return run(async () =>
      (await this.#file.read(into, 0, into.length, null)).bytesRead
    );
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // The system may take fewer bytes than it is given.
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.subarray(done);
      const written = await run(async () =>
        rest.length <= QUICK_WRITE_BYTES
          ? writeSync(this.#file.fd, rest)
          : (await this.#file.write(rest)).bytesWritten
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
    return run(() => statOpen(this.#file));
  }

  own(like: FileStat): Promise<void> {
    return run(() => ownFile(this.#file.fd, like));
  }

  close(): Promise<void> {
    return run(() => close(this.#file));
  }
}

/** Looks before opening, compares after, and again where a rename came between: `open` takes directories too. */
export async function openWithoutFollowing(
  path: string,
  flags: number,
): Promise<NodeFile> {
  for (;;) {
    const found = statPath(path);
    if (found?.kind === "symlink") throw failure("ELOOP", path);
    if (found?.kind === "directory") throw failure("EISDIR", path);
    // To open a pipe waits for whoever writes into it.
    if (found?.kind === "other") throw failure("ENXIO", path);
    const file = await open(path, flags | NO_FOLLOW);
    if (statOpen(file).identity === found?.identity) return file;
    await close(file);
  }
}

/** Describes what has a name. Synchronous: a stat is a few microseconds, and a trip to the thread pool twenty times that. */
export function statPath(path: string): FileStat | undefined {
  try {
    return toStat(lstatSync(path, { bigint: true }));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Describes an open file. */
export function statOpen(file: NodeFile): FileStat {
  return toStat(fstatSync(file.fd, { bigint: true }));
}

function toStat(stats: BigIntStats): FileStat {
  return {
    kind: stats.isSymbolicLink()
      ? "symlink"
      : stats.isFile()
      ? "file"
      : stats.isDirectory()
      ? "directory"
      : "other",
    sizeBytes: Number(stats.size),
    identity: `${stats.dev}:${stats.ino}`,
    ...(process.platform !== "win32" && {
      links: Number(stats.nlink),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mode: Number(stats.mode) & 0o777,
    }),
  };
}
