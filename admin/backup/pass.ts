import { readRustPair } from "../../snap/internal.ts";
import {
  encodeHeader,
  type JournalContext,
  listSegments,
} from "../../store/internal.ts";
import { collect } from "../../base/collect.ts";
import { basename, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { replaceFileDurably } from "../../fs/atomic_file.ts";
import { hex } from "../../base/bytes.ts";
import { isMissing, namesIn } from "../../fs/directory.ts";
import { checkSegments, type SegmentCheck } from "../read/segment_check.ts";
import { copyFile } from "../../fs/copy_file.ts";
import { rawLines } from "../read/raw_lines.ts";
import {
  isWholeLine,
  measureSegments,
  type SegmentFile,
} from "../read/log_summary.ts";
import {
  AS_WRITTEN,
  checkSnapshots,
  listThere,
} from "../read/snapshot_check.ts";

/** A file to copy was rotated, compacted or pruned meanwhile: list the files again. */
export class Moved extends Error {}

/** One attempt after another to copy a journal and its snapshots while a program writes them. */
export class BackupPass {
  readonly #from: JournalContext;
  readonly #to: JournalContext;
  /** The bases of sealed segments that are copied, lowest first, each following on the one before. */
  #sealed: number[] = [];
  /** Whether the original has lost its newest segment, or was about to make it. */
  isEndMissing = false;
  /** How many bytes of an unfinished write the original ends with. */
  tornBytes = 0;
  /** Files that were damaged where they were. */
  readonly damaged: Set<string> = new Set();
  /** The last of them that is a segment: a snapshot stands for the log up to its end. */
  covered: string | undefined;

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
    const { fs, paths: { active } } = this.#to;
    // An attempt before has copied it too early.
    if (await fs.stat(active) !== undefined) await fs.remove(active);
    try {
      await this.#copySnapshots();
      const { format, segments } = await measureSegments(this.#from);
      if (format === "mini") await this.#copyNative();
      else await this.#copyRust(segments.filter(({ isActive }) => !isActive));
    } catch (error) {
      const { cause } = error as { cause?: unknown };
      const isGone = [error, cause].some(isMissing);
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
    let bad: SegmentCheck | undefined;
    let last: SegmentCheck | undefined;
    for await (const check of checkSegments(this.#from, from ?? 0)) {
      if (bad?.problem !== undefined) {
        // The seam to the active segment is looked at in any case.
        const isCovered = !check.isActive &&
          check.base <= await this.#newestSnapshot();
        if (!isCovered) throw bad.problem;
        await this.#drop();
        this.covered = bad.path;
        this.damaged.add(bad.path);
      }
      bad = check.problem && !check.isActive ? check : undefined;
      if (bad !== undefined) {
        expected = undefined;
        continue;
      }
      // Compaction has removed what was to be next.
      if (expected !== undefined && check.base !== expected) {
        await this.#drop();
        throw new Moved();
      }
      if (check.problem !== undefined) throw check.problem;
      if (check.isActive) await this.#copyActive(check);
      else if (check.base !== from) await this.#copySealed(check);
      expected = check.last;
      last = check;
    }
    if (last?.isActive) return;
    // What follows on a damaged one is in the next list.
    if (last === undefined || bad !== undefined) throw new Moved();
    await this.#endWith(last);
  }

  /** Lets the copy end with a segment that was active when the segments were listed, and was sealed before it was copied. */
  async #endWith({ base }: SegmentCheck): Promise<void> {
    const { fs, paths } = this.#to;
    await this.#assertFollows(base);
    await fs.rename(paths.sealed(base), paths.active);
    this.#sealed.pop();
    this.isEndMissing = false;
    this.tornBytes = 0;
  }

  /** Throws if compaction has come between the snapshots and a log whose last segment starts after record `base`. */
  async #assertFollows(base: number): Promise<void> {
    const first = (this.#sealed[0] ?? base) + 1;
    const newest = await this.#newestSnapshot();
    if (newest > 0 && newest + 1 < first) throw new Moved();
  }

  /** Drops a copy that is of no use. */
  async #drop(): Promise<void> {
    const { fs, paths } = this.#to;
    for (const base of this.#sealed) await fs.remove(paths.sealed(base));
    this.#sealed = [];
  }

  /** The record of the newest snapshot that is copied. */
  async #newestSnapshot(): Promise<number> {
    const { fs, paths } = this.#to;
    return (await listThere(fs, paths.directory)).at(-1)?.seq ?? 0;
  }

  async #copySealed({ path, base, chain }: SegmentCheck): Promise<void> {
    const { staging, paths } = this.#to;
    const copied = await copyFile(staging, path, paths.sealed(base));
    this.#sealed.push(base);
    // The running checksum at the end of a segment is that of all its bytes.
    if (hex(copied) === chain) return;
    const message = `"${path}" changed while it was being copied`;
    throw new MiniError("CORRUPT", message, { path });
  }

  async #copyActive(check: SegmentCheck): Promise<void> {
    const { paths, staging } = this.#to;
    await this.#assertFollows(check.base);
    const { path, header, goodBytes, sizeBytes, chain, end } = check;
    this.isEndMissing = end === "missing";
    this.tornBytes = end === "torn" ? sizeBytes - goodBytes : 0;
    if (header === undefined) {
      return await this.#makeActive(check);
    }
    // A last line that lacks only its newline is one that opening keeps.
    const isWhole = end === "open" && sizeBytes > goodBytes;
    const bytes = isWhole ? sizeBytes : goodBytes;
    const copied = await copyFile(staging, path, paths.active, bytes);
    if (!isWhole && hex(copied) !== chain) throw new Moved();
  }

  /** Makes the segment that an unfinished rotation has left out, as opening does. */
  async #makeActive({ base }: SegmentCheck): Promise<void> {
    const { staging, paths } = this.#to;
    const isGone = (await measureSegments(this.#from)).segments.length === 0;
    if (isGone && await this.#newestSnapshot() > 0) {
      // Opening continues after the snapshot, in the copy as in the original.
      this.isEndMissing = false;
      return;
    }
    const [before] = await collect(
      checkSegments(this.#to, this.#sealed.at(-1) ?? 0),
    );
    if (before?.header === undefined) {
      const { active: path } = this.#from.paths;
      const message = `There is nothing to back up in "${path}" yet`;
      throw new MiniError("CORRUPT", message, { path });
    }
    const { header: { journal }, chain: prev } = before;
    const { bytes } = encodeHeader({ journal, base, prev });
    const file = await replaceFileDurably(
      staging,
      paths.active,
      (file) => file.write(bytes),
    );
    await file.close();
  }

  async #copyRust(rotated: readonly SegmentFile[]): Promise<void> {
    const { fs, paths, maxRecordBytes } = this.#from;
    const { staging, paths: to } = this.#to;
    for (const { path } of rotated) {
      const copy = join(to.directory, basename(path));
      if (await fs.stat(copy) === undefined) {
        await copyFile(staging, path, copy);
      }
    }
    let whole = 0;
    for await (const lines of rawLines(fs, paths.active, maxRecordBytes)) {
      for (const { bytes, offset, sizeBytes, isEnded } of lines) {
        this.tornBytes = isEnded || isWholeLine(bytes) ? 0 : sizeBytes;
        if (this.tornBytes > 0) break;
        whole = offset + sizeBytes + (isEnded ? 1 : 0);
      }
    }
    await copyFile(staging, paths.active, to.active, whole);
    const names = await namesIn(fs, paths.directory);
    const { sealed } = await listSegments(this.#from, names);
    if (sealed.length !== rotated.length) throw new Moved();
  }
}
