import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Staging } from "../fs/atomic_file.ts";
import type { FileSystem } from "../fs/file_system.ts";

/** A sealed segment: what stands before the number, the number, and the extension. */
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
 * journal.jsonl.tmp                    a file being made, never read
 * journal.jsonl.torn                   what the last repair cut off
 * journal.00000000000000000000.jsonl.aside   a segment that a snapshot ahead of it has replaced
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
        `Cannot open "${this.active}": that is not the name of a journal but of one of its segments or of a directory`,
      );
    }
  }

  /** The sealed segment whose first record has number `base + 1`. */
  sealed(base: number): string {
    const digits = String(base).padStart(20, "0");
    return join(this.directory, `${this.#stem}.${digits}${this.#extension}`);
  }

  /** What a segment is renamed to that is kept and no longer read, in a directory with such names. */
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
      // No record has such a number: the name is none of ours.
      .filter(Number.isSafeInteger)
      .sort((a, b) => a - b);
  }

  /**
   * Which files of this journal a name in the directory may be, if the file
   * system takes its spelling for ours: the path in our spelling, and the name
   * of the active segment in the other.
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

  /** Whether there is a segment of the journal among the names in the directory. */
  isAmong(names: readonly string[]): boolean {
    return names.includes(basename(this.active)) ||
      this.sealedBases(names).length > 0 || this.rustSegments(names).length > 0;
  }

  /** The name that the Rust program gives to the segment that it rotates out as the `count`th. */
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

/** What every part of an open journal needs. */
export interface JournalContext {
  readonly fs: FileSystem;
  readonly paths: JournalPaths;
  readonly maxRecordBytes: number;
  /** Where its files are made. */
  readonly staging: Staging;
}

function absolute(path: string | URL): string {
  if (path instanceof URL) return resolve(fileURLToPath(path));
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError(
      `Cannot open a journal: ${JSON.stringify(path)} is not a path`,
    );
  }
  return resolve(path);
}
