import type { RejectedSnapshot, SnapCodec, Snapshots } from "../snap/mod.ts";
import {
  aFileSystem,
  aFunction,
  aMode,
  aName,
  aSchema,
  type Checks,
  countFrom,
  having,
  oneOf,
} from "../base/checks.ts";
import { given } from "../base/promise.ts";
import type { FileSystem, Log, Schema } from "../store/mod.ts";

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
  /** Makes the state that nothing has happened to yet: a new object each time, or what cannot change. */
  initial: () => S;
  /**
   * Changes the state, or returns the new one. Synchronous, and determined by
   * its arguments alone: it runs again on every replay. A mutation for which it
   * throws an error with code `UNSUPPORTED_FORMAT` or `CORRUPT` then is not
   * passed over: the error is passed on, as of one that the code cannot know.
   */
  apply: (state: S, mutation: M) => S | void;
  /**
   * Whether `apply` returns the next state and never changes the one it is given.
   * Then a mutation whose `apply` throws costs nothing, and a snapshot holds up
   * no later mutation. An `apply` that returns `undefined` aborts its mutation.
   * `"checked"` freezes every state, deeply, so that changing one throws: for
   * development, as it looks at the whole state each time.
   *
   * @default {false}
   */
  immutable?: boolean | "checked";
  /**
   * What opening does with a mutation that had been applied and for which `apply`
   * throws now: `"refuse"` it with `REPLAY_FAILED`, as the code has changed; or
   * `"abort"` it, which leaves it out for good.
   *
   * @default {"refuse"}
   */
  onReplayThrow?: "refuse" | "abort";
  /** What the directory holds. One that holds the other is refused: neither can read the records of the other. @default {"state"} */
  kind?: "state" | "queue";
  /** The log's file inside the directory, which holds no other state. @default {"journal.jsonl"} */
  journal?: string;
  /**
   * A validator of mutations, asked before they are logged and on replay. It
   * must answer at once, and make the same of its own output, else `apply` is
   * `INVALID`.
   */
  schema?: Schema<M>;
  /** To and from plain JSON, for snapshots of states that are not plain JSON. */
  codec?: SnapCodec<S>;
  /** The version of the shape of mutations and state, a whole number. A newer one in the log is `UNSUPPORTED_FORMAT`. @default {0} */
  version?: number;
  /** Makes a mutation of this version from one of an older, on replay. @default {an older one is `UNSUPPORTED_FORMAT`} */
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
  /**
   * Told of each snapshot, and each compaction, that an `apply` has set off and
   * that has failed, as of a state that holds `NaN`, which JSON does not keep.
   * The `apply` has not failed; until one succeeds the log grows on.
   */
  onSnapshotFailure?: (error: unknown) => void;
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
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

/** What each of these must be. */
export const STATE_CHECKS: Checks<StateOptions<unknown, unknown>> = {
  initial: aFunction,
  apply: aFunction,
  immutable(name, value) {
    if (typeof value !== "boolean") oneOf("checked")(name, value);
  },
  onReplayThrow: oneOf("refuse", "abort"),
  kind: oneOf("state", "queue"),
  journal: aName,
  schema: aSchema,
  codec: having("encode", "decode"),
  version: countFrom(0),
  upcast: aFunction,
  migrate: aFunction,
  snapshotEvery(name, value) {
    if (typeof value !== "function") countFrom(1)(name, value);
  },
  onSnapshotFailure: aFunction,
  log: having("append", "replay", "follow", "compact", "close"),
  snapshots: having("create", "restore", "list"),
  keepSnapshots: countFrom(1),
  maxSegmentBytes: countFrom(1),
  mode: aMode,
  directoryMode: aMode,
  fs: aFileSystem,
};

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
export interface StateRecoveryReport {
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
  /** What that comes from, in words: a backup that was copied over the folder, perhaps. */
  readonly reason?: string;
  /** How many records were replayed after it. */
  readonly replayed: number;
  /** The numbers of mutations that have no effect, because `apply` threw when they were new: the log says so. */
  readonly aborted: readonly number[];
  /**
   * The numbers of mutations for which `apply` throws now, and of which the log
   * says neither that they were applied nor that they were aborted: the last ones
   * before a process was killed. They have no effect here. The next write records
   * that; until then, code for which `apply` does not throw finds them applied.
   * In a journal of the Rust program, all for which `apply` throws.
   */
  readonly undecided: readonly number[];
  /**
   * Why no snapshot can be made of the state as it is: looked for where more
   * records than `snapshotEvery` says were replayed, so that one is overdue.
   */
  readonly snapshotFailure?: unknown;
  /** Snapshots that were damaged, and set aside. */
  readonly rejected: readonly RejectedSnapshot[];
}

/** The options for a log, for snapshots, and for files that the state opens itself. */
const OF_OWN_LOG = ["kind", "journal", "maxSegmentBytes"] as const;
const OF_OWN_SNAPSHOTS = ["keepSnapshots"] as const;
const OF_OWN_FILES = ["fs", "mode", "directoryMode"] as const;

/** Throws a `TypeError` if a directory is missing, or options would be ignored, because of the log and the snapshots that are given. */
export function checkUnused<S, M>(
  dir: string | URL | undefined,
  options: StateOptions<S, M>,
): void {
  const given = (["log", "snapshots"] as const)
    .filter((name) => options[name] !== undefined);
  if (dir === undefined && given.length < 2) {
    throw new TypeError(
      "StateManager.open() needs a directory, or both log and snapshots",
    );
  }
  const unused = [
    ...(given.includes("log") ? OF_OWN_LOG : []),
    ...(given.includes("snapshots") ? OF_OWN_SNAPSHOTS : []),
    ...(given.length === 2 ? OF_OWN_FILES : []),
  ].filter((name) => options[name] !== undefined);
  const names = given.length === 2 && dir !== undefined
    ? ["the directory", ...unused]
    : unused;
  if (names.length === 0) return;
  throw new TypeError(
    `StateManager.open() would not use ${names.join(", ")}: it is given ${
      given.join(" and ")
    }`,
  );
}

/** Throws a `TypeError` where `initial` gives one object for all states, which would change each other. */
export function checkInitial<S, M>(
  { initial, immutable }: Pick<StateOptions<S, M>, "initial" | "immutable">,
): void {
  const first = given("initial", initial());
  if (immutable) return;
  if (typeof first !== "object" || first === null || first !== initial()) {
    return;
  }
  throw new TypeError(
    "initial must give a new object each time, and gives the same one twice",
  );
}
