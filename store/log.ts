import type { MiniError } from "../base/errors.ts";
import type { Health, HealthOptions } from "../base/telemetry/health.ts";
import type { ConsumerInfo } from "./consume/info.ts";

/** A record and its place in the log. */
export interface LogRecord<T> {
  /** Its sequence number: from 1, without gaps. */
  readonly seq: number;
  /** The value that was appended. */
  readonly data: T;
  /**
   * When it was written, where the log tells: see `timestamps` of
   * {@linkcode StoreOptions}. It is the last time in the same segment at or before
   * the record, so a record that was written without a time may show an earlier one.
   */
  readonly at?: Date;
}

/**
 * Which records to read.
 *
 * @example Some records in the middle
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * await store.appendBatch(["a", "b", "c", "d"]);
 * const some = Array.fromAsync(store.replay({ from: 2, to: 3 }), ({ data }) => data);
 * assertEquals(await some, ["b", "c"]);
 * ```
 */
export interface ReplayRange {
  /** The number of the first record. @default {the first that is present} */
  from?: number;
  /** The number of the last record. @default {the last that is present} */
  to?: number;
  /**
   * Starts at the first record whose time is this or later, without reading all
   * that is before. A `TypeError` if the log has records, and none of them a time.
   */
  since?: Date;
  /** Ends the iteration by throwing its reason. */
  signal?: AbortSignal;
}

/** Where to start following a log, and when to stop. */
export interface FollowOptions extends Omit<ReplayRange, "to"> {
  /**
   * Gives a record only once it is known to be durable, so that no crash takes
   * it back. In another process than the writer's, a later record, or the mark
   * of a clean end, tells that a record is durable.
   *
   * @default {false}
   */
  durableOnly?: boolean;
  /**
   * In another process than the writer's: called each time that every record that
   * is there was given, before the next look; the next look waits for its
   * promise. The writer's own handle, which knows of a record when it comes, does
   * not call it.
   */
  onCaughtUp?: () => void | Promise<void>;
}

/**
 * How an append is acknowledged.
 *
 * @example Many records, and one fsync at the end
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<number>(path);
 * for (let at = 0; at < 100; at++) await store.append(at, { durable: false });
 * await store.sync(); // from here on all of them survive a power cut
 * assertEquals(store.sequence, 100);
 * ```
 */
export interface AppendOptions {
  /**
   * Called when the record is encoded. Returns the highest number up to which
   * every record was applied, or is durably recorded as having no effect, so
   * that opening knows which records had been applied. A state manager gives
   * it; a log whose records are applied to nothing needs none.
   *
   * @default {the record says nothing about it}
   */
  applied?: () => number;
  /**
   * The message of the traced operation that the append is part of: the log's
   * `mini-state:commit` lists it in `appends`. A state manager gives it.
   *
   * @default {the append is told on `mini-state:append`}
   */
  message?: object;
  /**
   * Whether to wait until the record is durable. Otherwise it is written, and
   * the next fsync covers it: a crash of the process loses nothing, a power cut
   * may.
   *
   * @default {as the log was opened}
   */
  durable?: boolean;
}

/** A log for reading. */
export interface LogReader<T> {
  /** Identifies the log. Snapshots carry it as `logId`. `undefined` if the log has none. */
  readonly id: string | undefined;
  /** The number of the first record still present; `sequence + 1` if there is none. Numbers start at 1 and have no gaps. */
  readonly firstSequence: number;
  /** The number of the last acknowledged record, 0 if there was none. */
  readonly sequence: number;
  /**
   * The number of the last record that is known to be durable, where that can be
   * less than `sequence`: after appends with `durable: false`, and in another
   * process than the writer's.
   */
  readonly durableSequence?: number;
  /**
   * The number up to which the log proves that its records had been applied, as
   * far as it was read: see {@linkcode AppendOptions.applied}. Without it, it
   * proves nothing.
   */
  readonly applied?: number;
  /**
   * Brings `id` and these numbers up to date, and lets those who follow look at
   * once. The numbers may become smaller: a crash takes back what was not durable.
   * Left out by the writer's own handle, which is always up to date.
   */
  refresh?(): Promise<void>;
  /** Reads acknowledged records in order, up to `sequence` at the call. Throws `COMPACTED` if record `from` is gone. */
  replay(range?: ReplayRange): AsyncIterable<LogRecord<T>>;
  /** Fast path: the records of `replay`, many per step, each parsed when it is taken. Without it, `replay` serves. */
  replayChunks?(range?: ReplayRange): AsyncIterable<Iterable<LogRecord<T>>>;
  /**
   * As `replay`, then each further record once it is acknowledged. Ends when the
   * log is closed.
   *
   * In another process than the writer's, where nobody tells what is
   * acknowledged, it gives what is written and verified, does not end with the
   * writer, and throws `REWRITTEN` if records that it has read are not there any
   * more, or others stand in their place.
   */
  follow(options?: FollowOptions): AsyncIterable<LogRecord<T>>;
  /** Finds the last record whose time is `time` or earlier: its number, or 0. Left out by a log without times. */
  seqAt?(time: Date): Promise<number>;
  /** Frees it. Closing twice is fine. */
  close(): Promise<void>;
}

/**
 * A log for one writer. `MiniStore` is one; a log on another engine is another.
 * `logSuite` of `@mini/state/testing` checks an implementation.
 *
 * @example A state on a log of the caller's
 * ```ts
 * import { MiniStore, StateManager } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const log = await MiniStore.open<unknown>(`${dir}/elsewhere.jsonl`);
 * await using sum = await StateManager.open(dir, {
 *   log, // or any other log
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await sum.apply(2);
 * assertEquals([sum.state, log.sequence], [2, 1]);
 * ```
 */
export interface Log<T> extends LogReader<T> {
  /**
   * Appends a record, taken as it is at the call. Resolves to its number, in
   * the order of the calls, once it is durable.
   *
   * Rejects with `POISONED` if it is unknown whether the record is there, with
   * `DEPOSED` if another writer has taken over and it is not there: nothing more
   * is accepted until the log is opened again. Any other rejection means that the
   * record is not there.
   */
  append(record: T, options?: AppendOptions): Promise<number>;
  /**
   * Fast path: as `append`, of the JSON text of a record, which the log need
   * not parse. The caller guarantees that it is one JSON value in one line: it
   * nests no deeper than 1,000 levels, and contains no line feed and no lone
   * surrogate. A log with a schema leaves it out.
   */
  appendJson?(json: string, options?: AppendOptions): Promise<number>;
  /**
   * Appends a record before it returns, after the appends that wait, and durably:
   * for exit handlers. Throws what `append` rejects with, and `BUSY` while
   * something that it would have to wait for is under way: nothing was appended
   * then. Left out by a log that cannot.
   */
  appendSync?(record: T, options?: AppendOptions): number;
  /** How opening found the log. Without it: created if it is empty, else clean. */
  readonly recovery?: {
    readonly outcome: "created" | "clean" | "unclean" | "torn";
  };
  /** The limits beyond which it removes its oldest records by itself. A state refuses such a log. */
  readonly keep?: object | undefined;
  /** Resolves when the log accepts nothing more until it is opened again, with the reason: also while nobody appends. Never rejects. */
  readonly failed?: Promise<MiniError>;
  /**
   * Returns the number of the record after which the log holds at least `bytes`,
   * or that before the first record if it holds less. It may hold more. Without
   * it, a state cannot keep its past by bytes.
   */
  seqBefore?(bytes: number): number;
  /** Removes records up to `upTo`, as far as it can. */
  compact(upTo: number): Promise<CompactionReport>;
  /** Lets a later `compact` remove everything that was appended so far, if that takes more than `compact` itself. */
  rotate?(): Promise<void>;
  /** Makes durable what was appended with `durable: false`. */
  sync?(): Promise<void>;
  /** Continues with record `seq + 1` of log `id`, and sets earlier records aside. Without it, a snapshot ahead of the log is refused. */
  resetTo?(seq: number, id?: string): Promise<void>;
  /** Tells whether it is well. Never rejects, also once it is closed. Left out by a log that cannot tell. */
  health?(options?: HealthOptions): Promise<Health>;
  /** Frees it. An `applied` below the last record keeps the end from being marked as clean. Closing twice is fine. */
  close(options?: { readonly applied?: number }): Promise<void>;
}

/**
 * The result of a compaction.
 *
 * @example How much was freed
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * await store.append("old");
 * await store.rotate();
 * const { removed, firstSequence } = await store.compact(1);
 * assertEquals([removed.length, firstSequence], [1, 2]);
 * ```
 */
export interface CompactionReport {
  /** The number of the first record still present, or of the next one if there is none. */
  readonly firstSequence: number;
  /** The files that were removed, oldest first. Left out by a log without files. */
  readonly removed?: readonly string[];
  /** The number of bytes that this freed. Left out by a log without files. */
  readonly removedBytes?: number;
  /** The slowest consumer, if records were kept because it has not committed them. */
  readonly heldBy?: ConsumerInfo;
}

/** The result of a compaction of a log in files. */
export type FileCompactionReport =
  & CompactionReport
  & Required<Pick<CompactionReport, "removed" | "removedBytes">>;
