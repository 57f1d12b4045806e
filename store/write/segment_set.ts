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
import { fromOs } from "../../fs/os_errors.ts";
import type { Recovered, SealedSegment } from "../recover.ts";
import type { CompactionReport } from "../log.ts";
import { copyActive } from "../rewrite.ts";
import type { JournalContext } from "../journal.ts";

/**
 * The segments of an open journal, the active one last.
 *
 * What is thrown says what is true: after a {@linkcode MiniError} the log goes
 * on as it was, after anything else it is unknown and the log is poisoned.
 */
export class SegmentSet {
  readonly #context: JournalContext;
  readonly #lock: FileLock;
  #header: Header;
  #sealed: readonly SealedSegment[];
  #active: ActiveSegment;
  #compactionFailure: MiniError | undefined;

  private constructor(
    context: JournalContext,
    lock: FileLock,
    { header, sealed }: Recovered,
    active: ActiveSegment,
  ) {
    this.#context = context;
    this.#lock = lock;
    this.#header = header;
    this.#sealed = sealed;
    this.#active = active;
  }

  /** Goes on where recovery ended. */
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

  /** How many bytes of the segment are acknowledged; `Infinity` for a sealed one. */
  limitOf(base: number): number {
    return base === this.base ? this.#active.readableBytes : Infinity;
  }

  /** The number of the first record that is there, or of the next one where none is. */
  get firstSequence(): number {
    return (this.#sealed[0]?.base ?? this.base) + 1;
  }

  /** Appends to the active segment, durably or not, while the journal is ours alone. Throws `NO_SPACE` once the file is as it was before. */
  async append(
    encoded: Encoded,
    { durable }: { readonly durable: boolean },
  ): Promise<void> {
    await this.#active.write(encoded);
    if (durable) await this.#active.sync();
    await this.#assertOurs();
  }

  /** Lets readers see what was appended. */
  acknowledge(): void {
    this.#active.readableBytes = this.#active.sizeBytes;
  }

  /** Makes durable what was appended. */
  async sync(): Promise<void> {
    if (this.#active.isSynced) return;
    await this.#active.sync();
    await this.#assertOurs();
  }

  /** Marks the end as clean; everything before it is durable already. */
  markEnd(encode: (chain: number) => Encoded): Promise<void> {
    return this.#active.writeMarks(encode);
  }

  /** Frees the active segment. */
  close(): Promise<void> {
    return this.#active.close();
  }

  /** Throws unless the journal is still ours alone. Asked after a write: another process that has taken the lock since then has seen what was written. */
  async #assertOurs(): Promise<void> {
    await this.#active.assertOurs();
    if (await this.#lock.isCurrent()) return;
    throw new Error("its lock file was removed or replaced");
  }

  /** Seals the active segment, which ends with record `sequence` and is durable, and starts the next. */
  async rotate(sequence: number): Promise<void> {
    if (sequence === this.base) return;
    const old = this.#active;
    await this.#assertOurs();
    const header = { ...this.#header, base: sequence, prev: hex(old.chain) };
    const path = this.#context.paths.sealed(this.base);
    this.#active = await this.#startNext(path, encodeHeader(header));
    const sealed = { path, base: this.base, sizeBytes: old.sizeBytes };
    this.#sealed = [...this.#sealed, sealed];
    this.#header = header;
    await old.close();
  }

  /** Makes the next segment and gives both files their names, each step durable before the next. */
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
        throw new Error(`there is a file "${sealedPath}" already`);
      }
      file = await stageFile(
        this.#context.staging,
        (file) => file.write(bytes),
      );
      // Before the names change: the log can go on without it.
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

  /** Gives the active segment its name again where a rotation has got half-way. */
  async #takeBackName(sealedPath: string): Promise<void> {
    const { fs, paths } = this.#context;
    if (await this.#active.isAt(sealedPath)) {
      await fs.rename(sealedPath, paths.active);
      await fs.syncDirectory(paths.directory);
    }
    await this.#active.assertOurs();
  }

  /** Removes the sealed segments that hold no record above `upTo`, oldest first. */
  compact(upTo: number): Promise<Required<CompactionReport>> {
    const { fs } = this.#context;
    return this.#release(upTo, "remove", ({ path }) => fs.remove(path));
  }

  /** Lets go of the sealed segments that hold no record above `upTo`, oldest first. */
  async #release(
    upTo: number,
    doing: string,
    release: (segment: SealedSegment) => Promise<void>,
  ): Promise<Required<CompactionReport>> {
    if (this.#compactionFailure !== undefined) throw this.#compactionFailure;
    const { fs, paths } = this.#context;
    const removed: string[] = [];
    let removedBytes = 0;
    for (;;) {
      const [oldest, next] = this.#sealed;
      if (oldest === undefined || (next?.base ?? this.base) > upTo) {
        return { removed, removedBytes, firstSequence: this.firstSequence };
      }
      const others = this.#sealed.slice(1);
      let isReleased = false;
      try {
        // Before it goes: a reader that misses it must see why.
        this.#sealed = others;
        await release(oldest);
        isReleased = true;
        // One at a time: were several removals undone by a power cut in part, there would be a gap.
        await fs.syncDirectory(paths.directory);
      } catch (error) {
        const failure = this.#failed(error, `${doing} "${oldest.path}" from`);
        if (isReleased) this.#compactionFailure = failure;
        else this.#sealed = [oldest, ...this.#sealed];
        throw failure;
      }
      removed.push(oldest.path);
      removedBytes += oldest.sizeBytes;
    }
  }

  /**
   * Goes on after record `seq`, which lies ahead: whatever was up to there is
   * covered elsewhere. What the log holds, up to record `last`, is set aside.
   * Every state that a crash may leave is a log that ends earlier, or this one.
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
      throw this.#failed(error, "skip records of");
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
    await old.close();
  }

  /** Renames the sealed segments, and copies the active one, which keeps its name until another takes its place. */
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

  #failed(error: unknown, doing: string): MiniError {
    const { directory, active: path } = this.#context.paths;
    const after = "every record is kept, and the log goes on";
    return fromOs(error, `${doing} "${path}"`, after, { directory, path });
  }
}
