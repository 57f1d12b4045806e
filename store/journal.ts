import { modesOf } from "../base/checks.ts";
import { basename, dirname, extname, join } from "@std/path";
import type { Staging } from "../fs/atomic_file.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";

/** A sealed segment: the part before the number, the number, and the extension. */
const SEALED = /^(.*)\.(\d{20})(\.[^.]*)?$/s;

/** A segment that the Rust program has rotated out. */
const ROTATED = /^(.*)\.(\d{3,19})$/s;

/**
 * The names of a journal's files, all in one directory:
 *
 * ```text
 * journal.00000000000000000000.jsonl   sealed segments; the number is their base
 * journal.jsonl                        the active segment
 * journal.jsonl.lock                   held while it is open for writing
 * journal.jsonl.tmp                    a file that is not finished, never read
 * journal.jsonl.torn                   the bytes that the last recovery cut off
 * journal.00000000000000000000.jsonl.aside   a segment that a snapshot ahead of it has replaced
 * journal.jsonl.consumer.NAME          the position of a consumer; its lock and its temporary file are beside it
 * ```
 */
export class JournalPaths {
  readonly directory: string;
  readonly active: string;
  readonly lock: string;
  readonly temporary: string;
  readonly torn: string;
  readonly #stem: string;
  readonly #extension: string;

  constructor(path: string | URL) {
    this.active = absolute(path);
    this.directory = dirname(this.active);
    this.lock = `${this.active}.lock`;
    this.temporary = `${this.active}.tmp`;
    this.torn = `${this.active}.torn`;
    const name = basename(this.active);
    this.#extension = extname(name);
    this.#stem = basename(name, this.#extension);
    if (/\.\d{20}(\.[^.]*)?$/.test(name) || this.#stem === "") {
      throw new TypeError(
        `Cannot open "${this.active}": that is the name of a segment of a journal, or of a directory; give the name of the active segment`,
      );
    }
  }

  /** The sealed segment whose first record has number `base + 1`. */
  sealed(base: number): string {
    const digits = String(base).padStart(20, "0");
    return join(this.directory, `${this.#stem}.${digits}${this.#extension}`);
  }

  /** The new name of a segment that is kept and no longer read. `names` are those in the directory. */
  aside(base: number, names: readonly string[]): string {
    const first = `${this.sealed(base)}.aside`;
    let path = first;
    for (let count = 2; names.includes(basename(path)); count++) {
      path = `${first}-${count}`;
    }
    return path;
  }

  /** The bases of the sealed segments among the names in the directory, lowest first. */
  sealedBases(names: readonly string[]): number[] {
    const start = `${this.#stem}.`;
    return names
      .filter((name) =>
        name.startsWith(start) && name.endsWith(this.#extension)
      )
      .map((name) =>
        name.slice(start.length, name.length - this.#extension.length)
      )
      .filter((digits) => /^\d{20}$/.test(digits))
      .map(Number)
      // No record has such a number, so the file is not a segment.
      .filter(Number.isSafeInteger)
      .sort((a, b) => a - b);
  }

  /**
   * The files of this journal that a name in the directory may refer to, if the
   * file system treats its spelling as ours: the path in our spelling, and the
   * name of the active segment in the other.
   */
  readingsOf(
    name: string,
  ): { path: string; active: string; isLock: boolean }[] {
    const readings = [{ path: this.active, active: name, isLock: false }];
    const [, stem, base, end = ""] = SEALED.exec(name) ?? [];
    if (base !== undefined) {
      const path = this.sealed(Number(base));
      readings.push({ path, active: `${stem}${end}`, isLock: false });
    }
    const [, rotated, count] = ROTATED.exec(name) ?? [];
    if (rotated !== undefined) {
      const path = `${this.active}.${count}`;
      readings.push({ path, active: rotated, isLock: false });
    }
    if (name.endsWith(".lock")) {
      const active = name.slice(0, -".lock".length);
      readings.push({ path: this.lock, active, isLock: true });
    }
    return readings;
  }

  /** The file with the position of a consumer. */
  consumer(name: string): string {
    return `${this.active}.consumer.${name}`;
  }

  /** The consumers whose positions are among the names in the directory, in the order of their names. */
  consumers(names: readonly string[]): string[] {
    const start = basename(this.consumer(""));
    return names.filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length))
      .filter(isConsumerName)
      .sort();
  }

  /** Whether a segment of the journal is among the names in the directory. */
  isAmong(names: readonly string[]): boolean {
    return names.includes(basename(this.active)) ||
      this.sealedBases(names).length > 0 || this.rustSegments(names).length > 0;
  }

  /** The path that the Rust program gives to the segment that it rotates out as the `count`th. */
  rustSegment(count: number): string {
    return `${this.active}.${String(count).padStart(3, "0")}`;
  }

  /** The names of the segments that the Rust program has rotated out, oldest first. */
  rustSegments(names: readonly string[]): string[] {
    const start = `${basename(this.active)}.`;
    const number = (name: string) => Number(name.slice(start.length));
    return names
      .filter((name) => name.startsWith(start))
      .filter((name) => /^\d{3,19}$/.test(name.slice(start.length)))
      .sort((a, b) => number(a) - number(b));
  }
}

/** Whether a consumer may have the name: no file beside its position, and no journal, may have one that looks like it. */
export function isConsumerName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(name) && !/^\.|\.$/.test(name) &&
    !/\.(lock|tmp|jsonl)(\.|$)/i.test(name);
}

/** The files of a journal, and how they are read and created. */
export interface JournalContext {
  readonly fs: FileSystem;
  readonly paths: JournalPaths;
  readonly maxRecordBytes: number;
  /** Where new files are made, and whose they are. */
  readonly staging: Staging;
}

/** The context of the journal at `path`. */
export function contextOf(
  path: string | URL,
  options: {
    readonly fs?: FileSystem;
    readonly maxRecordBytes?: number;
    readonly mode?: number;
    readonly directoryMode?: number;
  },
): JournalContext {
  const { fs = systemFileSystem, maxRecordBytes = 16 * 1024 * 1024 } = options;
  const modes = modesOf(options);
  const paths = new JournalPaths(path);
  const { directory, temporary, active: like } = paths;
  const staging = { fs, directory, temporary, like, ...modes };
  return { fs, paths, maxRecordBytes, staging };
}

function absolute(path: string | URL): string {
  if (path instanceof URL) return absolutePath(path);
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError(
      `Cannot open a journal: ${JSON.stringify(path)} is not a path`,
    );
  }
  return absolutePath(path);
}
