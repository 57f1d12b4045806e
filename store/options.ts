import { modesOf } from "../base/checks.ts";
import {
  aBoolean,
  aFileSystem,
  aMode,
  aSchema,
  checkCount,
  type Checks,
  countFrom,
  having,
  oneOf,
} from "../base/checks.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { systemFileSystem } from "../fs/system.ts";
import { type JournalContext, JournalPaths } from "./journal.ts";
import type { Schema } from "../base/schema.ts";
import type { ReplayRange } from "./log.ts";

const MIB = 1024 * 1024;

/**
 * How a log is read.
 *
 * @example Refuse what is none of ours
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
   * A validator of records, asked on append and on replay; what it gives back
   * is what is written. It must answer at once, and make the same of its own
   * output: what it changes it is asked about once more, and that is `INVALID`
   * before anything is written.
   */
  schema?: Schema<T>;
  /** The most bytes of JSON that a record or a batch may have, for writing and reading alike. @default {16 * 1024 * 1024} */
  maxRecordBytes?: number;
  /** The seam to the operating system. @default {systemFileSystem} */
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
  /** Beyond this size of the active segment a new one is started. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** Whether an append waits for fsync, or only for the write, where the call does not say. @default {true} */
  durable?: boolean;
  /**
   * The first record that opening is to verify. Whole segments before it are
   * verified when they are read instead, so that a long history costs no time
   * where a snapshot makes it unneeded.
   *
   * @default {1}
   */
  verifyFrom?: number;
  /** The permissions of new files where there is no journal yet; otherwise they take those that it has. @default {0o600} */
  mode?: number;
  /** The permissions of the directory, where it is made. @default {those of new files, and who may read may enter} */
  directoryMode?: number;
}

/**
 * How a log is read by who has not opened it.
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
  /** What a path where there is no log is: an error, `NOT_FOUND`, or a log without records. @default {"error"} */
  ifMissing?: "error" | "empty";
}

/** What the options of a reader must be. */
const READ_CHECKS: Checks<ReadOptions<unknown>> = {
  schema: aSchema,
  maxRecordBytes: countFrom(1),
  fs: aFileSystem,
};

/** What those of a reader must be that has opened nothing. */
export const REPLAY_CHECKS: Checks<ReplayOptions<unknown>> = {
  ...READ_CHECKS,
  from: countFrom(1),
  // A replay to 0 is one of nothing: `sequence` of an empty log.
  to: countFrom(0),
  signal: having("throwIfAborted", "addEventListener"),
  ifMissing: oneOf("error", "empty"),
};

/** What those of a writer must be. */
export const STORE_CHECKS: Checks<StoreOptions<unknown>> = {
  ...READ_CHECKS,
  maxSegmentBytes: countFrom(1),
  durable: aBoolean,
  verifyFrom: countFrom(1),
  mode: aMode,
  directoryMode: aMode,
};

/** What is derived from the options. */
export function contextOf(
  path: string | URL,
  options: Pick<
    StoreOptions<unknown>,
    "fs" | "maxRecordBytes" | "mode" | "directoryMode"
  >,
): JournalContext {
  const { fs = systemFileSystem, maxRecordBytes = 16 * MIB } = options;
  const modes = modesOf(options);
  const paths = new JournalPaths(path);
  const { directory, temporary, active: like } = paths;
  const staging = { fs, directory, temporary, like, ...modes };
  return { fs, paths, maxRecordBytes, staging };
}

/** The options of a writer, what was left out filled in. */
export function writerOptions(
  { maxSegmentBytes = 16 * MIB, durable = true, verifyFrom = 1 }: Pick<
    StoreOptions<unknown>,
    "maxSegmentBytes" | "durable" | "verifyFrom"
  >,
): { maxSegmentBytes: number; isDurable: boolean; verifyFrom: number } {
  return { maxSegmentBytes, isDurable: durable, verifyFrom };
}

/** Throws a `RangeError` for a range that names no records. */
export function checkRange({ from, to }: ReplayRange): void {
  if (from !== undefined) checkCount("from", from);
  // A replay to 0 is one of nothing: `sequence` of an empty log.
  if (to !== undefined) checkCount("to", to, 0);
}
