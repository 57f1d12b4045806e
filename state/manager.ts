import { absolutePath } from "../fs/system.ts";
import type { Health, HealthOptions } from "../base/telemetry/health.ts";
import { Mutex } from "../base/mutex.ts";
import { isPromise, logIn, owning } from "../base/promise.ts";
import type { SnapshotInfo, Snapshots } from "../snap/mod.ts";
import {
  type CompactionReport,
  type FollowOptions,
  type Log,
  MiniError,
  type ReplayRange,
} from "../store/mod.ts";
import { Applier } from "./applier.ts";
// deno-lint-ignore no-unused-vars -- `batch` is linked to
import { Batch, type batch } from "./batch.ts";
import { Compaction } from "./compaction/compaction.ts";
import { seqOf } from "./compaction/retention.ts";
import { openFiles } from "./directory.ts";
import {
  type AppliedMutation,
  type ApplyOptions,
  checked,
  pastRange,
  type StateOptions,
  type StateRecoveryReport,
} from "./options.ts";
import type { DeepReadonly } from "./view/readonly.ts";
import {
  effectiveMutations,
  rebuild,
  rebuildSources,
  type WritableSources,
} from "./rebuild.ts";
import { type HandOver, recover } from "./recover.ts";
import { told } from "./reducer.ts";
import { openTold, stateHealth, type StateMetrics } from "./telemetry.ts";
import { select } from "./view/select.ts";
import { watch } from "./view/watch.ts";

/** Opens a state whose options were checked. It starts from what `handOver` gives, in place of a rebuild. */
export let openState: <S, M>(
  dir: string | undefined,
  options: StateOptions<S, M>,
  handOver?: HandOver<S, M>,
) => Promise<StateManager<S, M>>;

/** The options that a state was opened with. */
export let optionsOf: <S, M>(of: StateManager<S, M>) => StateOptions<S, M>;

/**
 * State that survives a crash: every mutation is logged, durably, then applied to
 * the state in memory. Reads are property accesses, and never wait.
 *
 * The JSON form of a mutation is what is logged and what is applied, so that the
 * state in memory and the one replayed after a restart are equal by construction.
 * Concurrent writes keep the order of the calls and share an fsync.
 *
 * @typeParam S The state.
 * @typeParam M A mutation: any value that JSON keeps unchanged.
 *
 * @example A counter that survives
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
  readonly #log: Log<unknown>;
  readonly #sources: WritableSources<S, M>;
  readonly #options: StateOptions<S, M>;
  readonly #applier: Applier<S, M>;
  readonly #compaction: Compaction<S, M>;
  /**
   * Serialises deciding, not writing: a write is queued within it and awaited
   * outside, so that concurrent writes share an fsync. Only a decision that must
   * see the state waits inside until every write before it is applied.
   */
  readonly #mutex = new Mutex();
  /** The tasks that closing waits for. */
  readonly #tasks = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;
  #recovery!: StateRecoveryReport;

  /** The directory, absolute; `undefined` if log and snapshots were given. */
  readonly dir: string | undefined;
  /** The file of the log, absolute; `undefined` if the log is no `MiniStore`. */
  readonly journalPath: string | undefined;
  /**
   * Fast path: applies the JSON text of a mutation that the caller has checked.
   * A state with a schema leaves it out.
   *
   * @throws {SyntaxError} If the text is no JSON, or nests deeper than `apply` accepts.
   * @throws {TypeError} If the text contains a line feed or a lone surrogate.
   * @throws {MiniError} As {@linkcode StateManager.apply}.
   */
  readonly applyJson?: (
    json: string,
    options?: ApplyOptions,
  ) => Promise<number>;

  private constructor(
    sources: WritableSources<S, M>,
    options: StateOptions<S, M>,
    dir: string | undefined,
    journalPath: string | undefined,
  ) {
    this.#log = sources.log;
    this.#sources = sources;
    this.#options = options;
    this.#applier = new Applier(sources, dir);
    this.#compaction = new Compaction(
      this.#applier,
      sources,
      options,
      (task) => this.#track(task),
    );
    this.dir = dir;
    this.journalPath = journalPath;
    if (options.schema !== undefined) return;
    this.applyJson = (json, options = {}) =>
      told(() => {
        const { expectedSequence, durable = true } = options;
        this.#assertUsable();
        const encoded = this.#applier.encodeJson(json);
        const queue = () => this.#applier.append(encoded, durable);
        return this.#inTurn(queue, expectedSequence);
      });
  }

  /**
   * Takes the lock, and rebuilds the state from the newest intact snapshot and
   * the records after it. A mutation that is recorded as aborted has no effect.
   * A mutation that had been applied stays: opening is refused if `apply` throws
   * for it now. If the log does not say, see {@linkcode StateRecoveryReport.undecided}.
   *
   * @param dir The directory, created if it is missing.
   * @param options The state, and how mutations change it.
   * @returns The manager. Close it to free the lock.
   * @throws {TypeError} If the directory holds the log of another state, or a
   * queue; if `initial` gives the same object twice; for options that do not
   * exist, are not what they must be, or would be ignored. Nothing was changed.
   * @throws {MiniError} As `MiniStore.open`; `CORRUPT` if neither snapshots nor
   * log reach back far enough; `INVALID` for a logged mutation that the schema
   * refuses; `REPLAY_FAILED` if `apply` throws for a mutation that had been
   * applied: nothing on disk was changed; `UNSUPPORTED_FORMAT` for a snapshot of
   * another version that can be neither migrated nor replayed, and for a
   * mutation of a newer version, or of an older one without `upcast`.
   */
  static open<S, M>(
    dir: string | URL,
    options: StateOptions<S, M>,
  ): Promise<StateManager<S, M>>;
  /**
   * The same without a directory: on a log and snapshots of the caller's. The
   * state owns the log from the call on: opening closes it if it fails, for
   * whatever reason, so that another may open it.
   *
   * @param options The state, how mutations change it, and where it is kept.
   * @returns The manager. Closing it closes the log.
   * @throws {TypeError} As above.
   * @throws {MiniError} As above.
   */
  static open<S, M>(
    options: StateOptions<S, M> & {
      readonly log: Log<unknown>;
      readonly snapshots: Snapshots<S>;
    },
  ): Promise<StateManager<S, M>>;
  static async open<S, M>(
    first: string | URL | StateOptions<S, M>,
    second?: StateOptions<S, M>,
  ): Promise<StateManager<S, M>> {
    return await owning(logIn(first, second), async () => {
      const { dir, options } = checked(first, second);
      return await openState(dir && absolutePath(dir), options);
    });
  }

  static {
    openState = (dir, options, handOver) =>
      openTold(dir, async () => {
        const opened = await StateManager.#open(dir, options, handOver);
        return { opened, meter: opened.#applier.meter };
      });
    optionsOf = (manager) => manager.#options;
  }

  static async #open<S, M>(
    dir: string | undefined,
    options: StateOptions<S, M>,
    handOver?: HandOver<S, M>,
  ): Promise<StateManager<S, M>> {
    const { journalPath, ...found } = await openFiles(dir, options);
    return await owning(found.log, async () => {
      const sources = rebuildSources(found, options);
      const manager = new StateManager(sources, options, dir, journalPath);
      manager.#recovery = await recover(
        sources,
        manager.#applier,
        manager.#compaction,
        handOver,
      );
      return manager;
    });
  }

  /** The state as of {@linkcode StateManager.sequence}, for reading: a change to it would not be durable. Throws the `failure` if there is none, and if that is `DEPOSED`. */
  get state(): DeepReadonly<S> {
    return this.#applier.state as DeepReadonly<S>;
  }

  /** The number of the last record that the state has applied. */
  get sequence(): number {
    return this.#applier.sequence;
  }

  /**
   * The number of the first record that is left, or of the next one if there is
   * none: how far back {@linkcode StateManager.history} and
   * {@linkcode StateManager.watch} reach.
   */
  get firstSequence(): number {
    return this.#log.firstSequence;
  }

  /** The id of the log, which its snapshots carry too; `undefined` if it has none. */
  get logId(): string | undefined {
    return this.#log.id;
  }

  /** The report of opening. */
  get recovery(): StateRecoveryReport {
    return this.#recovery;
  }

  /**
   * The numbers of this state since it was opened: what was applied, what waits,
   * how long snapshots took.
   *
   * @returns Plain JSON; see {@linkcode StateMetrics}.
   */
  metrics(): StateMetrics {
    return this.#applier.meter.read(this.#applier.waiting);
  }

  /**
   * Tells whether the state and its log are well: for a check of liveness or
   * readiness. Reads no record.
   *
   * @param options From when on something is worth a look.
   * @returns Plain JSON; see {@linkcode HealthCode}. Rejects for no state that this
   * may be in, closed and poisoned included.
   * @throws {TypeError} For an option that does not exist.
   * @throws {RangeError} For a threshold that is no number from 0 on.
   *
   * @example Why it is not well
   * ```ts
   * import { StateManager } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * await using counter = await StateManager.open(await Deno.makeTempDir(), {
   *   initial: () => 0,
   *   apply: (state, by: number) => state + by,
   * });
   * const { status, reasons } = await counter.health({ minFreeBytes: Infinity });
   * assertEquals(status, "degraded");
   * assertEquals(reasons.map(({ code }) => code), ["DISK_NEARLY_FULL"]);
   * ```
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    const isClosed = this.#closing !== undefined;
    return await stateHealth(this.#log, options, this, isClosed);
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#applier.isClosed;
  }

  /** Why nothing more can be applied until it is opened again: `POISONED`, or what the log says. With `DEPOSED` the state is not shown any more, since another writer may have changed it. */
  get failure(): MiniError | undefined {
    return this.#applier.failure;
  }

  /** Resolves when the state has applied a further record, has failed, or was closed. */
  get changed(): Promise<void> {
    return this.#applier.changed;
  }

  /** Why the last snapshot or compaction that an `apply` set off has failed, until one succeeds. The `apply` has not. */
  get snapshotFailure(): unknown {
    return this.#compaction.failure;
  }

  /** A deep copy of the state. */
  snapshot(): S {
    return structuredClone(this.#applier.state);
  }

  /**
   * Logs a mutation, and applies it once it is durable.
   *
   * @param mutation The mutation; taken as it is at the call.
   * @param options Which sequence number to insist on, and whether to wait
   * until it is durable.
   * @returns The number of its record; the state has applied it.
   * @throws {MiniError} As `MiniStore.append`; `INVALID` if the schema refuses
   * it; `CONFLICT` if `expectedSequence` does not match: nothing was logged in
   * these cases; `ABORTED_MUTATION` if `apply` threw, `cause` being what it
   * threw: the mutation is recorded as aborted and has no effect.
   */
  apply(mutation: M, options: ApplyOptions = {}): Promise<number> {
    return told(() => this.#write([mutation], false, options));
  }

  /**
   * Logs mutations as one atomic record, and applies them together: all of them
   * have an effect or none, also after a crash, and if `apply` throws for one.
   *
   * @param mutations The mutations, in order.
   * @param options Which sequence number to insist on, and whether to wait
   * until they are durable.
   * @returns The number of the record. Of no mutations: the current one.
   * @throws {MiniError} As {@linkcode StateManager.apply}.
   */
  applyBatch(
    mutations: readonly M[],
    options: ApplyOptions = {},
  ): Promise<number> {
    return told(() => this.#write(mutations, true, options));
  }

  /**
   * Reads, decides and writes with no other write in between.
   *
   * @param decide Returns a mutation, several that are one atomic record as
   * {@linkcode batch} makes them, or `undefined` for none. Synchronous; must not
   * change the state, which is that of {@linkcode StateManager.sequence}.
   * @returns The number of the record; `undefined` if there is none.
   * @throws {MiniError} As {@linkcode StateManager.apply}. An error of `decide`
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
    return told(() => this.#transact(decide));
  }

  /** Queues mutations as one record; resolves to its number once they are applied. */
  #write(
    mutations: readonly M[],
    isBatch: boolean,
    { expectedSequence, durable = true }: ApplyOptions,
  ): Promise<number> {
    this.#assertUsable();
    const encoded = this.#applier.encode(mutations, isBatch);
    const queue = () =>
      mutations.length === 0
        ? Promise.resolve(this.sequence)
        : this.#applier.append(encoded, durable);
    return this.#inTurn(queue, expectedSequence);
  }

  /** Queues a write after the decisions that are being made. */
  #inTurn(
    queue: () => Promise<number>,
    expectedSequence: number | undefined,
  ): Promise<number> {
    // It decides nothing itself, and nobody else is deciding.
    if (expectedSequence === undefined && this.#mutex.isFree) return queue();
    return this.#mutex.run(async () => {
      if (expectedSequence !== undefined) await this.#expect(expectedSequence);
      return { applied: queue() };
    }).then(({ applied }) => applied);
  }

  async #expect(expectedSequence: number): Promise<void> {
    await this.#applier.settle();
    if (this.sequence === expectedSequence) return;
    throw new MiniError(
      "CONFLICT",
      `Cannot apply: the state is at record ${this.sequence}, and expectedSequence is ${expectedSequence}; nothing was logged`,
      { seq: this.sequence },
    );
  }

  #transact(
    decide: (state: DeepReadonly<S>) => M | Batch<M> | undefined,
  ): Promise<number | undefined> {
    this.#assertUsable();
    return this.#mutex.run(async () => {
      await this.#applier.settle();
      const decided = this.#sources.guard.run(() => decide(this.state));
      if (isPromise(decided)) {
        throw new TypeError("decide must not return a promise");
      }
      if (decided === undefined) return { applied: undefined };
      const isBatch = decided instanceof Batch;
      const mutations = isBatch ? decided.mutations : [decided];
      if (mutations.length === 0) return { applied: undefined };
      const encoded = this.#applier.encode(mutations, isBatch);
      return { applied: this.#applier.append(encoded, true) };
    }).then(({ applied }) => applied);
  }

  #assertUsable(): void {
    this.#sources.guard.assertOutside();
    if (this.#closing === undefined) return;
    throw new MiniError("CLOSED", "Cannot use the state: it was closed");
  }

  /**
   * Rebuilds the state as it was after a record, or at a time: after the last
   * record whose time is that or earlier.
   *
   * @param when A number from 0, the initial state, to
   * {@linkcode StateManager.sequence}; or a date, if the log has times.
   * @returns A state of its own.
   * @throws {TypeError} For a date, if the state was opened without `timestamps`
   * and no record has a time.
   * @throws {MiniError} `COMPACTED` if neither snapshots nor log reach back so far.
   * A date needs a record of that time or an earlier one in the log: `retain.ageMs`
   * keeps one. Where a compaction has left none, only the manager that logged the
   * last record knows when that was, until the next.
   *
   * @example As it was before a mistake
   * ```ts
   * import { StateManager } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * await using price = await StateManager.open(await Deno.makeTempDir(), {
   *   timestamps: true,
   *   initial: () => 0,
   *   apply: (_, cents: number) => cents,
   * });
   * await price.apply(500);
   * const mistake = await price.apply(5);
   * assertEquals(await price.at(mistake - 1), 500);
   * assertEquals(await price.at(new Date("2026-01-01")), 0);
   * ```
   */
  async at(when: number | Date): Promise<S> {
    this.#assertUsable();
    return await this.#track(this.#at(when));
  }

  async #at(when: number | Date): Promise<S> {
    const seq = await seqOf(when, this.#log, this.sequence);
    return (await rebuild(this.#sources, seq, "COMPACTED")).state;
  }

  /**
   * Reads the mutations that had an effect, oldest first.
   *
   * @param range Which records; `since` needs a log with times.
   * @returns The mutations, in the version of this code.
   * @throws {MiniError} While iterating: as `MiniStore.replay`.
   */
  history(range: ReplayRange = {}): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    const records = this.#log.replay(pastRange(range, this.sequence));
    const { aborts } = this.#sources;
    const learn = aborts.learning(range.from ?? this.#log.firstSequence);
    return effectiveMutations(this.#sources, records, async (seq) => {
      await learn(seq);
      return true;
    });
  }

  /**
   * Reads the mutations from `from` on, then each further one once the state has
   * applied it. Ends when the manager is closed. Without `from`, starts with the
   * next one.
   *
   * @param options Where to start, and when to stop.
   * @returns The mutations that had an effect. Those of one batch share a number:
   * a reader that stops between them and continues after that number misses the
   * others.
   * @throws {MiniError} While iterating: as `MiniStore.follow`; `COMPACTED` if
   * `from` is gone, or is gone before a slow reader gets there; the
   * {@linkcode StateManager.failure} of the state.
   */
  watch(
    options: Pick<FollowOptions, "from" | "signal"> = {},
  ): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    return watch(this.#sources, this.#applier, options);
  }

  /**
   * Reads a part of the state, now and whenever it has changed. Ends when the
   * manager is closed. A slow reader gets the newest, not each.
   *
   * Parts are compared as JSON, and are copies. With `immutable` they are
   * compared by identity (`Object.is`), and are not copied.
   *
   * @param selector Returns the part: plain JSON, or `undefined` for one that is
   * not there. Synchronous; must not change the state.
   * @param options When to stop.
   * @returns The parts.
   * @throws {MiniError} While iterating: `UNSERIALIZABLE` for a part that JSON
   * does not keep; the {@linkcode StateManager.failure} of the state.
   *
   * @example Only what has changed
   * ```ts
   * import { StateManager } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * await using settings = await StateManager.open(await Deno.makeTempDir(), {
   *   initial: (): Record<string, string> => ({ theme: "light" }),
   *   apply: (state, change: Record<string, string>) => {
   *     Object.assign(state, change);
   *   },
   * });
   * const themes: unknown[] = [];
   * for await (const theme of settings.select((state) => state.theme)) {
   *   themes.push(theme);
   *   if (theme === "dark") break;
   *   await settings.apply({ language: "en" }); // not a change of the theme
   *   await settings.apply({ theme: "dark" });
   * }
   * assertEquals(themes, ["light", "dark"]);
   * ```
   */
  select<R>(
    selector: (state: DeepReadonly<S>) => R,
    options: Pick<FollowOptions, "signal"> = {},
  ): AsyncIterable<R> {
    this.#assertUsable();
    return select(this.#applier, selector, options, this.#sources);
  }

  /**
   * Makes a snapshot of the state and its sequence number. Removes no record, and
   * no snapshot without which {@linkcode StateManager.at} would reach less far
   * back.
   *
   * @returns The snapshot.
   * @throws {MiniError} As `SnapStore.create`.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async createSnapshot(): Promise<SnapshotInfo> {
    this.#assertUsable();
    return this.#track(this.#compaction.createSnapshot());
  }

  /**
   * Makes a snapshot, then removes the segments of the log that no kept
   * snapshot needs, and that `retain` does not ask for.
   *
   * @returns What was removed.
   * @throws {MiniError} As `SnapStore.create` and `MiniStore.compact`. Nothing
   * that is needed was removed.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async compact(): Promise<CompactionReport> {
    this.#assertUsable();
    return this.#track(this.#compaction.compact());
  }

  /** Makes closing wait for a task. */
  #track<T>(task: Promise<T>): Promise<T> {
    const ended = task.then(() => {}, () => {});
    this.#tasks.add(ended);
    ended.then(() => this.#tasks.delete(ended));
    return task;
  }

  /** Waits for the writes under way, and frees files and lock. Closing twice is fine. */
  // deno-lint-ignore require-await -- what is thrown must reject
  async close(): Promise<void> {
    this.#sources.guard.assertOutside();
    return this.#closing ??= this.#mutex.run(async () => {
      // What is applied until then may set off a snapshot.
      await this.#applier.settle();
      await Promise.all(this.#tasks);
      try {
        await this.#log.close({ applied: this.#applier.applied });
      } finally {
        this.#applier.end();
      }
    });
  }

  /** The same as {@linkcode StateManager.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
