import { collect } from "./collect.ts";
import { basename, join } from "@std/path";
import { readRustPair } from "../snap/rust_pair.ts";
import { MiniError } from "../store/errors.ts";
import { installFile } from "../store/install.ts";
import { encodeHeader, hex } from "../store/line.ts";
import { osCode } from "../store/os_errors.ts";
import type { JournalContext } from "../store/segment.ts";
import { checkSegments, type SegmentCheck } from "./check.ts";
import { copyFile } from "./copy.ts";
import { rawLines } from "./lines.ts";
import { AS_WRITTEN, checkSnapshots, listThere } from "./snapshot_check.ts";
import { rotatedByRust } from "./survey.ts";

/** What was to be copied has moved: rotated, compacted, pruned. It is to be looked at again. */
export class Moved extends Error {}

/** One attempt after another to copy a journal and its snapshots while a program writes them. */
export class BackupPass {
  readonly #from: JournalContext;
  readonly #to: JournalContext;
  /** The bases of sealed segments that are copied, lowest first, each following on the one before. */
  #sealed: number[] = [];
  /** Whether the original has lost its newest segment, or was about to make it. */
  isEndMissing = false;
  /** Snapshots that were damaged where they were. */
  readonly damaged: Set<string> = new Set();

  constructor(from: JournalContext, to: JournalContext) {
    this.#from = from;
    this.#to = to;
  }

  /**
   * Copies what is not copied yet, the active segment last. Snapshots go first:
   * the log is durable up to each of them, so that none is ahead of its copy.
   * Throws {@linkcode Moved} where it is to be called again.
   */
  async run(): Promise<void> {
    try {
      await this.#copySnapshots();
      const rust = await rotatedByRust(this.#from);
      if (rust === undefined) await this.#copyNative();
      else await this.#copyRust(rust);
    } catch (error) {
      const { cause } = error as { cause?: unknown };
      const isGone = [error, cause].some((one) => osCode(one) === "ENOENT");
      throw isGone ? new Moved() : error;
    }
  }

  async #copySnapshots(): Promise<void> {
    const { fs, paths: { directory } } = this.#from;
    const target = this.#to.paths.directory;
    for (const { path } of await listThere(fs, directory)) {
      const copy = join(target, basename(path));
      if (await fs.stat(copy) !== undefined || this.damaged.has(path)) continue;
      await copyFile(this.#to.staging, path, copy);
    }
    for (const { path, problem } of await checkSnapshots(fs, target)) {
      if (problem === undefined) continue;
      this.damaged.add(join(directory, basename(path)));
      await fs.remove(path);
    }
    await this.#copyPair();
  }

  /** The two files of an early `minisnap`, which are replaced one after the other. */
  async #copyPair(): Promise<void> {
    const { fs, paths: { directory } } = this.#from;
    const before = await readRustPair(fs, directory, AS_WRITTEN);
    if (before === undefined) return;
    for (const name of ["snapshot.json", "snapshot.seq"]) {
      const [from, to] = [directory, this.#to.paths.directory]
        .map((place) => join(place, name));
      await copyFile(this.#to.staging, from!, to!);
    }
    const copied = await readRustPair(
      fs,
      this.#to.paths.directory,
      AS_WRITTEN,
    );
    if (JSON.stringify(copied) !== JSON.stringify(before)) throw new Moved();
  }

  async #copyNative(): Promise<void> {
    const from = this.#sealed.at(-1);
    let expected = from;
    for await (const check of checkSegments(this.#from, from ?? 0)) {
      // Compaction has removed what was to be next.
      if (expected !== undefined && check.base !== expected) {
        await this.#startAgain();
      }
      if (check.problem !== undefined) throw check.problem;
      if (check.isActive) await this.#copyActive(check);
      else if (check.base !== from) await this.#copySealed(check);
      expected = check.last;
    }
  }

  /** What is copied is of no more use. */
  async #startAgain(): Promise<never> {
    const { fs, paths } = this.#to;
    for (const base of this.#sealed) await fs.remove(paths.sealed(base));
    this.#sealed = [];
    throw new Moved();
  }

  async #copySealed({ path, base, chain }: SegmentCheck): Promise<void> {
    const { staging, paths } = this.#to;
    const copied = await copyFile(staging, path, paths.sealed(base));
    this.#sealed.push(base);
    // The running checksum at the end of a segment is that of all its bytes.
    if (hex(copied) === chain) return;
    const message = `"${path}" has changed while it was copied`;
    throw new MiniError("CORRUPT", message, { path });
  }

  async #copyActive(check: SegmentCheck): Promise<void> {
    const { fs, paths, staging } = this.#to;
    const first = (this.#sealed[0] ?? check.base) + 1;
    const snapshots = await listThere(fs, paths.directory);
    const newest = snapshots.at(-1)?.seq;
    // Compaction has come between the snapshots and the log.
    if (newest !== undefined && newest + 1 < first) throw new Moved();
    const { path, header, goodBytes, sizeBytes, chain, end } = check;
    this.isEndMissing = end === "missing";
    if (header === undefined) {
      return await this.#makeActive(check);
    }
    // A last line that lacks only its newline is one that opening keeps.
    const isWhole = end === "open" && sizeBytes > goodBytes;
    const bytes = isWhole ? sizeBytes : goodBytes;
    const pending = `${paths.active}.pending`;
    const copied = await copyFile(staging, path, pending, bytes);
    if (!isWhole && hex(copied) !== chain) throw new Moved();
    await fs.rename(pending, paths.active);
    await fs.syncDirectory(paths.directory);
  }

  /** Makes the segment that an unfinished rotation has left out, as opening does. */
  async #makeActive({ base }: SegmentCheck): Promise<void> {
    const { staging, paths } = this.#to;
    const [before] = await collect(
      checkSegments(this.#to, this.#sealed.at(-1) ?? 0),
    );
    if (before?.header === undefined) {
      const { active: path } = this.#from.paths;
      const message = `There is nothing in "${path}" to back up yet`;
      throw new MiniError("CORRUPT", message, { path });
    }
    const { header: { journal }, chain: prev } = before;
    const { bytes } = encodeHeader({ journal, base, prev });
    const file = await installFile(
      staging,
      paths.active,
      (file) => file.write(bytes),
    );
    await file.close();
  }

  async #copyRust(rotated: readonly string[]): Promise<void> {
    const { fs, paths, maxRecordBytes } = this.#from;
    const { staging, paths: to } = this.#to;
    for (const path of rotated) {
      const copy = join(to.directory, basename(path));
      if (await fs.stat(copy) === undefined) {
        await copyFile(staging, path, copy);
      }
    }
    let whole = 0;
    for await (const lines of rawLines(fs, paths.active, maxRecordBytes)) {
      for (const { offset, sizeBytes, isEnded } of lines) {
        if (isEnded) whole = offset + sizeBytes + 1;
      }
    }
    await copyFile(staging, paths.active, to.active, whole);
    const now = await rotatedByRust(this.#from);
    if (now?.length !== rotated.length) throw new Moved();
  }
}
