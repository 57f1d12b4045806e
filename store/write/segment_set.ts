import { ActiveSegment } from "./active_segment.ts";
import type { FileHandle, FileLock } from "../../fs/file_system.ts";
import { replaceFile, replaceFileDurably } from "../../fs/atomic_file.ts";
import { asyncCalls, blockingCalls, type Calls } from "../../fs/steps/calls.ts";
import {
  after,
  type Eventual,
  runLater,
  type Steps,
  wait,
} from "../../fs/steps/steps.ts";
import { type Encoded, encodeHeader, type Header } from "../format/line.ts";
import { startNext } from "./next_segment.ts";
import { hex } from "../../base/bytes.ts";
import { isMissing } from "../../fs/directory.ts";
import { failed } from "./failed.ts";
import { copyActive, type Recovered, type SealedSegment } from "../recover.ts";
import type { FileCompactionReport } from "../log.ts";
import type { JournalContext } from "../journal.ts";
import type { KeepOptions } from "../options.ts";
import { lastTimeIn } from "../read/native_segments.ts";
import { beyondAge, beyondSize } from "./keep.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** Compacts up to a record, if there is anything to remove. */
type Compact = (upTo: number) => Eventual<unknown>;

/**
 * The segments of an open journal, the active one last.
 *
 * The kind of error tells the state of the files: after a {@linkcode MiniError}
 * they are as before, and the log stays usable; after any other error it is
 * unknown, and the log is poisoned. What an append may do works with either half
 * of the file system.
 */
export class SegmentSet {
  readonly #context: JournalContext;
  /** The calls that give promises. */
  readonly calls: Calls;
  /** The calls that return when they are done; `undefined` if the file system has none. */
  readonly blocking: Calls | undefined;
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
    this.calls = asyncCalls(context.fs);
    this.blocking = blockingCalls(context.fs);
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
    const calls = asyncCalls(context.fs);
    const active = await runLater(
      ActiveSegment.at(calls, context, file, recovered),
    );
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
   * Appends to the active segment lines of which the last time is `at`. Throws
   * `NO_SPACE` once the file is as it was before.
   *
   * The order is a rule: only after the fsync does the check of file and lock
   * prove that what became durable is in our journal.
   */
  append(
    calls: Calls,
    encoded: Encoded,
    { durable, at, watch }: {
      readonly durable: boolean;
      readonly at: number | undefined;
      readonly watch: Stopwatch;
    },
  ): Eventual<void> {
    watch.begin();
    return after(this.#active.write(calls, encoded), () => {
      watch.written();
      this.#at = at ?? this.#at;
      if (!durable) return this.#assertOurs(calls);
      return after(this.#active.sync(calls), () => {
        watch.synced();
        return this.#assertOurs(calls);
      });
    });
  }

  /** Lets readers see what was appended. */
  acknowledge(): void {
    const active = this.#active;
    active.readableBytes = active.sizeBytes;
    if (active.isSynced) active.durableBytes = active.sizeBytes;
  }

  /** Makes durable what was appended. */
  *sync(calls: Calls): Steps<void> {
    const { durableBytes, readableBytes } = this.#active;
    if (durableBytes === readableBytes) return;
    yield* wait(this.#active.sync(calls));
    yield* wait(this.#assertOurs(calls));
    this.#active.durableBytes = readableBytes;
  }

  /** Marks the end as clean; everything before it is durable already. */
  markEnd(encode: (chain: number) => Encoded): Promise<void> {
    return runLater(this.#active.writeMarks(this.calls, encode));
  }

  /** Frees the active segment. */
  close(): Promise<void> {
    return runLater(this.#active.close(this.calls));
  }

  /** Throws unless the journal is still ours alone. Checked after a write: a process that takes the lock later sees what was written. */
  #assertOurs(calls: Calls): Eventual<void> {
    const isCurrent = () => calls.isCurrent(this.#lock);
    const current = after(this.#active.assertOurs(calls), isCurrent);
    return after(current, (isOurs) => {
      if (isOurs) return;
      throw new Error("its lock file was removed or replaced");
    });
  }

  /** Seals the active segment, which ends with record `sequence` and is durable, and starts the next. */
  *rotate(calls: Calls, sequence: number): Steps<void> {
    const old = this.#active;
    yield* wait(this.#assertOurs(calls));
    const header = { ...this.#header, base: sequence, prev: hex(old.chain) };
    const path = this.#context.paths.sealed(this.base);
    this.#active = yield* startNext(calls, this.#context, {
      old,
      sealed: path,
      header: encodeHeader(header),
    });
    const { sizeBytes } = old;
    const sealed = { path, base: this.base, sizeBytes, at: this.#at ?? null };
    this.#sealed = [...this.#sealed, sealed];
    this.#at = undefined;
    this.#header = header;
    yield* old.close(calls);
  }

  /** Whether compaction up to there would remove anything. */
  canCompact(upTo: number): boolean {
    const [oldest, next] = this.#sealed;
    return oldest !== undefined && (next?.base ?? this.base) <= upTo;
  }

  /** Removes the sealed segments that hold no record above `upTo`, oldest first. */
  compact(calls: Calls, upTo: number): Steps<FileCompactionReport> {
    const remove = ({ path }: SealedSegment) => calls.remove(path);
    return this.#release(calls, upTo, "remove", remove);
  }

  /** Removes the sealed segments that are entirely beyond a limit, oldest first, by `compact`. */
  *trim(calls: Calls, keep: KeepOptions, compact: Compact): Steps<void> {
    const { base, sizeBytes } = this;
    const active = { base, sizeBytes };
    try {
      yield* wait(compact(beyondSize(keep, { sealed: this.#sealed, active })));
      // Last, because it may have to read a segment, and fail.
      const lastTime = (segment: SealedSegment) =>
        calls.isBlocking ? segment.at : this.#lastTime(segment);
      const left = { sealed: this.#sealed, active, lastTime };
      yield* wait(compact(yield* beyondAge(keep, left)));
    } catch (error) {
      throw failed(this.#context, error, "remove the oldest segments of");
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
  *#release(
    calls: Calls,
    upTo: number,
    doing: string,
    release: (segment: SealedSegment) => Eventual<void>,
  ): Steps<FileCompactionReport> {
    const removed: string[] = [];
    let removedBytes = 0;
    yield* this.#syncRelease(calls);
    while (this.canCompact(upTo)) {
      const oldest = this.#sealed[0]!;
      const others = this.#sealed.slice(1);
      try {
        // Before the release: a reader that misses the segment must see why.
        this.#sealed = others;
        yield* wait(release(oldest));
        removed.push(oldest.path);
        removedBytes += oldest.sizeBytes;
      } catch (error) {
        // Somebody else may have removed it.
        if (!isMissing(error)) {
          this.#sealed = [oldest, ...others];
          throw failed(this.#context, error, `${doing} "${oldest.path}" from`);
        }
      }
      this.#released = oldest.path;
      yield* this.#syncRelease(calls);
    }
    return { removed, removedBytes, firstSequence: this.firstSequence };
  }

  /** Makes the last release durable. One at a time: a power cut that undid some of several would leave a gap. */
  *#syncRelease(calls: Calls): Steps<void> {
    if (this.#released === undefined) return;
    try {
      yield* wait(calls.syncDirectory(this.#context.paths.directory));
    } catch (error) {
      const doing = `sync the directory without "${this.#released}" for`;
      const kept =
        "a power cut may bring that segment back, and none is removed until the directory is synced; every other record is kept, and the log stays usable";
      throw failed(this.#context, error, doing, kept);
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
      await old.assertOurs(this.calls);
      throw failed(this.#context, error, "reset");
    }
    const end = { sizeBytes: bytes.length, chain };
    try {
      await staging.fs.syncDirectory(staging.directory);
      this.#active = await runLater(
        ActiveSegment.at(this.calls, this.#context, file, end),
      );
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    this.#header = header;
    this.#at = undefined;
    await runLater(old.close(this.calls));
  }

  /** Renames the sealed segments, and copies the active one, which keeps its name until the new one replaces it. */
  async #setAside(last: number): Promise<void> {
    const { fs, paths, staging } = this.#context;
    const names = await fs.list(paths.directory);
    const release = ({ path, base }: SealedSegment) =>
      fs.rename(path, paths.aside(base, names));
    await runLater(
      this.#release(this.calls, this.base, "set aside", release),
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
      throw failed(this.#context, error, `make "${name}" of`);
    }
  }
}
