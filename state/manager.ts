import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { SnapshotInfo } from "../snap/mod.ts";
import { assertOptions } from "../base/checks.ts";
import {
  type CompactionReport,
  type FollowOptions,
  MiniError,
  MiniStore,
  type ReplayRange,
} from "../store/mod.ts";
import {
  type AppliedMutation,
  type ApplyOptions,
  checkInitial,
  STATE_CHECKS,
  type StateOptions,
  type StateRecoveryReport,
} from "./options.ts";
// deno-lint-ignore no-unused-vars -- `batch` is linked to
import type { Batch, batch } from "./batch.ts";
import { Engine } from "./engine.ts";
import { openLog, snapshotsIn } from "./directory.ts";
import type { DeepReadonly } from "./readonly.ts";

/**
 * A state that survives: every mutation is logged, durably, then applied to
 * memory. Reads are property accesses, and never wait.
 *
 * What is applied is what was logged, its JSON form, so that the live state and
 * the one replayed after a restart are equal by construction. Concurrent writes
 * keep the order of the calls and share an fsync.
 *
 * @typeParam S The state.
 * @typeParam M A mutation: any value that JSON keeps unchanged.
 *
 * @example Count, and count on it
 * ```ts
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const options = {
 *   initial: () => ({ value: 0 }),
 *   apply: (state: { value: number }, op: { by: number }) => {
 *     state.value += op.by;
 *   },
 * };
 * const dir = await Deno.makeTempDir();
 * {
 *   await using counter = await StateManager.open(dir, options);
 *   await counter.apply({ by: 10 });
 * }
 * await using again = await StateManager.open(dir, options);
 * assertEquals(again.state.value, 10);
 * ```
 */
export class StateManager<S, M> implements AsyncDisposable {
  readonly #engine: Engine<S, M>;
  /** The directory, absolute. */
  readonly dir: string;
  /** The log's file. */
  readonly journalPath: string;
  /**
   * Fast path: applies the JSON text of a mutation that the caller has checked.
   * A state with a schema leaves it out.
   *
   * @throws {MiniError} As {@linkcode StateManager.apply}.
   */
  readonly applyJson?: (
    json: string,
    options?: ApplyOptions,
  ) => Promise<number>;

  private constructor(engine: Engine<S, M>, dir: string, journalPath: string) {
    this.#engine = engine;
    this.dir = dir;
    this.journalPath = journalPath;
    if (engine.hasSchema) return;
    this.applyJson = (json, options = {}) =>
      told(() => engine.writeJson(json, options));
  }

  /**
   * Takes the lock, and makes the state from the newest whole snapshot and the
   * records behind it. A mutation that is on record as aborted has no effect.
   * What had been applied stays: where `apply` throws for it now, opening is
   * refused. Where the log does not say, see {@linkcode StateRecoveryReport.undecided}.
   *
   * @param dir The directory, created where it is missing.
   * @param options The state, and how mutations change it.
   * @returns The manager. Close it to free the lock.
   * @throws {TypeError} Where the directory holds the log of another state, or a
   * queue; where `initial` gives the same object twice; for options that nobody
   * asks for or that are not what they must be. Nothing was changed.
   * @throws {MiniError} As `MiniStore.open`; `CORRUPT` where neither snapshots
   * nor log reach back far enough; `INVALID` for a logged mutation that the
   * schema refuses; `REPLAY_FAILED` where `apply` throws for a mutation that had
   * been applied: nothing on disk was changed; `UNSUPPORTED_FORMAT` for a snapshot
   * of another version that can be neither migrated nor replayed, and for a
   * mutation of a newer version, or of an older one without `upcast`.
   */
  static async open<S, M>(
    dir: string | URL,
    options: StateOptions<S, M>,
  ): Promise<StateManager<S, M>> {
    assertOptions("StateManager.open()", options, STATE_CHECKS, [
      "initial",
      "apply",
    ]);
    if (dir === "") throw new TypeError('Cannot open a state: "" is no path');
    checkInitial(options);
    const path = resolve(dir instanceof URL ? fileURLToPath(dir) : dir);
    const journal = join(path, options.journal ?? "journal.jsonl");
    const snapshots = options.snapshots ?? snapshotsIn(path, journal, options);
    const log = options.log ?? await openLog(journal, options, snapshots);
    try {
      const store = log instanceof MiniStore ? log : undefined;
      const isBare = store?.format === "ministore";
      const engine = new Engine<S, M>({ log, snapshots, isBare }, options);
      await engine.load(
        log.recovery?.outcome ?? (log.sequence === 0 ? "created" : "clean"),
      );
      return new StateManager(engine, path, store?.path ?? journal);
    } catch (error) {
      // What was not applied here must not count as that.
      await log.close({ applied: log.applied ?? 0 }).catch(() => {});
      throw error;
    }
  }

  /** The state as of {@linkcode StateManager.sequence}, for reading: a change to it would not be durable. */
  get state(): DeepReadonly<S> {
    return this.#engine.state as DeepReadonly<S>;
  }

  /** The number of the last record that the state has taken in. */
  get sequence(): number {
    return this.#engine.sequence;
  }

  /** What opening has found. */
  get recovery(): StateRecoveryReport {
    return this.#engine.recovery;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#engine.isClosed;
  }

  /** Why nothing more can be applied until it is opened again, with code `POISONED`. */
  get failure(): MiniError | undefined {
    return this.#engine.failure;
  }

  /** Resolves when the state has taken in a further record, can take in no more, or was closed. */
  get changed(): Promise<void> {
    return this.#engine.changed;
  }

  /** Why the last snapshot or compaction that an `apply` set off has failed, until one succeeds. The `apply` has not. */
  get snapshotFailure(): unknown {
    return this.#engine.snapshotFailure;
  }

  /** A deep copy of the state. */
  snapshot(): S {
    return structuredClone(this.#engine.state);
  }

  /**
   * Logs a mutation, and applies it once it is durable.
   *
   * @param mutation The mutation; taken as it is at the call.
   * @param options Whether to insist on a sequence number.
   * @returns The number of its record; the state has it by then.
   * @throws {MiniError} As `MiniStore.append`; `INVALID` where the schema
   * refuses it; `CONFLICT` where `expectedSequence` does not match: nothing was
   * logged in these cases; `ABORTED_MUTATION` where `apply` threw, `cause` being
   * what it threw: the mutation is recorded as aborted and has no effect.
   */
  apply(mutation: M, options: ApplyOptions = {}): Promise<number> {
    return told(() => this.#engine.write([mutation], false, options));
  }

  /**
   * Logs mutations as one atomic record, and applies them together: after a
   * crash, or where one of them throws, all of them count or none.
   *
   * @param mutations The mutations, in order.
   * @param options Whether to insist on a sequence number.
   * @returns The number of the record. Of no mutations: the current one.
   * @throws {MiniError} As {@linkcode StateManager.apply}.
   */
  applyBatch(
    mutations: readonly M[],
    options: ApplyOptions = {},
  ): Promise<number> {
    return told(() => this.#engine.write(mutations, true, options));
  }

  /**
   * Reads, decides and writes with no other write in between.
   *
   * @param decide Gives a mutation, several that are one atomic record as
   * {@linkcode batch} makes them, or `undefined` for none. Synchronous; must not
   * change the state, at which {@linkcode StateManager.sequence} stands meanwhile.
   * @returns The number of the record; `undefined` where there is none.
   * @throws {MiniError} As {@linkcode StateManager.apply}. What `decide` throws
   * is thrown as it is, and nothing was logged.
   *
   * @example Take only what is there
   * ```ts
   * import { StateManager } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * await using stock = await StateManager.open(await Deno.makeTempDir(), {
   *   initial: () => ({ left: 1 }),
   *   apply: (state, op: { take: number }) => ({ left: state.left - op.take }),
   * });
   * const take = () => stock.transact((state) => state.left > 0 ? { take: 1 } : undefined);
   * assertEquals(await Promise.all([take(), take()]), [1, undefined]);
   * ```
   */
  transact(
    decide: (state: DeepReadonly<S>) => M | Batch<M> | undefined,
  ): Promise<number | undefined> {
    return told(() => this.#engine.transact(decide));
  }

  /**
   * The state as it was after record `seq`, made anew.
   *
   * @param seq From 0, the initial state, to {@linkcode StateManager.sequence}.
   * @returns A state of its own.
   * @throws {MiniError} `COMPACTED` where neither snapshots nor log reach back so far.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async at(seq: number): Promise<S> {
    return this.#engine.at(seq);
  }

  /**
   * The mutations that had an effect, oldest first.
   *
   * @param range Which records.
   * @returns The mutations, as the code of today has them.
   * @throws {MiniError} While iterating: as `MiniStore.replay`.
   */
  history(range: ReplayRange = {}): AsyncIterable<AppliedMutation<M>> {
    return this.#engine.history(range);
  }

  /**
   * The mutations from `from` on, then every further one once the state has it.
   * Ends when the manager is closed. Without `from`, starts with the next one.
   *
   * @param options From where, and until when.
   * @returns The mutations that had an effect. Who stops within those that share
   * a number, and goes on behind it, misses the others.
   * @throws {MiniError} While iterating: as `MiniStore.follow`; `COMPACTED` where
   * `from` is gone, or is gone before a slow reader gets there.
   */
  watch(options: FollowOptions = {}): AsyncIterable<AppliedMutation<M>> {
    return this.#engine.watch(options);
  }

  /**
   * Makes a snapshot of the state and its sequence number, taken in one step.
   *
   * @returns The snapshot.
   * @throws {MiniError} As `SnapStore.create`.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async createSnapshot(): Promise<SnapshotInfo> {
    return this.#engine.createSnapshot();
  }

  /**
   * Makes a snapshot, then removes the segments of the log that no kept
   * snapshot needs.
   *
   * @returns What was removed.
   * @throws {MiniError} As `SnapStore.create` and `MiniStore.compact`. Nothing
   * that is needed was removed.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async compact(): Promise<CompactionReport> {
    return this.#engine.compact();
  }

  /** Waits for the writes under way, and frees files and lock. Closing twice is fine. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** The same as {@linkcode StateManager.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a call gives. An error that is about this call alone tells, by its stack, who has made it. */
async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const isOwn = error instanceof MiniError &&
      error.code === "ABORTED_MUTATION";
    if (isOwn) Error.captureStackTrace(error);
    throw error;
  }
}
