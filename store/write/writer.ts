import { type Commit, CommitQueue } from "./commit_queue.ts";
import { MiniError } from "../../base/errors.ts";
import type { FileLock } from "../../fs/file_system.ts";
import { tooLarge } from "../../base/json.ts";
import type { Encoded, Unit, WriteFormat } from "../format/line.ts";
import { Mutex } from "../../base/mutex.ts";
import { checkCount } from "../../base/checks.ts";
import { wallClockMs } from "../../fs/system.ts";
import type { Recovered } from "../recover.ts";
import type { CommittedEnd } from "../read/segment_reader.ts";
import type { JournalContext } from "../journal.ts";
import type { ConsumerInfo } from "../consume/info.ts";
import type { FileCompactionReport } from "../log.ts";
import type { KeepOptions } from "../options.ts";
import { compactUpTo } from "./compaction.ts";
import { Poison } from "./poison.ts";
import { Rotation } from "./rotation.ts";
import { SegmentSet } from "./segment_set.ts";
import { type CommitReport, WriterMeter } from "./meter.ts";
import { COMMIT } from "../telemetry.ts";
import { Signal } from "../../base/signal.ts";

/** The options of a {@linkcode Writer}. */
export interface WriterOptions {
  readonly context: JournalContext;
  readonly format: WriteFormat;
  readonly lock: FileLock;
  readonly maxSegmentBytes: number;
  /** Whether an append waits for fsync if the call does not say. */
  readonly isDurable: boolean;
  /** Whether each commit carries its time. */
  readonly hasTimes: boolean;
  /** The last time of the log, if it has times. */
  readonly lastTime?: number | undefined;
  /** The limits beyond which a rotation removes the oldest segments. */
  readonly keep?: KeepOptions | undefined;
  /** From how many milliseconds on an fsync is told of as slow. */
  readonly slowMs: number;
}

/**
 * Writes at the end of an open journal: makes group commits, and decides whether
 * a failure poisons the log. One task at a time touches the files.
 */
export class Writer implements CommittedEnd {
  readonly #options: WriterOptions;
  readonly #segments: SegmentSet;
  readonly #mutex = new Mutex();
  readonly #queue = new CommitQueue();
  #isCommitting = false;
  #durable: number;
  /** The last time of the log, if it has one. */
  #at: number | undefined;
  #closing: Promise<void> | undefined;
  readonly #change = new Signal();
  /** Counts what it does, and tells of it. */
  readonly meter: WriterMeter;

  /** The number of the last acknowledged record. */
  sequence: number;
  /** Whether no more records will come. */
  isEnded = false;
  readonly #poison: Poison;
  /** When a new segment begins. */
  readonly rotation: Rotation;
  /** The number up to which the log proves that records had been applied. */
  applied: number;

  private constructor(
    options: WriterOptions,
    recovered: Recovered,
    segments: SegmentSet,
  ) {
    this.#options = options;
    const { context: { paths: { active: path } }, slowMs } = options;
    const meter = new WriterMeter(path, slowMs, () => this.#queue.waiting);
    this.meter = meter;
    this.#poison = new Poison(path, (error) => this.#fail(error));
    this.rotation = new Rotation({ segments, meter }, options);
    this.#segments = segments;
    this.#durable = recovered.sequence;
    this.#at = options.lastTime;
    this.sequence = recovered.sequence;
    this.applied = recovered.applied;
  }

  /** Continues where recovery ended. */
  static async at(
    options: WriterOptions,
    recovered: Recovered,
  ): Promise<Writer> {
    const { context, lock } = options;
    const segments = await SegmentSet.at(context, lock, recovered);
    return new Writer(options, recovered, segments);
  }

  /** The error that has poisoned the log. */
  get failure(): MiniError | undefined {
    return this.#poison.failure;
  }

  /** Resolves when the log is poisoned, with the reason. */
  get failed(): Promise<MiniError> {
    return this.#poison.failed;
  }

  /** Resolves when there is more to read, or there never will be. */
  get changed(): Promise<void> {
    return this.#change.next;
  }

  /** The base of the segment that is being written. */
  get base(): number {
    return this.#segments.base;
  }

  /** The number of acknowledged bytes of a segment; `Infinity` for a sealed one. */
  limitOf(base: number): number {
    return this.#segments.limitOf(base);
  }

  /** The number of bytes of a segment that are durable; `Infinity` for a sealed one. */
  durableLimitOf(base: number): number {
    return this.#segments.durableLimitOf(base);
  }

  /** The number of the last durable record. */
  get durableSequence(): number {
    return this.#durable;
  }

  /** The number of the first record still present, or of the next one if there is none. */
  get firstSequence(): number {
    return this.#segments.firstSequence;
  }

  /** The number after which there are at least `bytes`, in whole segments, or that before the first record if there are fewer. */
  seqBefore(bytes: number): number {
    return this.#segments.seqBefore(bytes);
  }

  /** The log's id; `undefined` if the format has none. */
  get id(): string | undefined {
    return this.isNative ? this.#segments.journal : undefined;
  }

  /** Whether {@linkcode Writer.close} was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Throws `CLOSED` once {@linkcode Writer.close} was called. */
  assertOpen(): void {
    if (!this.isClosed) return;
    const { active: path } = this.#options.context.paths;
    const message = `Cannot use "${path}": it was closed`;
    throw new MiniError("CLOSED", message, { path });
  }

  /** Whether the log is in this package's own format. */
  get isNative(): boolean {
    return this.#options.format.isNative;
  }

  /** Whether each commit carries its time. */
  get hasTimes(): boolean {
    return this.#options.hasTimes;
  }

  /** The last time of the log, even if its record is gone; `Infinity` if it is not known. */
  get lastTime(): number {
    return this.#at ?? Infinity;
  }

  /** Throws `UNSUPPORTED_FORMAT` if the format cannot express the action. */
  assertNative(doing: string): void {
    if (this.isNative) return;
    const { active: path } = this.#options.context.paths;
    const message =
      `Cannot ${doing} in "${path}": the format of the Rust ministore cannot express that; nothing was written`;
    throw new MiniError("UNSUPPORTED_FORMAT", message, { path });
  }

  /** Queues units for one commit. Resolves to the number of the last record once that is durable, or written if `isDurable` is false. */
  add(
    units: readonly Unit[],
    isDurable: boolean = this.#options.isDurable,
  ): Promise<number> {
    return this.meter.append(units, (message) => {
      if (this.failure !== undefined) throw this.failure;
      const added = this.#queue.add(units, isDurable, message);
      if (!this.#isCommitting) this.#commitAll();
      return added;
    });
  }

  async #commitAll(): Promise<void> {
    this.#isCommitting = true;
    while (!this.#queue.isEmpty) {
      await this.#queue.settle();
      await this.#mutex.run(() => this.#commitNext());
    }
    this.#isCommitting = false;
  }

  async #commitNext(): Promise<void> {
    const commit = this.#queue.shift();
    if (commit === undefined) return;
    const run = () => this.#commit(commit);
    this.meter.begin(commit);
    try {
      const report = await (COMMIT.isObserved
        ? this.meter.commit(commit, this, run)
        : run());
      this.meter.count(commit, report);
      this.meter.appended(commit.observed, report.first);
      commit.resolve(report.first);
    } catch (error) {
      this.meter.countFailure(error);
      this.meter.notAppended(commit.observed, error);
      commit.reject(error);
      return;
    }
    this.#change.fire();
    if (this.rotation.isDue) await this.#rotateQuietly();
  }

  async #commit(
    { units, records, isDurable }: Commit,
  ): Promise<CommitReport> {
    const first = this.sequence + 1;
    const last = this.sequence + records;
    if (last > Number.MAX_SAFE_INTEGER) {
      const message = "Cannot append: there are no more sequence numbers";
      throw new MiniError("TOO_LARGE", message, { seq: this.sequence });
    }
    const at = this.#now();
    const encoded = this.#encode(units, first, at);
    const took = await this.#poison.guard(() =>
      this.#segments.append(encoded, { durable: isDurable, at })
    );
    if (isDurable) this.#durable = last;
    this.#at = at ?? this.#at;
    this.sequence = last;
    this.#segments.acknowledge();
    const { writeMs, syncMs } = took;
    return { first, bytes: encoded.bytes.length, writeMs, syncMs };
  }

  /** The time of a commit, in a log with times: it never goes back, whatever the clock does. */
  #now(): number | undefined {
    if (!this.#options.hasTimes) return undefined;
    const wall = wallClockMs();
    return wall === undefined ? this.#at : Math.max(wall, this.#at ?? wall);
  }

  /** Encodes units. Nothing is written yet, so a failure affects only them. */
  #encode(
    units: readonly Unit[],
    first: number,
    at: number | undefined,
  ): Encoded {
    const { format, context } = this.#options;
    const { chain } = this.#segments;
    try {
      return format.encode(units, first, this.#durable, chain, at);
    } catch (cause) {
      // The units are text already, so only the length of a string or a buffer can fail.
      const size = "longer than a line can be";
      throw tooLarge(size, context.maxRecordBytes, cause);
    }
  }

  /** Told of each failure of a task. */
  #fail(error: MiniError): void {
    this.meter.fail(error);
    if (error.code !== "POISONED") return;
    this.isEnded = true;
    this.#change.fire();
  }

  /** Starts a new segment after every record appended so far. */
  rotate(): Promise<void> {
    return this.#exclusively("rotate", () => this.#rotate());
  }

  /** Removes the sealed segments that hold no record above `upTo`, oldest first. */
  compact(
    upTo: number,
    hold?: () => Promise<ConsumerInfo | undefined>,
  ): Promise<FileCompactionReport> {
    const compact = () => compactUpTo(this.#segments, upTo, hold);
    const told = () => this.meter.compact(upTo, compact);
    return this.#exclusively("compact", told);
  }

  /** Waits for a compaction under way. */
  compacted(): Promise<void> {
    return this.#mutex.run(() => {});
  }

  /** Makes durable everything that was appended. */
  sync(): Promise<void> {
    this.assertOpen();
    return this.#afterAppends(() => this.#poison.guard(() => this.#sync()));
  }

  async #sync(): Promise<void> {
    await this.#segments.sync();
    this.#durable = this.sequence;
    this.#change.fire();
  }

  /** Continues after record `seq`, which lies ahead, or is the last of a log that holds none. */
  resetTo(seq: number, id?: string): Promise<void> {
    this.assertOpen();
    this.assertNative("reset the log");
    return this.#afterAppends(() => {
      // Earlier appends may have taken the number.
      const isEmpty = this.firstSequence > this.sequence;
      checkCount("seq", seq, isEmpty ? this.sequence : this.sequence + 1);
      return this.#poison.guard(async () => {
        await this.#segments.resetTo(seq, this.sequence, id);
        this.sequence = this.#durable = this.applied = seq;
        this.#change.fire();
      });
    });
  }

  #exclusively<T>(doing: string, task: () => Promise<T>): Promise<T> {
    this.assertOpen();
    this.assertNative(doing);
    return this.#afterAppends(() => this.#poison.guard(task));
  }

  /** Runs a task after the appends that were called before it, and before those that are called later. */
  #afterAppends<T>(task: () => Promise<T>): Promise<T> {
    const last = this.#queue.closeLast();
    return this.#mutex.run(async () => {
      while (this.#queue.has(last)) await this.#commitNext();
      return await task();
    });
  }

  async #rotate(): Promise<void> {
    await this.#sync();
    await this.rotation.seal(this.sequence);
    this.#change.fire();
    await this.rotation.trim();
  }

  /** Rotates after an append, which succeeds even if the rotation fails. */
  async #rotateQuietly(): Promise<void> {
    if (!this.isNative) return;
    try {
      await this.#poison.guard(() => this.#rotate());
    } catch (error) {
      this.rotation.postpone(error as MiniError);
    }
  }

  /** Waits for the appends, marks the end as clean if every record is applied, and frees the files and the lock. */
  close(applied: number = Infinity): Promise<void> {
    return this.#closing ??= this.#afterAppends(async () => {
      try {
        // The callers whose records were not acknowledged have been told already.
        if (this.failure === undefined || this.#durable < this.sequence) {
          await this.#poison.guard(() => this.#finish(applied));
        }
      } finally {
        await this.#segments.close();
        await this.#options.lock.close();
        this.isEnded = true;
        this.#change.fire();
      }
    });
  }

  async #finish(applied: number): Promise<void> {
    const { encodeClose } = this.#options.format;
    await this.#sync();
    if (encodeClose === undefined || applied < this.sequence) return;
    await this.#segments.markEnd((chain) => encodeClose(this.sequence, chain));
  }
}
