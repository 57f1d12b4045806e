import type { StoreMetrics } from "./telemetry.ts";
import { aDate, assertOptions, checkCount } from "../base/checks.ts";
import type { MiniError } from "../base/errors.ts";
import type { Health, HealthOptions } from "../base/telemetry/health.ts";
import type { Schema } from "../base/schema.ts";
import { fromOs } from "../fs/os_errors.ts";
import type { ConsumerInfo } from "./consume/info.ts";
import { listConsumers, slowestConsumer } from "./consume/hold.ts";
import { openConsumerBeside } from "./consume/file_log.ts";
import { openLiveConsumer } from "./consume/live_log.ts";
import { removeConsumer } from "./consume/open.ts";
import type { Consumer } from "./consumer.ts";
import { contextOf, type JournalContext } from "./journal.ts";
import type {
  AppendOptions,
  FileCompactionReport,
  FollowOptions,
  Log,
  LogReader,
  LogRecord,
  ReplayRange,
} from "./log.ts";
import { logHealth } from "./health.ts";
import { type OpenJournal, openJournal } from "./open.ts";
import {
  checkAge,
  checkFollow,
  checkRange,
  COMPACT_CHECKS,
  type CompactOptions,
  FOLLOW_CHECKS,
  type FollowPathOptions,
  type KeepOptions,
  READ_CHECKS,
  READABLE_CHECKS,
  type ReadableOptions,
  READER_CHECKS,
  type ReaderOptions,
  type ReadOptions,
  REPLAY_CHECKS,
  type ReplayOptions,
  STORE_CHECKS,
  type StoreOptions,
  WRITABLE_CHECKS,
} from "./options.ts";
import { followRecords } from "./read/follow.ts";
import { JournalReader } from "./read/log_reader.ts";
import { readChunks, type Reading, readRecords } from "./read/replay.ts";
import { seqAt } from "./read/seq_at.ts";
import type { RecoveryReport } from "./recover.ts";
import { readableOf, writableOf } from "./streams.ts";
import { DurableEnd } from "./write/durable_end.ts";
import { Appender } from "./write/appender.ts";
import type { Writer } from "./write/writer.ts";

/**
 * A durable log: a record is on stable storage before `append` resolves, and
 * replays in exactly the order in which it was appended. One handle at a time
 * writes; any number of readers may {@linkcode MiniStore.replay} beside it.
 *
 * @typeParam T The type of a record: any value that JSON keeps unchanged.
 *
 * @example Append and read back
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<{ set: number }>(path);
 * assertEquals(await store.append({ set: 42 }), 1);
 *
 * const records = await Array.fromAsync(store.replay());
 * assertEquals(records, [{ seq: 1, data: { set: 42 } }]);
 * ```
 */
export class MiniStore<T> implements AsyncDisposable {
  readonly #context: JournalContext;
  readonly #schema: Schema<T> | undefined;
  readonly #writer: Writer;
  readonly #appender: Appender<T>;
  /** How opening found the log, and what it did. */
  readonly recovery: RecoveryReport;
  /**
   * Appends the JSON text of a record, which is written as it is; `undefined`
   * if a schema is asked about each record.
   *
   * Rejects with a `TypeError` if the text contains a line feed or a lone
   * surrogate, and with a `SyntaxError` if it is not one JSON value or nests
   * deeper than 1,000 levels. A caller that gives `applied` guarantees the
   * latter, and is not checked. Otherwise as {@linkcode MiniStore.append}.
   */
  readonly appendJson?: NonNullable<Log<T>["appendJson"]>;

  private constructor(
    { context, writer, report }: OpenJournal,
    schema: Schema<T> | undefined,
  ) {
    this.#context = context;
    this.#schema = schema;
    this.#writer = writer;
    this.#appender = new Appender(writer, schema, context.maxRecordBytes);
    this.recovery = report;
    if (schema !== undefined) return;
    this.appendJson = (json, options = {}) =>
      this.#appender.appendJson(json, options);
  }

  /**
   * Opens a log for writing: takes its lock, and recovers it after a crash.
   * Creates the directory and the files that are missing.
   *
   * @param path The file of the active segment. The log's other files are beside it.
   * @param options Limits, durability, schema.
   * @returns The open log. Closing it frees the lock and marks the end as clean.
   * @throws {MiniError} `LOCKED` while another handle or process has it open;
   * `CORRUPT` if records that had been durable are damaged; `UNSUPPORTED_FORMAT`
   * if it is not a journal, or newer than this code; `TOO_LARGE` for a record
   * over `maxRecordBytes`; `PERMISSION`, `NO_SPACE` and `IO` as the system
   * reports them. In all these cases no durable data has changed.
   */
  static async open<T>(
    path: string | URL,
    options: StoreOptions<T> = {},
  ): Promise<MiniStore<T>> {
    assertOptions("MiniStore.open()", options, STORE_CHECKS);
    checkAge(options);
    const asked = contextOf(path, options);
    try {
      return new MiniStore(await openJournal(asked, options), options.schema);
    } catch (error) {
      const { directory, active: path } = asked.paths;
      const after = "no durable data has changed";
      throw fromOs(error, `open "${path}"`, after, { directory, path });
    }
  }

  /**
   * Reads a log without opening it: takes no lock, writes nothing, needs only the
   * permission to read its directory, and works beside a live writer.
   *
   * Ends with the last complete record. Includes records that are written and not
   * yet durable: a crash may still undo them.
   *
   * @param path The file of the active segment.
   * @param options Which records, and how to read them.
   * @returns The records, oldest first. Memory does not grow with the log.
   * @throws {MiniError} While iterating: `NOT_FOUND` if there is no log, unless
   * `ifMissing` is `"empty"`; `COMPACTED` if record `from` is gone; `INVALID` for
   * a record that the schema refuses; `CORRUPT`; `TOO_LARGE`;
   * `UNSUPPORTED_FORMAT`; `PERMISSION`; `IO`.
   */
  static replay<T>(
    path: string | URL,
    options: ReplayOptions<T> = {},
  ): AsyncIterable<LogRecord<T>> {
    assertOptions("MiniStore.replay()", options, REPLAY_CHECKS);
    const { schema, ifMissing = "error" } = options;
    const context = contextOf(path, options);
    return readRecords({ context, range: options, schema, ifMissing });
  }

  /**
   * Opens a log for reading, in any process, beside its writer: takes no lock,
   * writes nothing, and needs only the permission to read its directory.
   *
   * It sees what is written and verified, also what is not yet durable and may be
   * taken back. `sequence` and the others are those of the last `refresh()`.
   *
   * @param path The file of the active segment.
   * @param options How to read it.
   * @returns The reader.
   * @throws {MiniError} `NOT_FOUND`, unless `ifMissing` is `"empty"`; `CORRUPT` if
   * the newest segment is damaged; and as {@linkcode MiniStore.replay}.
   */
  static async openReader<T>(
    path: string | URL,
    options: ReaderOptions<T> = {},
  ): Promise<LogReader<T> & AsyncDisposable> {
    assertOptions("MiniStore.openReader()", options, READER_CHECKS);
    const { schema, ifMissing = "error" } = options;
    const context = contextOf(path, options);
    return await JournalReader.open<T>(context, { schema, ifMissing });
  }

  /**
   * Reads a log without opening it, as {@linkcode MiniStore.replay}, then each
   * further record once it is written: through rotation and compaction, and also
   * when the writer ends and another one begins. Ends with its signal.
   *
   * @param path The file of the active segment.
   * @param options Where to start, and when to stop.
   * @returns The records, oldest first. Memory does not grow with the log, and a
   * slow reader costs the writer nothing.
   * @throws {MiniError} While iterating: as {@linkcode MiniStore.replay};
   * `REWRITTEN` if records that it has read are not there any more, or others
   * stand in their place; those before its `seq` are unchanged.
   */
  static follow<T>(
    path: string | URL,
    options: FollowPathOptions<T> = {},
  ): AsyncIterable<LogRecord<T>> {
    assertOptions("MiniStore.follow()", options, FOLLOW_CHECKS);
    const { schema, ifMissing = "error" } = options;
    const context = contextOf(path, options);
    return followRecords({ context, options, schema, ifMissing });
  }

  /**
   * As {@linkcode MiniStore.prototype.consumer}, in any process. Needs the
   * permission to read the directory of the log, and to write the consumer's own
   * files there. A record is given once a later one proves that it is durable.
   *
   * @param path The file of the active segment.
   * @param name As there.
   * @param options How records are read.
   * @returns The consumer, which holds its name until it is closed.
   * @throws {MiniError} As there, and `NOT_FOUND` if there is no log.
   */
  static async consumer<T>(
    path: string | URL,
    name: string,
    options: ReadOptions<T> = {},
  ): Promise<Consumer<T>> {
    assertOptions("MiniStore.consumer()", options, READ_CHECKS);
    const context = contextOf(path, options);
    return await openConsumerBeside(context, name, options.schema);
  }

  /** The absolute path of the active segment. */
  get path(): string {
    return this.#context.paths.active;
  }

  /** The format of the log: that of this package, or of the Rust `ministore`. */
  get format(): "mini" | "ministore" {
    return this.#writer.isNative ? "mini" : "ministore";
  }

  /** Identifies the log; its snapshots carry it too. Logs of the Rust program have none. */
  get id(): string | undefined {
    return this.#writer.id;
  }

  /** The number of the last acknowledged record, 0 if there is none. */
  get sequence(): number {
    return this.#writer.sequence;
  }

  /** The number of the last durable record: less than `sequence` after appends with `durable: false`. */
  get durableSequence(): number {
    return this.#writer.durableSequence;
  }

  /** The number of the first record still present, or of the next one if there is none. */
  get firstSequence(): number {
    return this.#writer.firstSequence;
  }

  /**
   * Returns the number of the record after which the segments hold at least
   * `bytes` in all, or that before the first record if they hold less.
   */
  seqBefore(bytes: number): number {
    checkCount("bytes", bytes, 0);
    return this.#writer.seqBefore(bytes);
  }

  /** The number up to which the log proves that its records had been applied, as opening found it: see {@linkcode AppendOptions.applied}. */
  get applied(): number {
    return this.#writer.applied;
  }

  /** Resolves when the log is poisoned, with the reason: nothing more is accepted until it is opened again. Never rejects. */
  get failed(): Promise<MiniError> {
    return this.#writer.failed;
  }

  /**
   * The numbers of this log since it was opened: commits, how long they took, what
   * waits.
   *
   * @returns Plain JSON; see {@linkcode StoreMetrics}.
   */
  metrics(): StoreMetrics {
    return this.#writer.meter.read();
  }

  /**
   * Tells whether the log is well: for a check of liveness or readiness. Judges
   * what the writer knows, the free space of its disk, and how far its consumers
   * are; reads no record.
   *
   * @param options From when on something is worth a look.
   * @returns Plain JSON; see {@linkcode HealthCode}. Rejects for no state that the
   * log may be in, closed and poisoned included.
   * @throws {TypeError} For an option that does not exist.
   * @throws {RangeError} For a threshold that is no number from 0 on.
   *
   * @example A liveness check
   * ```ts
   * import { MiniStore } from "@mini/state/store";
   * import { assertEquals } from "@std/assert";
   *
   * const store = await MiniStore.open<string>(`${await Deno.makeTempDir()}/journal.jsonl`);
   * const status = async () => (await store.health()).status === "failed" ? 503 : 200;
   * assertEquals(await status(), 200);
   * await store.close();
   * assertEquals(await status(), 503);
   * ```
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    return await logHealth(this.#context, this.#writer, options);
  }

  /** The error of the last rotation that an append started, until one succeeds. Meanwhile the old segment grows. */
  get rotationFailure(): MiniError | undefined {
    return this.#writer.rotation.failure;
  }

  /** The error of the last rotation that could not remove what is beyond `keep`, until one succeeds. Meanwhile the log grows. */
  get keepFailure(): MiniError | undefined {
    return this.#writer.rotation.keepFailure;
  }

  /** How much of the log is kept, if not everything. */
  get keep(): KeepOptions | undefined {
    return this.#writer.rotation.keep;
  }

  /**
   * Appends a record and resolves once it is durable.
   *
   * Encodes the record before it returns: later changes to it do not count.
   * Concurrent appends share one write and one fsync, keep the order of the calls
   * and resolve in that order.
   *
   * @param record The record: any value that JSON keeps unchanged.
   * @param options How it is acknowledged.
   * @returns The record's sequence number.
   * @throws {MiniError} `UNSERIALIZABLE`, `TOO_LARGE`, `INVALID` if the schema
   * refuses it, and `NO_SPACE`: the record was not appended, and the log stays
   * usable. `POISONED` if it is unknown whether the record is on the disk.
   * `CLOSED`.
   */
  append(record: T, options: AppendOptions = {}): Promise<number> {
    return this.#appender.append(record, options);
  }

  /**
   * Appends a record before it returns, durably: for exit handlers, for scripts,
   * and for a program that is its log's one caller. The thread waits for the disk.
   *
   * Takes along what waits: the appends that were called before it, and whose
   * commit has not begun, are written before it, and their promises resolve. It
   * also rotates, and removes what is beyond `keep`, before it returns.
   *
   * Nothing can be written behind a commit that is under way and may be half
   * written, so a program that appends in its exit handler appends with this
   * method throughout, or to a second log.
   *
   * @param record The record: any value that JSON keeps unchanged.
   * @param options How it is acknowledged.
   * @returns The record's sequence number.
   * @throws {MiniError} As {@linkcode MiniStore.append}, and before anything is
   * written: `BUSY` while a commit, a rotation, a compaction, a reset or `sync()`
   * is under way that is not synchronous; `UNSUPPORTED` if the file system has no
   * synchronous half.
   *
   * @example A record that is on the disk when the process ends
   * ```ts
   * import { MiniStore } from "@mini/state/store";
   * import { assertEquals } from "@std/assert";
   *
   * const path = `${await Deno.makeTempDir()}/session.jsonl`;
   * const log = await MiniStore.open<{ event: string }>(path);
   * // For Deno's "unload", and process.on("exit") of Node and Bun.
   * const onExit = () => log.appendSync({ event: "end" });
   * assertEquals(log.appendSync({ event: "start" }), 1);
   * assertEquals(onExit(), 2);
   * await log.close();
   * ```
   */
  appendSync(record: T, options: AppendOptions = {}): number {
    return this.#appender.appendSync(record, options);
  }

  /**
   * Appends records as one atomic unit: after a crash all of them are present, or
   * none. Together they may have `maxRecordBytes`. Without records it appends
   * nothing.
   *
   * @param records The records, in order.
   * @param options How they are acknowledged.
   * @returns The sequence number of the last.
   * @throws {MiniError} As {@linkcode MiniStore.append}; `UNSUPPORTED_FORMAT`
   * for several records in a journal of the Rust program, whose format has no
   * batches.
   */
  appendBatch(
    records: readonly T[],
    options: AppendOptions = {},
  ): Promise<number> {
    return records.length === 0
      ? this.#appender.appendNone()
      : this.#appender.appendBatch(records, options);
  }

  /**
   * Reads the records that are acknowledged at the call. Appends may continue
   * meanwhile.
   *
   * @param range Which records.
   * @returns The records, oldest first. Memory does not grow with the log.
   * @throws {MiniError} As {@linkcode MiniStore.replay}; `CLOSED` at once.
   */
  replay(range: ReplayRange = {}): AsyncIterable<LogRecord<T>> {
    return readRecords(this.#reading(this.#present(range)));
  }

  /**
   * As {@linkcode MiniStore.replay}, many records per step, each parsed when it
   * is taken: for reading a long log fast. What is not taken of a step is parsed
   * when the next is asked for, and can still be taken.
   *
   * @param range Which records.
   * @returns The records, oldest first. A record that the schema refuses throws
   * `INVALID` when it is taken.
   * @throws {MiniError} As {@linkcode MiniStore.replay}; `CLOSED` at once.
   */
  replayChunks(
    range: ReplayRange = {},
  ): AsyncIterable<Iterable<LogRecord<T>>> {
    return readChunks(this.#reading(this.#present(range)));
  }

  /**
   * Reads the records from `from`, then each further one once it is acknowledged,
   * without a gap. Ends when the log is closed, and throws `POISONED` when it is
   * poisoned.
   *
   * @param options Where to start, and when to stop.
   * @returns The records, oldest first. A slow reader costs no memory.
   * @throws {MiniError} As {@linkcode MiniStore.replay}; `CLOSED` at once.
   */
  follow(options: FollowOptions = {}): AsyncIterable<LogRecord<T>> {
    checkFollow(options);
    const { durableOnly, ...range } = options;
    const reading = this.#reading(range);
    if (!durableOnly) return readRecords(reading);
    return readRecords({ ...reading, live: new DurableEnd(this.#writer) });
  }

  /**
   * A stream that appends what is written to it. A write resolves once its
   * record is durable, so that a pipe is as fast as the disk. Writes that do not
   * wait for each other share commits, in the order of the calls; up to 2 MiB may
   * be under way before `ready` asks to wait.
   *
   * The first record that cannot be appended fails the stream, with the error of
   * {@linkcode MiniStore.append}. The log then has every record whose write
   * resolved, perhaps some of the next, and no gap. Closing the stream makes
   * everything durable, and leaves the log open.
   *
   * @param options How a write is acknowledged.
   * @throws {MiniError} `CLOSED` at once.
   */
  writable(options: Pick<AppendOptions, "durable"> = {}): WritableStream<T> {
    assertOptions("writable()", options, WRITABLE_CHECKS);
    this.#writer.assertOpen();
    return writableOf<T>({
      encode: (record) => ({ text: this.#appender.textOf(record) }),
      append: (units) => this.#writer.add(units, options.durable),
      sync: () => this.sync(),
    });
  }

  /**
   * As {@linkcode MiniStore.replay}, or with `follow` as
   * {@linkcode MiniStore.follow}, as a stream. A record is read when it is asked
   * for; cancelling the stream ends the reading.
   *
   * @param options Which records.
   * @returns The records, oldest first. An error of the log is that of the stream.
   * @throws {MiniError} `CLOSED` at once.
   */
  readable(options: ReadableOptions = {}): ReadableStream<LogRecord<T>> {
    assertOptions("readable()", options, READABLE_CHECKS);
    const { follow = false, signal, ...range } = options;
    const wanted = follow ? range : this.#present(range);
    return readableOf(
      (signal) => readRecords(this.#reading({ ...wanted, signal })),
      signal,
    );
  }

  /**
   * Finds the last record whose time is `time` or earlier. Reads little more than
   * the segment that holds it, and what comes after that without a time.
   *
   * @returns The number of the record; 0 if none that is left has such a time; if
   * none is left, and this handle added the last by then, that of the last.
   * @throws {TypeError} If there are records, none with a time, and no `timestamps`.
   * @throws {MiniError} As {@linkcode MiniStore.replay}.
   */
  async seqAt(time: Date): Promise<number> {
    aDate("time", time);
    const { sequence: to, firstSequence } = this;
    const reading = this.#reading({ to });
    if (firstSequence <= to) return await seqAt(reading, time);
    return time.getTime() < this.#writer.lastTime ? 0 : to;
  }

  /**
   * Seals the active segment after every record appended so far, and starts a
   * new one. Does nothing if the active segment holds no record.
   *
   * @throws {MiniError} `NO_SPACE`, `PERMISSION` or `IO`: the old segment stays
   * active, and the log usable; `POISONED`; `CLOSED`; `UNSUPPORTED_FORMAT` for a
   * journal of the Rust program.
   */
  async rotate(): Promise<void> {
    await this.#writer.rotate();
  }

  /**
   * Removes the segments whose records are all `<= upTo`, oldest first. The
   * active segment stays: to include it, {@linkcode MiniStore.rotate} first. So
   * does what a consumer has not committed, or may not have, because its file
   * cannot be read: the report names the one that held it.
   *
   * @param upTo The highest number that may be removed, from 0.
   * @param options Whom it waits for.
   * @returns The files that were removed, and the first record that is left.
   * @throws {MiniError} `PERMISSION` or `IO`: the remaining records are intact, and
   * the log stays usable; `POISONED`; `CLOSED`; `UNSUPPORTED_FORMAT` for a journal
   * of the Rust program.
   */
  async compact(
    upTo: number,
    options: CompactOptions = {},
  ): Promise<FileCompactionReport> {
    checkCount("upTo", upTo, 0);
    assertOptions("compact()", options, COMPACT_CHECKS);
    const { ignoreConsumers = false } = options;
    const hold = () => slowestConsumer(this.#context, this);
    return await this.#writer.compact(upTo, ignoreConsumers ? undefined : hold);
  }

  /**
   * Opens a consumer of the log: a reader with a durable position. A new one
   * begins with the first record that is present.
   *
   * @param name 1 to 64 of the characters `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`,
   * no `.` at either end, and no part `.lock`, `.tmp` or `.jsonl`.
   * @returns The consumer, which holds its name until it is closed.
   * @throws {MiniError} `LOCKED` while it is open, here or in another process;
   * `UNSUPPORTED_FORMAT` for a journal of the Rust program; `CLOSED`;
   * `PERMISSION`, `NO_SPACE`, `IO`.
   */
  async consumer(name: string): Promise<Consumer<T>> {
    const [context, writer] = [this.#context, this.#writer];
    return await openLiveConsumer(context, writer, name, this.#schema);
  }

  /** Lists the consumers of the log, in the order of their names. */
  async consumers(): Promise<ConsumerInfo[]> {
    this.#writer.assertOpen();
    return await listConsumers(this.#context, this);
  }

  /**
   * Removes a consumer and its position: {@linkcode MiniStore.compact} does not
   * wait for it any more.
   *
   * @returns Whether there was one of that name.
   * @throws {MiniError} `LOCKED` while it is open; `CLOSED`; `PERMISSION`; `IO`.
   */
  async removeConsumer(name: string): Promise<boolean> {
    this.#writer.assertOpen();
    return await removeConsumer(this.#context, name);
  }

  /** Makes durable what was appended with `durable: false`. Throws `POISONED` and `CLOSED`. */
  async sync(): Promise<void> {
    await this.#writer.sync();
  }

  /**
   * Continues with record `seq + 1` of log `id`, after a snapshot at `seq` that is
   * ahead of the log. Sets aside the records that the log holds, in files whose
   * names end in `.aside`.
   *
   * @param seq A number after the last record; of a log that holds none also that
   * of the last, to change its id.
   * @param id The id of the log from now on. By default it keeps its own.
   * @throws {MiniError} As {@linkcode MiniStore.compact}.
   */
  async resetTo(seq: number, id?: string): Promise<void> {
    await this.#writer.resetTo(seq, id);
  }

  /**
   * Waits for the appends under way, makes everything durable, marks the end as
   * clean, and frees the files and the lock. Closing twice is fine.
   *
   * @param options An `applied` below the last record leaves out the mark, which
   * says that every record was applied.
   * @throws {MiniError} `POISONED` if records appended with `durable: false` could
   * not be made durable. The log is closed all the same.
   */
  close({ applied }: { readonly applied?: number } = {}): Promise<void> {
    return this.#writer.close(applied);
  }

  /** As {@linkcode MiniStore.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The range, up to the last acknowledged record. */
  #present(range: ReplayRange): ReplayRange {
    checkRange(range);
    const { sequence } = this;
    return { ...range, to: Math.min(range.to ?? sequence, sequence) };
  }

  #reading(range: ReplayRange): Reading<T> {
    this.#writer.assertOpen();
    return {
      context: this.#context,
      range,
      schema: this.#schema,
      live: this.#writer,
      hasTimes: this.#writer.hasTimes,
    };
  }
}
