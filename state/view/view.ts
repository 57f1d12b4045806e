import { join } from "@std/path";
import { childOf } from "../../base/abort.ts";
import { aSignal, assertOptions, checkCount } from "../../base/checks.ts";
import { deadline } from "../../base/deadline.ts";
import { absolutePath } from "../../fs/system.ts";
import { type FollowOptions, MiniError } from "../../store/mod.ts";
import { checkRetention } from "../compaction/retention.ts";
import { type FilesToRead, isRustLog, openForReading } from "../directory.ts";
import type { StateManager } from "../manager.ts";
import {
  type AppliedMutation,
  checkInitial,
  checkUnused,
  checkWatch,
} from "../options.ts";
import type { DeepReadonly } from "./readonly.ts";
import { rebuild, type RebuildSources, rebuildSources } from "../rebuild.ts";
import { isApplied } from "./feed.ts";
import {
  type StateViewOptions,
  type StateViewSource,
  VIEW_CHECKS,
} from "./options.ts";
import { PastAborts } from "./past_aborts.ts";
import { promote, type PromoteOptions } from "./promote.ts";
import { select } from "./select.ts";
import { Follower } from "./follower.ts";
import { ViewState } from "./view_state.ts";
import { watch } from "./watch.ts";

/** The options that a view was opened with. */
export let viewOptionsOf: <S, M>(
  view: StateView<S, M>,
) => StateViewOptions<S, M>;

/**
 * A state in memory, for reading, that follows what another process writes: it
 * takes no lock, writes nothing, and needs only the permission to read the
 * directory.
 *
 * It may be a moment late, and may show what is written and not yet durable: a
 * crash of the writer can take that back, and then the view starts over. At any
 * time it shows the state after some record of the log, never one in between.
 *
 * @typeParam S The state.
 * @typeParam M A mutation.
 *
 * @example Read what another process writes
 * ```ts
 * import { StateManager, StateView } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const sum = {
 *   initial: () => 0,
 *   apply: (state: number, by: number) => state + by,
 * };
 * await using manager = await StateManager.open(dir, sum); // there
 * await using view = await StateView.open(dir, sum); // here
 * const seq = await manager.apply(2); // there, told to us
 * await view.until(seq);
 * assertEquals(view.state, 2);
 * ```
 */
export class StateView<S, M> implements AsyncDisposable {
  readonly #sources: RebuildSources<S, M>;
  readonly #state: ViewState<S, M>;
  readonly #follower: Follower;
  readonly #options: StateViewOptions<S, M>;
  readonly #dir: string | undefined;
  readonly #own: StateViewSource<S>["own"];
  readonly #closed = new AbortController();
  readonly #ended = new Error("the view was closed");
  #closing: Promise<void> | undefined;

  /** The file of the log, absolute; `undefined` if a log was given. */
  readonly journalPath: string | undefined;

  private constructor(
    sources: RebuildSources<S, M>,
    state: ViewState<S, M>,
    options: StateViewOptions<S, M>,
    dir: string | undefined,
    own: StateViewSource<S>["own"],
  ) {
    this.#own = own;
    this.#sources = sources;
    this.#state = state;
    this.#follower = new Follower(sources.log, state);
    this.#options = options;
    this.#dir = dir;
    const { journal = "journal.jsonl" } = options;
    this.journalPath = dir === undefined ? undefined : join(dir, journal);
  }

  static {
    viewOptionsOf = (view) => view.#options;
  }

  /**
   * Makes the state from the newest intact snapshot and the records after it, and
   * keeps it up to date until the view is closed.
   *
   * @param from The directory of the state, or a log and snapshots for reading.
   * @param options The state, and how mutations change it: those of the writer.
   * @returns The view. Close it to let the process end.
   * @throws {TypeError} As `StateManager.open`.
   * @throws {MiniError} `NOT_FOUND` if there is no log, unless `ifMissing` is
   * `"empty"`; otherwise as `StateManager.open`, but for the lock.
   */
  static async open<S, M>(
    from: string | URL | StateViewSource<S>,
    options: StateViewOptions<S, M>,
  ): Promise<StateView<S, M>> {
    const call = "StateView.open()";
    assertOptions(call, options, VIEW_CHECKS, ["initial", "apply"]);
    if (from === "") {
      throw new TypeError("Cannot open a view: the path is empty");
    }
    const isPath = typeof from === "string" || from instanceof URL;
    const dir = isPath ? absolutePath(from) : undefined;
    const source = isPath ? {} : from;
    const own = isPath ? undefined : from.own;
    checkUnused(call, dir, { ...options, ...source });
    if (isPath) checkRetention(options);
    checkInitial(options);
    const { identify, ...files } = isPath
      ? await openForReading<S>(absolutePath(from), options)
      : given(from);
    const sources = { ...rebuildSources(files, options), isView: true };
    const state = new ViewState<S, M>(sources, identify);
    const view = new StateView(sources, state, options, dir, own);
    try {
      await view.#follower.start();
      return view;
    } catch (error) {
      await view.#closeOwnLog();
      throw error;
    }
  }

  /** The state as of {@linkcode StateView.sequence}, for reading. After it was promoted: `CLOSED`; the {@linkcode StateView.failure} if it failed half-way. */
  get state(): DeepReadonly<S> {
    return this.#state.state as DeepReadonly<S>;
  }

  /** The number of the last record that the state has applied. It becomes smaller if the writer lost records in a crash. */
  get sequence(): number {
    return this.#state.sequence;
  }

  /** The number up to which the records that the state has applied are known to be durable, so that no crash takes them back. */
  get durableSequence(): number {
    return this.#state.durableSequence;
  }

  /** How many records the log had, at the last look, that the state has not applied. */
  get lag(): number {
    return this.#state.lag;
  }

  /**
   * How often the state has turned out not to be that of the log any more:
   * records that it had applied were taken back or removed by compaction before
   * it got to them, the log could not be read for a moment, or the writer's code
   * has not applied a mutation that this code has. A program that sums up changes must begin again after a reset.
   */
  get resets(): number {
    return this.#state.resets;
  }

  /** Resolves when the state has changed, has failed, or was closed. */
  get changed(): Promise<void> {
    return this.#state.changed;
  }

  /**
   * Why the state is not kept up to date any more: `REPLAY_FAILED` if `apply`
   * throws for a mutation that was applied by the writer; `IO`, `PERMISSION`,
   * `NOT_FOUND` or `CORRUPT` if the log, or a snapshot, could not be read for
   * about ten seconds. The state stays as it was. A failure is final: open
   * another view.
   */
  get failure(): unknown {
    return this.#state.failed.reason;
  }

  /** Whether it was closed or promoted, or its log was closed. */
  get isClosed(): boolean {
    return this.#closed.signal.aborted || this.#state.isClosed;
  }

  /**
   * Waits until the state has applied a record: to read what the caller wrote
   * elsewhere. If a crash takes back the record before, it waits on.
   *
   * @param seq The number of the record.
   * @param options For how long, in milliseconds, and when to stop.
   * @throws {DOMException} `TimeoutError` after `timeoutMs`.
   * @throws {MiniError} `CLOSED`, and the {@linkcode StateView.failure} of the view.
   *
   * @example Give up after a while
   * ```ts
   * import { StateManager, StateView } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * const dir = await Deno.makeTempDir();
   * const sum = {
   *   initial: () => 0,
   *   apply: (state: number, by: number) => state + by,
   * };
   * await using _manager = await StateManager.open(dir, sum);
   * await using view = await StateView.open(dir, sum);
   * const name = await view.until(1, { timeoutMs: 20 }).then(
   *   () => "there",
   *   (error: DOMException) => error.name,
   * );
   * assertEquals(name, "TimeoutError");
   * ```
   */
  async until(
    seq: number,
    { timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#assertOpen();
    checkCount("seq", seq, 0);
    if (timeoutMs !== undefined) checkCount("timeoutMs", timeoutMs, 0);
    if (signal !== undefined) aSignal("signal", signal);
    const child = childOf(signal);
    try {
      const applied = isApplied(this.#state, seq, child.signal);
      const isThere = timeoutMs === undefined
        ? await applied
        : await deadline(applied, timeoutMs);
      if (!isThere) this.#assertOpen();
    } finally {
      child.abort();
    }
  }

  /**
   * Rebuilds the state as it was after a record.
   *
   * @param seq A number from 0, the initial state, to
   * {@linkcode StateView.sequence}.
   * @returns A state of its own.
   * @throws {MiniError} `COMPACTED` if neither snapshots nor log reach back so far.
   *
   * @example As it was before the last change
   * ```ts
   * import { StateManager, StateView } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * const dir = await Deno.makeTempDir();
   * const sum = {
   *   initial: () => 0,
   *   apply: (state: number, by: number) => state + by,
   * };
   * await using manager = await StateManager.open(dir, sum);
   * for (const by of [1, 2, 3]) await manager.apply(by);
   * await using view = await StateView.open(dir, sum);
   * assertEquals(await view.at(view.sequence - 1), 3);
   * ```
   */
  async at(seq: number): Promise<S> {
    this.#assertOpen();
    checkCount("seq", seq, 0);
    if (seq > this.sequence) {
      throw new RangeError(`seq must be at most ${this.sequence}, not ${seq}`);
    }
    const { log, snapshots, isRust } = this.#sources;
    const files = { log, snapshots, isRust };
    const sources = rebuildSources(files, this.#options);
    return (await rebuild(sources, seq, "COMPACTED")).state;
  }

  /**
   * Reads the mutations from `from` on that have an effect, then each further one
   * once the state has applied it. Ends when the view is closed. Without `from`,
   * starts with the next one.
   *
   * @param options Where to start, and when to stop.
   * @returns The mutations, in the version of this code.
   * @throws {MiniError} While iterating: `REWRITTEN` if what it has read is not
   * there any more; `COMPACTED` if `from` is gone, or is gone before a slow
   * reader gets there; the {@linkcode StateView.failure} of the view.
   */
  watch(
    options: Pick<FollowOptions, "from" | "signal"> = {},
  ): AsyncIterable<AppliedMutation<M>> {
    checkWatch(options);
    this.#assertOpen();
    const { signal, letGo } = childOf(options.signal, this.#closed.signal);
    const ended = this.#ended;
    const sources = {
      ...this.#sources,
      aborts: new PastAborts(this.#sources, this.#state),
    };
    const mutations = watch(sources, this.#state, { ...options, signal });
    return (async function* () {
      try {
        yield* mutations;
      } catch (error) {
        if (error !== ended) throw error;
      } finally {
        letGo();
      }
    })();
  }

  /**
   * Reads a part of the state, now and whenever it has changed, as
   * {@linkcode StateManager.select} does. Ends when the view is closed.
   *
   * @param selector Returns the part. Synchronous; must not change the state.
   * @param options When to stop.
   * @returns The parts.
   * @throws {MiniError} While iterating: `UNSERIALIZABLE` for a part that JSON
   * does not keep; the {@linkcode StateView.failure} of the view.
   */
  select<R>(
    selector: (state: DeepReadonly<S>) => R,
    options: Pick<FollowOptions, "signal"> = {},
  ): AsyncIterable<R> {
    this.#assertOpen();
    return select(this.#state, selector, options, this.#sources);
  }

  /**
   * Takes over from a writer that is gone: takes the lock, recovers the log, and
   * gives the state to a manager, without replaying the log. Then the view is
   * closed, and what iterates over it ends. If it fails, the view stays as it is,
   * and the lock is free.
   *
   * @param options How long to wait for the lock, and when to stop waiting.
   * @returns The manager, opened with the options of the view. Its `recovery` says
   * what opening would have said.
   * @throws {TypeError} If the view was given a log and snapshots that cannot be
   * opened for writing.
   * @throws {MiniError} `LOCKED` while a living process has the lock, also a
   * stopped one; otherwise as `StateManager.open`.
   *
   * @example A standby
   * ```ts
   * import { StateManager, StateView } from "@mini/state/state";
   * import { assertEquals } from "@std/assert";
   *
   * const dir = await Deno.makeTempDir();
   * const sum = {
   *   initial: () => 0,
   *   apply: (state: number, by: number) => state + by,
   * };
   * const writer = await StateManager.open(dir, sum);
   * await writer.apply(2);
   *
   * const standby = await StateView.open(dir, sum);
   * const promoted = standby.promote({ waitMs: 60_000 }); // waits for the lock
   * await writer.close(); // or its process is killed
   * await using manager = await promoted;
   * assertEquals(await manager.apply(3), 2);
   * assertEquals(manager.state, 5);
   * ```
   */
  async promote(options: PromoteOptions = {}): Promise<StateManager<S, M>> {
    const manager = await promote({
      dir: this.#dir,
      own: this.#own,
      options: this.#options,
      sources: this.#sources,
      state: this.#state,
      follower: this.#follower,
      assertOpen: () => this.#assertOpen(),
    }, options);
    this.#state.release();
    // The manager is open, whatever becomes of the files that the view has read.
    await this.close().catch(() => {});
    return manager;
  }

  #assertOpen(): void {
    this.#sources.guard.assertOutside();
    if (!this.isClosed) return;
    throw new MiniError("CLOSED", "Cannot use the view: it was closed");
  }

  /** Stops following. Closing twice is fine. */
  close(): Promise<void> {
    this.#sources.guard.assertOutside();
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closed.abort(this.#ended);
    await this.#follower.stop();
    this.#state.end();
    await this.#closeOwnLog();
  }

  async #closeOwnLog(): Promise<void> {
    if (this.#dir !== undefined) await this.#sources.log.close();
  }

  /** The same as {@linkcode StateView.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A log and snapshots of the caller's, as those in a directory are. */
function given<S>({ log, snapshots }: StateViewSource<S>): FilesToRead<S> {
  return { log, snapshots, isRust: isRustLog(log), identify: undefined };
}
