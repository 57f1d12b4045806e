import type { SnapCodec } from "../snap/mod.ts";
import type { FileSystem, MiniError, RecordSchema } from "../store/mod.ts";
import type { Log, Snapshots } from "./interfaces.ts";

/**
 * How a state is kept.
 *
 * @example Old records, and new code
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * {
 *   await using old = await StateManager.open(dir, {
 *     initial: () => ({ cents: 0 }),
 *     apply: (state, euros: number) => ({ cents: state.cents + 100 * euros }),
 *   });
 *   await old.apply(3);
 * }
 * await using account = await StateManager.open(dir, {
 *   version: 1,
 *   initial: () => ({ cents: 0 }),
 *   apply: (state, op: { cents: number }) => ({ cents: state.cents + op.cents }),
 *   upcast: (euros) => ({ cents: 100 * (euros as number) }), // from version 0
 * });
 * await account.apply({ cents: 50 });
 * assertEquals(account.state.cents, 350);
 * ```
 */
export interface StateOptions<S, M> {
  /** Makes the state that nothing has happened to yet, a new one each time. */
  initial: () => S;
  /**
   * Changes the state, or returns the new one. Synchronous, and determined by
   * its arguments alone: it runs again on every replay. A mutation for which it
   * throws an error with code `UNSUPPORTED_FORMAT` or `CORRUPT` then is not
   * passed over: the error is passed on, as of one that the code cannot know.
   */
  apply: (state: S, mutation: M) => S | void;
  /** The log's file inside the directory, which holds no other state. @default {"journal.jsonl"} */
  journal?: string;
  /**
   * A validator of mutations, asked before they are logged and on replay. It
   * must answer at once, and make the same of its own output, else `apply` is
   * `INVALID`.
   */
  schema?: RecordSchema<M>;
  /** To and from plain JSON, for snapshots of states that are not plain JSON. */
  codec?: SnapCodec<S>;
  /** The version of the shape of mutations and state, a whole number. @default {0} */
  version?: number;
  /** Makes a mutation of this version from one of another, on replay. @default {it is taken as it is} */
  upcast?: (mutation: unknown, fromVersion: number) => M;
  /** Makes a state of this version from a snapshot of another; `undefined` to replay the log instead. @default {the log is replayed} */
  migrate?: (state: unknown, fromVersion: number) => S | undefined;
  /**
   * Make a snapshot, and compact, inside the `apply` that has brought so many
   * records since the last; a function is asked each time. What is older than
   * the oldest kept snapshot is gone then, from the first snapshot on: `at`,
   * `history` and `watch` reach back no further. A state that must keep its
   * whole history calls `createSnapshot` instead, which removes no record.
   *
   * @default {never}
   */
  snapshotEvery?: number | ((state: S) => number);
  /** Another log in place of the one in the directory. Closing the state closes it. */
  log?: Log<unknown>;
  /** Other snapshots in place of those in the directory. */
  snapshots?: Snapshots<S>;
  /** How many snapshots to keep; the log is compacted up to the oldest of them. @default {2} */
  keepSnapshots?: number;
  /** Beyond this size of the log's active segment a new one is started. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** The permissions of new files where there is no journal yet; otherwise they take those that it has. @default {0o600} */
  mode?: number;
  /** The permissions of the directory, where it is made. @default {those of new files, and who may read may enter} */
  directoryMode?: number;
  /** The seam to the operating system. @default {denoFileSystem} */
  fs?: FileSystem;
}

/**
 * How a mutation is applied.
 *
 * @example Refuse where somebody was quicker
 * ```ts
 * import { type MiniError, StateManager } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * await using list = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: (): string[] => [],
 *   apply: (state, item: string) => [...state, item],
 * });
 * const seen = list.sequence;
 * await list.apply("somebody else's");
 * const code = await list.apply("mine", { expectedSequence: seen }).then(
 *   () => "applied",
 *   (error: MiniError) => error.code,
 * );
 * assertEquals([code, list.state], ["CONFLICT", ["somebody else's"]]);
 * ```
 */
export interface ApplyOptions {
  /** Refuse with `CONFLICT` unless the state stands at this number. */
  expectedSequence?: number;
  /**
   * Whether to wait until it is durable. Otherwise it is written, applied, and
   * covered by the next fsync: a crash of the process loses nothing, a power
   * cut may.
   *
   * @default {true}
   */
  durable?: boolean;
}

/**
 * A mutation, and its place in the log.
 *
 * @example What has happened, and what happens
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await sum.apply(1);
 * const watched = Array.fromAsync(sum.watch({ from: 1 }));
 * await sum.apply(2);
 * await sum.close();
 * assertEquals(await watched, [{ seq: 1, mutation: 1 }, { seq: 2, mutation: 2 }]);
 * ```
 */
export interface AppliedMutation<M> {
  /** The number of its record. Those that were applied together share it. */
  readonly seq: number;
  /** The mutation. */
  readonly mutation: M;
}

/** What opening a state has found. */
export interface StateRecovery {
  /** How the log ended: see `MiniStore.recovery`. Another log is `created` where it is empty, else `clean`. */
  readonly outcome: "created" | "clean" | "unclean" | "torn";
  /** The number that the snapshot stood at, 0 without one. */
  readonly snapshotSequence: number;
  /**
   * The number of the last record in the log, where the snapshot is ahead of it:
   * records were lost that the snapshot covers. The log goes on after the
   * snapshot; its segments are kept, with names that end in `.aside`.
   */
  readonly logEndedAt?: number;
  /** How many records were replayed after it. */
  readonly replayed: number;
  /** The numbers of mutations that have no effect, because `apply` threw. */
  readonly aborted: readonly number[];
  /** Snapshots that were damaged, and set aside. */
  readonly rejected: readonly {
    readonly path: string;
    readonly error: MiniError;
  }[];
}
