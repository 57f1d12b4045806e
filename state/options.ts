import type { RejectedSnapshot, SnapCodec, Snapshots } from "../snap/mod.ts";
import {
  aBoolean,
  aDate,
  aFileSystem,
  aFunction,
  aMode,
  aName,
  aSchema,
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
  having,
  oneOf,
} from "../base/checks.ts";
import { given } from "../base/promise.ts";
import {
  aRetention,
  checkRetention,
  type Retention,
} from "./compaction/retention.ts";
import type {
  FileSystem,
  FollowOptions,
  Log,
  ReplayRange,
  Schema,
} from "../store/mod.ts";

/**
 * The options of a state.
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
  /** Makes the initial state: a new object each time, or a value that cannot change. */
  initial: () => S;
  /**
   * Changes the state, or returns the next one. Synchronous, and determined by
   * its arguments alone: it runs again on every replay. If it throws an error with
   * code `UNSUPPORTED_FORMAT` or `CORRUPT` then, the code does not know the
   * mutation: opening throws the error.
   */
  apply: (state: S, mutation: M) => S | void;
  /**
   * Whether `apply` returns the next state and never changes the one it is given.
   * Then a mutation whose `apply` throws costs nothing, and no mutation waits for
   * a snapshot. An `apply` that returns `undefined` aborts its mutation.
   * `"checked"` freezes every state, deeply, so that changing one throws: for
   * development, because it visits the whole state each time.
   *
   * @default {false}
   */
  immutable?: boolean | "checked";
  /**
   * Decides what happens if `apply` throws on opening for a mutation that had been
   * applied, so that the code must have changed: `"refuse"` throws
   * `REPLAY_FAILED`, `"abort"` leaves the mutation out for good.
   *
   * @default {"refuse"}
   */
  onReplayThrow?: "refuse" | "abort";
  /** The kind of the directory. A directory of the other kind is refused: neither can read the records of the other. @default {"state"} */
  kind?: "state" | "queue";
  /** The name of the log's file in the directory, which holds no other state. @default {"journal.jsonl"} */
  journal?: string;
  /**
   * A validator of mutations, used before they are logged and on replay. It must
   * be synchronous, and accept its own output unchanged; otherwise `apply` is
   * `INVALID`.
   */
  schema?: Schema<M>;
  /** Converts the state to and from plain JSON for snapshots, if it is not plain JSON. */
  codec?: SnapCodec<S>;
  /** The version of the shape of mutations and state, a whole number. A newer one in the log is `UNSUPPORTED_FORMAT`. @default {0} */
  version?: number;
  /** Makes a mutation of this version from an older one, on replay. @default {an older one is `UNSUPPORTED_FORMAT`} */
  upcast?: (mutation: unknown, fromVersion: number) => M;
  /** Makes a state of this version from a snapshot of another; `undefined` to replay the log instead. @default {the log is replayed} */
  migrate?: (state: unknown, fromVersion: number) => S | undefined;
  /**
   * When an `apply` makes a snapshot, so that opening need not replay the complete
   * log. A number is that of records since the last one; a function is asked for
   * it at each record. `"auto"` makes one when the log since the last one is eight
   * times as large as that and as the state, and at least 4 MiB. A snapshot
   * removes no record, unless `retain` says so.
   *
   * What earlier code has made of the mutations stays in a snapshot. To have newer
   * code replay the log instead, raise `version`, and leave out `migrate`.
   *
   * `"auto"` is told once that no snapshot can be made of a state, then makes none
   * until it is opened again: if JSON does not keep the state, or if it holds one
   * object in two places and is not `immutable`. It makes none beside a journal
   * of the Rust program.
   *
   * @default {"auto"}
   */
  snapshotEvery?: "auto" | "never" | number | ((state: S) => number);
  /**
   * How much of the past stays, at least: how far back `at`, `history` and `watch`
   * reach. Given limits, each snapshot that makes itself, and `compact`, remove
   * older records, in whole segments; two snapshots stay beside the newest
   * `keepSnapshots`, so that `at` reaches the complete past that stays. With
   * `"all"`, `compact` removes nothing.
   *
   * Snapshots of the caller's must keep those that are `needed`. If they do not,
   * no record is removed that `at` cannot do without.
   *
   * @default {only `compact` removes records, those before the oldest of `keepSnapshots`}
   */
  retain?: "all" | Retention;
  /**
   * Called with the error of each automatic snapshot or compaction that fails,
   * for example because the state holds `NaN`, which JSON does not keep. The
   * `apply` does not fail; until a snapshot succeeds no record is removed, and
   * opening takes longer.
   */
  onSnapshotFailure?: (error: unknown) => void;
  /** A log to use instead of the one in the directory. The state owns it: closing the state closes it, and so does an opening that fails. */
  log?: Log<unknown>;
  /** Snapshots to use instead of those in the directory. */
  snapshots?: Snapshots<S>;
  /**
   * Whether mutations get the time at which they were logged: see `timestamps` of
   * `MiniStore`. For `at(date)`, `history({ since })` and `retain.ageMs`.
   *
   * @default {false}
   */
  timestamps?: boolean;
  /** The number of snapshots to keep: where the newest is damaged, opening uses the next, and the log after it. @default {2} */
  keepSnapshots?: number;
  /** The size of the log's active segment, in bytes, beyond which a new one is started. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** The permissions of new files, if there is no journal yet; otherwise they get those of the journal. @default {0o600} */
  mode?: number;
  /** The permissions of the directory, if it is created. @default {those of new files, with x where they have r} */
  directoryMode?: number;
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

/** The check of each option. */
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
    if (typeof value === "string") oneOf("auto", "never")(name, value);
    else if (typeof value !== "function") countFrom(1)(name, value);
  },
  retain: aRetention,
  timestamps: aBoolean,
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
 * The options of an `apply`.
 *
 * @example Refuse if another write was quicker
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
  /** Throws `CONFLICT` unless the state stands at this number. */
  expectedSequence?: number;
  /**
   * Whether to wait until the record is durable. If not, it is written and
   * applied, and the next fsync covers it: a crash of the process loses nothing,
   * a power cut may.
   *
   * @default {true}
   */
  durable?: boolean;
}

/**
 * A mutation that had an effect, and its place in the log.
 *
 * @example Past mutations, and new ones
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
  /** The number of its record. Mutations of one batch share it. */
  readonly seq: number;
  /** The mutation. */
  readonly mutation: M;
  /** When it was logged, if the log has times: see `at` of `LogRecord`. */
  readonly at?: Date;
}

/** The result of opening a state. */
export interface StateRecoveryReport {
  /** How the log ended: see `MiniStore.recovery`. A log that does not say is `created` if it is empty, else `clean`. */
  readonly outcome: "created" | "clean" | "unclean" | "torn";
  /** The sequence number of the snapshot, 0 without one. */
  readonly snapshotSequence: number;
  /**
   * The number of the last record in the log, if the snapshot is ahead of it:
   * records that the snapshot covers were lost. The log continues after the
   * snapshot; its segments are kept, with names that end in `.aside`.
   */
  readonly logEndedAt?: number;
  /** The likely cause of that, in words, such as a backup that was copied over the folder. */
  readonly reason?: string;
  /** The number of records that were replayed after the snapshot. */
  readonly replayed: number;
  /** The numbers of mutations without effect, recorded in the log: `apply` threw when they were new. */
  readonly aborted: readonly number[];
  /**
   * The numbers of mutations for which `apply` throws now, if the log says neither
   * that they were applied nor that they were aborted: the last ones before a
   * process was killed. They have no effect. The next write records that; until
   * then, code whose `apply` does not throw applies them. In a journal of the Rust
   * program, every mutation for which `apply` throws.
   */
  readonly undecided: readonly number[];
  /**
   * Why no snapshot can be made of the state. Checked if more records were
   * replayed than a `snapshotEvery` of the caller's allows, so that a snapshot is
   * overdue.
   */
  readonly snapshotFailure?: unknown;
  /** The damaged snapshots, which were set aside. */
  readonly rejected: readonly RejectedSnapshot[];
}

/** The options for a log, for snapshots, and for files that the state opens itself. */
const OF_OWN_LOG = [
  "kind",
  "journal",
  "maxSegmentBytes",
  "timestamps",
  "ifMissing",
] as const;
const OF_OWN_SNAPSHOTS = ["keepSnapshots"] as const;
const OF_OWN_FILES = ["fs", "mode", "directoryMode"] as const;

/** Throws a `TypeError` if a directory is missing, or options would be ignored, because of the log and the snapshots that are given. */
export function checkUnused<S, M>(
  call: string,
  dir: string | URL | undefined,
  options: Partial<StateOptions<S, M>> & { readonly ifMissing?: unknown },
): void {
  if (options.log?.keep !== undefined) {
    throw new TypeError(
      "StateManager.open() cannot use a log with keep: it removes records that no snapshot covers",
    );
  }
  const given = (["log", "snapshots"] as const)
    .filter((name) => options[name] !== undefined);
  if (dir === undefined && given.length < 2) {
    throw new TypeError(
      `${call} needs a directory, or both log and snapshots`,
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
    `${call} would not use ${names.join(", ")}: it is given ${
      given.join(" and ")
    }`,
  );
}

/** A range of `history()` up to a record. Throws for one that has an unknown name or a wrong value. */
export function pastRange(range: ReplayRange, sequence: number): ReplayRange {
  assertOptions("history()", range, {
    from: countFrom(1),
    to: countFrom(0),
    since: aDate,
    signal: aSignal,
  });
  return { ...range, to: Math.min(range.to ?? sequence, sequence) };
}

/** Throws for options of `watch()` that have an unknown name or a wrong value. */
export function checkWatch(
  options: Pick<FollowOptions, "from" | "signal">,
): void {
  assertOptions("watch()", options, { from: countFrom(1), signal: aSignal });
}

/** Throws a `TypeError` if `initial` returns the same object twice, so that states would share it. */
export function checkInitial<S, M>(
  { initial, immutable }: Pick<StateOptions<S, M>, "initial" | "immutable">,
): void {
  const first = given("initial", initial());
  if (immutable) return;
  if (typeof first !== "object" || first === null || first !== initial()) {
    return;
  }
  throw new TypeError(
    "initial must return a new object each time, and returns the same one twice",
  );
}

/** The directory and the options that `StateManager.open()` was called with, checked. */
export function checked<S, M>(
  first: string | URL | StateOptions<S, M>,
  second: StateOptions<S, M> | undefined,
): { dir: string | URL | undefined; options: StateOptions<S, M> } {
  const hasDirectory = typeof first === "string" || first instanceof URL;
  const dir = hasDirectory ? first : undefined;
  const options = hasDirectory ? second! : first;
  const call = "StateManager.open()";
  assertOptions(call, options, STATE_CHECKS, ["initial", "apply"]);
  if (dir === "") {
    throw new TypeError("Cannot open a state: the path is empty");
  }
  checkUnused(call, dir, options);
  checkRetention(options);
  checkInitial(options);
  return { dir, options };
}
