import { ActiveSegment } from "./active_segment.ts";
import type { MiniError } from "../../base/errors.ts";
import type { FileHandle, FileLock } from "../../fs/file_system.ts";
import {
  replaceFile,
  replaceFileDurably,
  stageFile,
} from "../../fs/atomic_file.ts";
import { type Encoded, encodeHeader, type Header } from "../format/line.ts";
import { hex } from "../../base/bytes.ts";
import { isMissing } from "../../fs/directory.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { copyActive, type Recovered, type SealedSegment } from "../recover.ts";
import type { FileCompactionReport } from "../log.ts";
import type { JournalContext } from "../journal.ts";
import type { KeepOptions } from "../options.ts";
import { lastTimeIn } from "../read/native_segments.ts";
import { beyondAge, beyondSize } from "./keep.ts";

/** Compacts up to a record, if there is anything to remove. */
type Compact = (upTo: number) => unknown;

/**
 * The segments of an open journal, the active one last.
 *
 * The kind of error tells the state of the files: after a {@linkcode MiniError}
 * they are as before, and the log stays usable; after any other error it is
 * unknown, and the log is poisoned.
 */
export class SegmentSet {
  readonly #context: JournalContext;
  readonly #lock: FileLock;
  #header: Header;
  #sealed: readonly SealedSegment[];
  #active: ActiveSegment;
  /** The last time in the active segment, if it tells one. */
  #at: number | undefined;
  /** The path of the last segment that was released, until that is durable. */
  #released: string | undefined;

  private constructor(
    context: JournalContext,
    lock: FileLock,
    { header, sealed, at }: Recovered,
    active: ActiveSegment,
  ) {
    this.#context = context;
    this.#lock = lock;
    this.#header = header;
    this.#sealed = sealed;
    this.#active = active;
    this.#at = at;
  }

  /** Continues where recovery ended. */
  static async at(
    context: JournalContext,
    lock: FileLock,
    recovered: Recovered,
  ): Promise<SegmentSet> {
    const { file } = recovered;
    const active = await ActiveSegment.at(context, file, recovered);
    return new SegmentSet(context, lock, recovered, active);
  }

  /** The size of the active segment. */
  get sizeBytes(): number {
    return this.#active.sizeBytes;
  }

  /** The running checksum at its end. */
  get chain(): number {
    return this.#active.chain;
  }

  /** The number before the active segment's first record. */
  get base(): number {
    return this.#header.base;
  }

  /** The id that all segments carry. */
  get journal(): string {
    return this.#header.journal;
  }

  /** The number of acknowledged bytes of a segment; `Infinity` for a sealed one. */
  limitOf(base: number): number {
    return base === this.base ? this.#active.readableBytes : Infinity;
  }

  /** The number of bytes of a segment that are durable; `Infinity` for a sealed one. */
  durableLimitOf(base: number): number {
    return base === this.base ? this.#active.durableBytes : Infinity;
  }

  /** The number of the first record still present, or of the next one if there is none. */
  get firstSequence(): number {
    return (this.#sealed[0]?.base ?? this.base) + 1;
  }

  /** The number after which there are at least `bytes`, in whole segments, or that before the first record if there are fewer. */
  seqBefore(bytes: number): number {
    let { base, sizeBytes } = this;
    for (const sealed of this.#sealed.toReversed()) {
      if (sizeBytes >= bytes) break;
      base = sealed.base;
      sizeBytes += sealed.sizeBytes;
    }
    return base;
  }

  /**
   * Appends to the active segment lines of which the last time is `at`; resolves
   * to how long that took. Throws `NO_SPACE` once the file is as it was before.
   *
   * The order is a rule: only after the fsync does the check of file and lock
   * prove that what became durable is in our journal.
   */
  async append(
    encoded: Encoded,
    { durable, at }: {
      readonly durable: boolean;
      readonly at: number | undefined;
    },
  ): Promise<{ writeMs: number; syncMs: number }> {
    const writeMs = await this.#active.write(encoded);
    this.#at = at ?? this.#at;
    const syncMs = durable ? await this.#active.sync() : 0;
    await this.#assertOurs();
    return { writeMs, syncMs };
  }

  /** Lets readers see what was appended. */
  acknowledge(): void {
    const active = this.#active;
    active.readableBytes = active.sizeBytes;
    if (active.isSynced) active.durableBytes = active.sizeBytes;
  }

  /** Makes durable what was appended. */
  async sync(): Promise<void> {
    const { durableBytes, readableBytes } = this.#active;
    if (durableBytes === readableBytes) return;
    await this.#active.sync();
    await this.#assertOurs();
    this.#active.durableBytes = readableBytes;
  }

  /** Marks the end as clean; everything before it is durable already. */
  markEnd(encode: (chain: number) => Encoded): Promise<void> {
    return this.#active.writeMarks(encode);
  }

  /** Frees the active segment. */
  close(): Promise<void> {
    return this.#active.close();
  }

  /** Throws unless the journal is still ours alone. Checked after a write: a process that takes the lock later sees what was written. */
  async #assertOurs(): Promise<void> {
    await this.#active.assertOurs();
    if (await this.#lock.isCurrent()) return;
    throw new Error("its lock file was removed or replaced");
  }

  /** Seals the active segment, which ends with record `sequence` and is durable, and starts the next. */
  async rotate(sequence: number): Promise<void> {
    const old = this.#active;
    await this.#assertOurs();
    const header = { ...this.#header, base: sequence, prev: hex(old.chain) };
    const path = this.#context.paths.sealed(this.base);
    this.#active = await this.#startNext(path, encodeHeader(header));
    const { sizeBytes } = old;
    const sealed = { path, base: this.base, sizeBytes, at: this.#at ?? null };
    this.#sealed = [...this.#sealed, sealed];
    this.#at = undefined;
    this.#header = header;
    await old.close();
  }

  /** Creates the next segment and gives both files their names, each step durable before the next. */
  async #startNext(
    sealedPath: string,
    { bytes, chain }: Encoded,
  ): Promise<ActiveSegment> {
    const { fs, paths } = this.#context;
    let file: FileHandle | undefined;
    let isUnknown = false;
    const syncNames = async () => {
      isUnknown = true;
      await fs.syncDirectory(paths.directory);
      isUnknown = false;
    };
    try {
      if (await fs.stat(sealedPath) !== undefined) {
        throw new Error(`the file "${sealedPath}" exists already`);
      }
      file = await stageFile(
        this.#context.staging,
        (file) => file.write(bytes),
      );
      // Before the names change: a failure here leaves the old segment in use.
      const end = { sizeBytes: bytes.length, chain };
      const next = await ActiveSegment.at(this.#context, file, end);
      await fs.rename(paths.active, sealedPath);
      await syncNames();
      await fs.rename(paths.temporary, paths.active);
      await syncNames();
      return next;
    } catch (error) {
      await file?.close().catch(() => {});
      if (isUnknown) throw error;
      await fs.remove(paths.temporary).catch(() => {});
      await this.#takeBackName(sealedPath);
      throw this.#failed(error, "start a new segment of");
    }
  }

  /** Gives the active segment its name back if a rotation stopped half-way. */
  async #takeBackName(sealedPath: string): Promise<void> {
    const { fs, paths } = this.#context;
    if (await this.#active.isAt(sealedPath)) {
      await fs.rename(sealedPath, paths.active);
      await fs.syncDirectory(paths.directory);
    }
    await this.#active.assertOurs();
  }

  /** Whether compaction up to there would remove anything. */
  canCompact(upTo: number): boolean {
    const [oldest, next] = this.#sealed;
    return oldest !== undefined && (next?.base ?? this.base) <= upTo;
  }

  /** Removes the sealed segments that hold no record above `upTo`, oldest first. */
  compact(upTo: number): Promise<FileCompactionReport> {
    const { fs } = this.#context;
    return this.#release(upTo, "remove", ({ path }) => fs.remove(path));
  }

  /** Removes the sealed segments that are entirely beyond a limit, oldest first, by `compact`. */
  async trim(keep: KeepOptions, compact: Compact): Promise<void> {
    const { base, sizeBytes } = this;
    const active = { base, sizeBytes };
    try {
      await compact(beyondSize(keep, { sealed: this.#sealed, active }));
      // Last, because it may have to read a segment, and fail.
      const lastTime = (segment: SealedSegment) => this.#lastTime(segment);
      const left = { sealed: this.#sealed, active, lastTime };
      await compact(await beyondAge(keep, left));
    } catch (error) {
      throw this.#failed(error, "remove the oldest segments of");
    }
  }

  /** The last time of a sealed segment, which is read at most once. */
  async #lastTime(segment: SealedSegment): Promise<number | null> {
    if (segment.at !== undefined) return segment.at;
    const at = await lastTimeIn(this.#context, [segment]) ?? null;
    this.#sealed = this.#sealed.map((other) =>
      other === segment ? { ...segment, at } : other
    );
    return at;
  }

  /** Releases the sealed segments that hold no record above `upTo`, oldest first. */
  async #release(
    upTo: number,
    doing: string,
    release: (segment: SealedSegment) => Promise<void>,
  ): Promise<FileCompactionReport> {
    const removed: string[] = [];
    let removedBytes = 0;
    await this.#syncRelease();
    while (this.canCompact(upTo)) {
      const oldest = this.#sealed[0]!;
      const others = this.#sealed.slice(1);
      try {
        // Before the release: a reader that misses the segment must see why.
        this.#sealed = others;
        await release(oldest);
        removed.push(oldest.path);
        removedBytes += oldest.sizeBytes;
      } catch (error) {
        // Somebody else may have removed it.
        if (!isMissing(error)) {
          this.#sealed = [oldest, ...others];
          throw this.#failed(error, `${doing} "${oldest.path}" from`);
        }
      }
      this.#released = oldest.path;
      await this.#syncRelease();
    }
    return { removed, removedBytes, firstSequence: this.firstSequence };
  }

  /** Makes the last release durable. One at a time: a power cut that undid some of several would leave a gap. */
  async #syncRelease(): Promise<void> {
    if (this.#released === undefined) return;
    try {
      await this.#context.fs.syncDirectory(this.#context.paths.directory);
    } catch (error) {
      const doing = `sync the directory without "${this.#released}" for`;
      const after =
        "a power cut may bring that segment back, and none is removed until the directory is synced; every other record is kept, and the log stays usable";
      throw this.#failed(error, doing, after);
    }
    this.#released = undefined;
  }

  /**
   * Continues after record `seq`, which lies ahead: a snapshot covers the records
   * up to there. The records that the log holds, up to record `last`, are set
   * aside. A crash leaves either a log that ends earlier, or the new one.
   */
  async resetTo(
    seq: number,
    last: number,
    journal: string = this.journal,
  ): Promise<void> {
    const { paths, staging } = this.#context;
    await this.#setAside(last);
    const header = { journal, base: seq, prev: hex(0) };
    const { bytes, chain } = encodeHeader(header);
    const old = this.#active;
    let file: FileHandle;
    try {
      file = await replaceFile(
        staging,
        paths.active,
        (file) => file.write(bytes),
      );
    } catch (error) {
      await old.assertOurs();
      throw this.#failed(error, "reset");
    }
    const end = { sizeBytes: bytes.length, chain };
    try {
      await staging.fs.syncDirectory(staging.directory);
      this.#active = await ActiveSegment.at(this.#context, file, end);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    this.#header = header;
    this.#at = undefined;
    await old.close();
  }

  /** Renames the sealed segments, and copies the active one, which keeps its name until the new one replaces it. */
  async #setAside(last: number): Promise<void> {
    const { fs, paths, staging } = this.#context;
    const names = await fs.list(paths.directory);
    await this.#release(
      this.base,
      "set aside",
      ({ path, base }) => fs.rename(path, paths.aside(base, names)),
    );
    if (last === this.base) return;
    const { sizeBytes } = this.#active;
    const name = paths.aside(this.base, names);
    const fill = (file: FileHandle) =>
      copyActive(this.#context, sizeBytes, file);
    try {
      const copy = await replaceFileDurably(staging, name, fill);
      await copy.close();
    } catch (error) {
      throw this.#failed(error, `make "${name}" of`);
    }
  }

  #failed(
    error: unknown,
    doing: string,
    after = "every record is kept, and the log stays usable",
  ): MiniError {
    const { directory, active: path } = this.#context.paths;
    return fromOs(error, `${doing} "${path}"`, after, { directory, path });
  }
}
