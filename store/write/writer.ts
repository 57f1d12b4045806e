import type { Commit } from "./commit_queue.ts";
import { MiniError } from "../../base/errors.ts";
import type { FileLock } from "../../fs/file_system.ts";
import type { Unit, WriteFormat } from "../format/line.ts";
import { checkCount } from "../../base/checks.ts";
import type { Recovered } from "../recover.ts";
import type { CommittedEnd } from "../read/segment_reader.ts";
import type { JournalContext } from "../journal.ts";
import type { ConsumerInfo } from "../consume/info.ts";
import type { FileCompactionReport } from "../log.ts";
import type { KeepOptions } from "../options.ts";
import { compactUpTo } from "./compaction.ts";
import type { Calls } from "../../fs/steps/calls.ts";
import {
  type Eventual,
  runLater,
  settle,
  type Steps,
  wait,
} from "../../fs/steps/steps.ts";
import { Poison } from "./poison.ts";
import { Rotation } from "./rotation.ts";
import { Encoder } from "./encoder.ts";
import { Turns } from "./turns.ts";
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
 * a failure poisons the log. What it does works with either half of the file
 * system; {@linkcode Turns} decides when.
 */
export class Writer implements CommittedEnd {
  readonly #options: WriterOptions;
  readonly #segments: SegmentSet;
  readonly #turns: Turns;
  #durable: number;
  readonly #encoder: Encoder;
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
    this.meter = new WriterMeter(path, slowMs, () => this.#turns.waiting);
    this.#poison = new Poison(path, (error) => this.#fail(error));
    this.rotation = new Rotation({ segments, meter: this.meter }, options);
    this.#segments = segments;
    this.#turns = new Turns(
      segments,
      path,
      (calls, commit) => this.#settle(calls, commit),
    );
    this.#durable = recovered.sequence;
    this.#encoder = new Encoder(options);
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
    return this.#encoder.at ?? Infinity;
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
      return this.#turns.add(units, isDurable, message);
    });
  }

  /** Adds units as {@linkcode Writer.add} does, and makes every commit that waits before it returns. */
  addSync(
    units: readonly Unit[],
    isDurable: boolean = this.#options.isDurable,
  ): number {
    const { commit, before } = this.meter.append(
      units,
      (message) => {
        if (this.failure !== undefined) throw this.failure;
        return this.#turns.addAtOnce(units, isDurable, message);
      },
    );
    // Told with the commit.
    if (commit.first === undefined) throw commit.error;
    return commit.first + before;
  }

  /** Makes a commit, and lets those who wait for it know. */
  #settle(calls: Calls, commit: Commit): Eventual<void> {
    const make = () => this.#commit(calls, commit);
    return settle(
      () => COMMIT.isObserved ? this.meter.commit(commit, this, make) : make(),
      (report) => {
        this.meter.count(commit, report);
        this.meter.appended(commit.observed, report.first);
        commit.resolve(report.first);
        this.#change.fire();
        if (!this.rotation.isDue) return;
        return calls.run(this.#rotateQuietly(calls));
      },
      (error) => {
        this.meter.notAppended(commit.observed, error);
        commit.reject(error);
      },
    );
  }

  #commit(calls: Calls, commit: Commit): Eventual<CommitReport> {
    const { records, isDurable } = commit;
    const first = this.sequence + 1;
    const at = this.#encoder.now();
    const [durable, { chain }] = [this.#durable, this.#segments];
    let bytes = 0;
    this.meter.begin(commit);
    return settle(
      () => {
        if (this.failure !== undefined) throw this.failure;
        const place = { first, durable, chain, at };
        const encoded = this.#encoder.encode(commit, place);
        bytes = encoded.bytes.length;
        const how = { durable: isDurable, at, watch: this.meter.watch };
        return this.#segments.append(calls, encoded, how);
      },
      () => {
        this.sequence += records;
        if (isDurable) this.#durable = this.sequence;
        this.#encoder.at = at ?? this.#encoder.at;
        this.#segments.acknowledge();
        return { first, bytes };
      },
      (cause) => {
        const error = this.#poison.judge(cause);
        this.meter.countFailure(error);
        throw error;
      },
    );
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
    const { calls } = this.#segments;
    return this.#exclusively("rotate", () => this.#rotate(calls));
  }

  /** Removes the sealed segments that hold no record above `upTo`, oldest first. */
  compact(
    upTo: number,
    hold?: () => Promise<ConsumerInfo | undefined>,
  ): Promise<FileCompactionReport> {
    const compact = () => compactUpTo(this.#segments, upTo, hold);
    const told = () => wait(this.meter.compact(upTo, compact));
    return this.#exclusively("compact", told);
  }

  /** Waits for a compaction under way. */
  compacted(): Promise<void> {
    return this.#turns.ended();
  }

  /** Makes durable everything that was appended. */
  sync(): Promise<void> {
    this.assertOpen();
    const { calls } = this.#segments;
    return this.#turns.afterAppends(() => this.#guard(() => this.#sync(calls)));
  }

  *#sync(calls: Calls): Steps<void> {
    yield* this.#segments.sync(calls);
    this.#durable = this.sequence;
    this.#change.fire();
  }

  /** Continues after record `seq`, which lies ahead, or is the last of a log that holds none. */
  resetTo(seq: number, id?: string): Promise<void> {
    this.assertOpen();
    this.assertNative("reset the log");
    return this.#turns.afterAppends(() => {
      // Earlier appends may have taken the number.
      const isEmpty = this.firstSequence > this.sequence;
      checkCount("seq", seq, isEmpty ? this.sequence : this.sequence + 1);
      return this.#guard(() => this.#reset(seq, id));
    });
  }
  *#reset(seq: number, id?: string): Steps<void> {
    yield* wait(this.#segments.resetTo(seq, this.sequence, id));
    this.sequence = this.#durable = this.applied = seq;
    this.#change.fire();
  }

  #exclusively<T>(doing: string, task: () => Steps<T>): Promise<T> {
    this.assertOpen();
    this.assertNative(doing);
    return this.#turns.afterAppends(() => this.#guard(task));
  }

  #guard<T>(task: () => Steps<T>): Promise<T> {
    return runLater(this.#poison.guard(task));
  }

  *#rotate(calls: Calls): Steps<void> {
    yield* this.#sync(calls);
    yield* this.rotation.seal(calls, this.sequence);
    this.#change.fire();
    yield* this.rotation.trim(calls);
  }

  /** Rotates after an append, which succeeds even if the rotation fails. */
  *#rotateQuietly(calls: Calls): Steps<void> {
    if (!this.isNative) return;
    try {
      yield* this.#poison.guard(() => this.#rotate(calls));
    } catch (error) {
      this.rotation.postpone(error as MiniError);
    }
  }

  /** Waits for the appends, marks the end as clean if every record is applied, and frees the files and the lock. */
  close(applied: number = Infinity): Promise<void> {
    return this.#closing ??= this.#turns.afterAppends(async () => {
      try {
        // The callers whose records were not acknowledged have been told already.
        if (this.failure === undefined || this.#durable < this.sequence) {
          await this.#guard(() => this.#finish(applied));
        }
      } finally {
        await this.#segments.close();
        await this.#options.lock.close();
        this.isEnded = true;
        this.#change.fire();
      }
    });
  }

  *#finish(applied: number): Steps<void> {
    const { encodeClose } = this.#options.format;
    yield* this.#sync(this.#segments.calls);
    if (encodeClose === undefined || applied < this.sequence) return;
    const encode = (chain: number) => encodeClose(this.sequence, chain);
    yield* wait(this.#segments.markEnd(encode));
  }
}
