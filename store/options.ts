import {
  aBoolean,
  aDate,
  aFileSystem,
  aFunction,
  aMode,
  aSchema,
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
  oneOf,
} from "../base/checks.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { Schema } from "../base/schema.ts";
import type { AppendOptions, FollowOptions, ReplayRange } from "./log.ts";

/**
 * How a log is read.
 *
 * @example Refuse other records
 * ```ts
 * import { MiniError, MiniStore, type Schema } from "@mini/state/store";
 * import { assertRejects } from "@std/assert";
 *
 * const positive: Schema<number> = {
 *   "~standard": {
 *     validate: (value) =>
 *       typeof value === "number" && value > 0
 *         ? { value }
 *         : { issues: [{ message: "it must be positive" }] },
 *   },
 * };
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open(path, { schema: positive });
 * await store.append(1);
 * await assertRejects(() => store.append(-1), MiniError, "it must be positive");
 * ```
 */
export interface ReadOptions<T> {
  /**
   * A validator of records, called on append and on replay. Its output is what is
   * written. It must be synchronous, and accept its own output unchanged: what it
   * changes is validated once more, and is `INVALID` if
   * it changes again, before anything is written.
   */
  schema?: Schema<T>;
  /** The maximum size of a record or a batch, in bytes of JSON, when writing and reading. @default {16 * 1024 * 1024} */
  maxRecordBytes?: number;
  /** The file system. @default {that of the runtime} */
  fs?: FileSystem;
}

/**
 * How a log is opened for writing.
 *
 * @example Small segments, which compaction removes one by one
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path, { maxSegmentBytes: 300 });
 * for (const text of ["a", "b", "c"]) await store.append(text.repeat(100));
 * const { removed, firstSequence } = await store.compact(2);
 * assertEquals([removed.length, firstSequence], [1, 3]);
 * ```
 */
export interface StoreOptions<T> extends ReadOptions<T> {
  /** An append that brings the active segment beyond this size, in bytes, starts a new one. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** Whether an append waits for fsync, or only for the write, if the call does not say. @default {true} */
  durable?: boolean;
  /**
   * Whether records get a time: that of the wall clock when they were written, to
   * the millisecond, shared by appends that share a write. It never goes back: if
   * the clock does, it stands still until the clock has caught up. While the clock
   * shows a time before 2020 it was never set, and counts for nothing. Records
   * keep their times when the log is opened without this option.
   *
   * @default {false}
   */
  timestamps?: boolean;
  /**
   * How much of the log to keep, at least. Without it, everything. Not for the
   * log of a state or a queue.
   */
  keep?: KeepOptions;
  /**
   * The first record that opening verifies. Segments before it are verified when
   * they are read instead, so that a long history that a snapshot covers costs no
   * time.
   *
   * @default {1}
   */
  verifyFrom?: number;
  /** An fsync that takes this many milliseconds or more is told of on the channel `mini-state:slow`. @default {1_000} */
  slowMs?: number;
  /** The mode of new files. The files of an existing journal keep theirs, and new ones take it over. @default {0o600} */
  mode?: number;
  /** The mode of the directory, if it is created. @default {that of new files, with x wherever it has r} */
  directoryMode?: number;
}

/**
 * How much of a log to keep, at least; what is older goes.
 *
 * Each time a new segment is started, the sealed segments that are entirely
 * beyond any of the limits are removed, oldest first, whether or not somebody has
 * read them. So the log takes up to `bytes` and two segments, of
 * `maxSegmentBytes` and one commit each: choose `maxSegmentBytes` well below
 * `bytes`, as its default may be more.
 *
 * @example A log that takes no more than about 10 MiB
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 *
 * const MIB = 1024 * 1024;
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path, {
 *   maxSegmentBytes: MIB,
 *   keep: { bytes: 8 * MIB },
 * });
 * await store.append("hello");
 * ```
 */
export interface KeepOptions {
  /** This many bytes of the newest segments. @default {no limit} */
  bytes?: number;
  /** This many of the newest records. @default {no limit} */
  records?: number;
  /**
   * The records of the last milliseconds, as the last time in each segment tells.
   * `appendSync` reads no segment for that: it leaves those that opening has not
   * read to the next rotation of `append`.
   * Needs `timestamps`. Removes at most two segments at a time, and none while
   * the wall clock shows a time before 2020. A clock that was too far ahead makes
   * segments stay longer: give `bytes` as well where the disk is small.
   *
   * @default {no limit}
   */
  ageMs?: number;
}

/**
 * How a log is read without opening it.
 *
 * @example A reader that may come before the writer
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * const records = MiniStore.replay(path, { ifMissing: "empty" });
 * assertEquals(await Array.fromAsync(records), []);
 * ```
 */
export interface ReplayOptions<T> extends ReplayRange, ReadOptions<T> {
  /** Whether a path without a log is an error, `NOT_FOUND`, or a log without records. @default {"error"} */
  ifMissing?: "error" | "empty";
}

const KEEP_CHECKS: Checks<KeepOptions> = {
  bytes: countFrom(0),
  records: countFrom(0),
  ageMs: countFrom(0),
};

function aLimit(name: string, value: unknown): void {
  assertOptions(name, value as KeepOptions, KEEP_CHECKS);
  if (
    Object.values(value as KeepOptions).some((limit) => limit !== undefined)
  ) {
    return;
  }
  throw new TypeError(`${name} must have bytes, records or ageMs`);
}

/** Throws a `TypeError` for an age where records have no times. */
export function checkAge(
  { keep, timestamps }: Pick<StoreOptions<unknown>, "keep" | "timestamps">,
): void {
  if (keep?.ageMs === undefined || timestamps) return;
  throw new TypeError("keep.ageMs needs timestamps: true");
}

/**
 * How a log is followed without opening it.
 *
 * @example A reader that may come before the writer
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * const options = { ifMissing: "empty" } as const;
 * const records = MiniStore.follow<string>(path, options)[Symbol.asyncIterator]();
 * const first = records.next(); // waits
 * await using store = await MiniStore.open<string>(path);
 * await store.append("first");
 * assertEquals((await first).value?.data, "first");
 * await records.return?.();
 * ```
 */
export interface FollowPathOptions<T> extends FollowOptions, ReadOptions<T> {
  /** Whether a path without a log is an error, `NOT_FOUND`, or a log that is still to come. @default {"error"} */
  ifMissing?: "error" | "empty";
}

/**
 * How a log is opened for reading.
 *
 * @example What a writer has done so far
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using reader = await MiniStore.openReader<string>(path, { ifMissing: "empty" });
 * assertEquals(reader.sequence, 0);
 * await using store = await MiniStore.open<string>(path);
 * await store.appendBatch(["a", "b"]);
 * await reader.refresh?.();
 * assertEquals([reader.id, reader.sequence], [store.id, 2]);
 * ```
 */
export interface ReaderOptions<T> extends ReadOptions<T> {
  /** Whether a path without a log is an error, `NOT_FOUND`, or a log without records. @default {"error"} */
  ifMissing?: "error" | "empty";
}

/**
 * Which records a stream of them has.
 *
 * @example Server-sent events: history, then live
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * const events = store.readable({ follow: true })
 *   .pipeThrough(
 *     new TransformStream({
 *       transform: ({ seq, data }, out) =>
 *         out.enqueue(`id: ${seq}\ndata: ${JSON.stringify(data)}\n\n`),
 *     }),
 *   )
 *   .pipeThrough(new TextEncoderStream());
 * const response = new Response(events, {
 *   headers: { "content-type": "text/event-stream" },
 * });
 *
 * const texts = response.body!.pipeThrough(new TextDecoderStream()).getReader();
 * await store.append("hello");
 * assertEquals((await texts.read()).value, 'id: 1\ndata: "hello"\n\n');
 * await texts.cancel();
 * ```
 */
export interface ReadableOptions extends ReplayRange {
  /** Whether to wait for further records after those that are there, until the log is closed. @default {false} */
  follow?: boolean;
}

/**
 * Whom compaction waits for.
 *
 * @example A consumer holds what it has not committed
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * await using _ = await store.consumer("uploader");
 * await store.append("old");
 * await store.rotate();
 *
 * const { removed, heldBy } = await store.compact(1);
 * assertEquals([removed.length, heldBy?.name], [0, "uploader"]);
 * const anyway = await store.compact(1, { ignoreConsumers: true });
 * assertEquals(anyway.removed.length, 1);
 * ```
 */
export interface CompactOptions {
  /** Whether to remove also what consumers have not committed: they get `COMPACTED` then. @default {false} */
  ignoreConsumers?: boolean;
}

/** The checks of a range of records. */
const RANGE_CHECKS: Checks<ReplayRange> = {
  from: countFrom(1),
  // A replay up to 0 has no records: the `sequence` of an empty log is 0.
  to: countFrom(0),
  since: aDate,
  signal: aSignal,
};

/** The checks of the options of `readable()`. */
export const READABLE_CHECKS: Checks<ReadableOptions> = {
  ...RANGE_CHECKS,
  follow: aBoolean,
};

/** The checks of the options of `follow()` of a consumer. */
export const FOLLOWING_CHECKS: Checks<Pick<ReplayRange, "signal">> = {
  signal: aSignal,
};

/** The checks of the options of `compact()`. */
export const COMPACT_CHECKS: Checks<CompactOptions> = {
  ignoreConsumers: aBoolean,
};

/** The checks of the options of `writable()`. */
export const WRITABLE_CHECKS: Checks<Pick<AppendOptions, "durable">> = {
  durable: aBoolean,
};

/** The checks of the options of a reader. */
export const READ_CHECKS: Checks<ReadOptions<unknown>> = {
  schema: aSchema,
  maxRecordBytes: countFrom(1),
  fs: aFileSystem,
};

/** The checks of the options of `MiniStore.replay()`. */
export const REPLAY_CHECKS: Checks<ReplayOptions<unknown>> = {
  ...READ_CHECKS,
  ...RANGE_CHECKS,
  ifMissing: oneOf("error", "empty"),
};

/** The checks of the options of `MiniStore.openReader()`. */
export const READER_CHECKS: Checks<ReaderOptions<unknown>> = {
  ...READ_CHECKS,
  ifMissing: oneOf("error", "empty"),
};

/** The checks of the options of `follow()`. */
const FOLLOW_OPTION_CHECKS: Checks<FollowOptions> = {
  from: countFrom(1),
  since: aDate,
  signal: aSignal,
  durableOnly: aBoolean,
  onCaughtUp: aFunction,
};

/** The checks of the options of `MiniStore.follow()`. */
export const FOLLOW_CHECKS: Checks<FollowPathOptions<unknown>> = {
  ...READER_CHECKS,
  ...FOLLOW_OPTION_CHECKS,
};

/** The checks of the options of `MiniStore.open()`. */
export const STORE_CHECKS: Checks<StoreOptions<unknown>> = {
  ...READ_CHECKS,
  maxSegmentBytes: countFrom(1),
  durable: aBoolean,
  timestamps: aBoolean,
  keep: aLimit,
  verifyFrom: countFrom(1),
  slowMs: countFrom(1),
  mode: aMode,
  directoryMode: aMode,
};

/** Throws for a range that has an unknown name, a wrong value, or no records. */
export function checkRange(range: ReplayRange): void {
  assertOptions("replay()", range, RANGE_CHECKS);
}

/** As {@linkcode checkRange}, for what is followed. */
export function checkFollow(options: FollowOptions): void {
  assertOptions("follow()", options, FOLLOW_OPTION_CHECKS);
}
