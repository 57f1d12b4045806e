import type { SnapshotInfo, Snapshots } from "../snap/mod.ts";
import type { CompactionReport, Log } from "../store/mod.ts";
import { Mutex } from "../base/mutex.ts";
import { given, isPromise, withResolvers } from "../base/promise.ts";
import type { LiveState } from "./applier.ts";
import type { StateOptions } from "./options.ts";

/** The snapshots of a state, and what they make unneeded. */
export class Compaction<S, M> {
  readonly #live: LiveState<S, M>;
  readonly #log: Log<unknown>;
  readonly #snapshots: Snapshots<S>;
  readonly #options: Pick<
    StateOptions<S, M>,
    "snapshotEvery" | "onSnapshotFailure"
  >;
  readonly #version: number | undefined;
  readonly #isImmutable: boolean;
  readonly #finished: (task: Promise<void>) => Promise<void>;
  readonly #mutex = new Mutex();
  #last = 0;
  /** The newest snapshot of another version, which is no use to fall back to. */
  #unusable = 0;
  /** Why the last one that was made by itself has failed. */
  failure: unknown;

  /** @param finished Has closing wait for a task. */
  constructor(
    live: LiveState<S, M>,
    { log, snapshots }: {
      readonly log: Log<unknown>;
      readonly snapshots: Snapshots<S>;
    },
    options: Pick<
      StateOptions<S, M>,
      | "snapshotEvery"
      | "onSnapshotFailure"
      | "version"
      | "immutable"
    >,
    finished: (task: Promise<void>) => Promise<void>,
  ) {
    this.#live = live;
    this.#log = log;
    this.#snapshots = snapshots;
    const { snapshotEvery, version, immutable } = options;
    this.#options = options;
    this.#version = version;
    this.#isImmutable = Boolean(immutable);
    this.#finished = finished;
    if (snapshotEvery === undefined) return;
    live.onApplied = (seq) => this.#afterApply(seq, snapshotEvery);
  }

  /** Says what opening has found. */
  start(last: number, unusable: number): void {
    this.#last = last;
    this.#unusable = unusable;
  }

  /**
   * Where a snapshot is due, resolves once other records may be applied, to what
   * the `apply` is to wait for. What it sets off must not make the `apply` look
   * failed.
   */
  #afterApply(
    seq: number,
    snapshotEvery: number | ((state: S) => number),
  ): Promise<() => Promise<void>> | undefined {
    try {
      if (!this.#isDue(seq, snapshotEvery)) return undefined;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    return this.#snapshotThenCompact();
  }

  #isDue(seq: number, snapshotEvery: number | ((state: S) => number)): boolean {
    const every = typeof snapshotEvery === "number"
      ? snapshotEvery
      : given("snapshotEvery", snapshotEvery(this.#live.state));
    if (!(typeof every === "number" && every >= 1)) {
      throw new RangeError(
        `snapshotEvery must be at least 1, not ${String(every)}`,
      );
    }
    return seq - this.#last >= every;
  }

  /** Where a snapshot is overdue on opening, looks whether one can be made of the state; `failure` says why not. */
  async rehearse(): Promise<void> {
    const { snapshotEvery } = this.#options;
    const { sequence: seq, state } = this.#live;
    if (snapshotEvery === undefined) return;
    try {
      if (!this.#isDue(seq, snapshotEvery)) return;
      await this.#snapshots.rehearse?.(state);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #snapshotThenCompact(): Promise<() => Promise<void>> {
    const nothing = () => Promise.resolve();
    try {
      if (!await this.#live.isSettled()) return nothing;
      // Not with every record from now on, should it fail.
      this.#last = this.#live.sequence;
      const { created } = await this.#take();
      return () => this.#finished(this.#compactBehind(created));
    } catch (error) {
      this.#failed(error);
      return nothing;
    }
  }

  async #compactBehind(created: Promise<SnapshotInfo>): Promise<void> {
    try {
      await created;
      await this.#compactLog();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#live.fail(error);
    this.failure = error;
    try {
      isPromise(this.#options.onSnapshotFailure?.(error));
    } catch {
      // Who is told of errors is not to make more of them.
    }
  }

  async createSnapshot(): Promise<SnapshotInfo> {
    for (;;) {
      const taken = await this.#live.between(async () =>
        await this.#live.isSettled() ? await this.#take() : undefined
      );
      if (taken !== undefined) return await taken.created;
      await this.#live.recordAborts();
    }
  }

  /** Resolves once the state has been taken: within a step, where state and number belong together. */
  async #take(): Promise<{ created: Promise<SnapshotInfo> }> {
    await this.#sync();
    const taken = withResolvers<void>();
    const created = this.#create(taken.resolve);
    const settled = created.then(() => {}, () => {});
    // A state that never changes need not be waited for.
    if (!this.#isImmutable) await Promise.race([taken.promise, settled]);
    return { created };
  }

  /** A snapshot is not to be ahead of its log after a power cut. */
  async #sync(): Promise<void> {
    try {
      await this.#log.sync?.();
    } catch (error) {
      this.#live.fail(error);
      throw error;
    }
  }

  async #create(onCaptured: () => void): Promise<SnapshotInfo> {
    const version = this.#version;
    const { id: logId } = this.#log;
    const { state, sequence } = this.#live;
    const info = await this.#snapshots.create(state, sequence, {
      ...(version !== undefined && { version }),
      ...(logId !== undefined && { logId }),
      onCaptured,
    });
    this.#last = Math.max(this.#last, sequence);
    this.#live.forgetCheckpoint(sequence);
    this.failure = undefined;
    return info;
  }

  /** Makes a snapshot, then removes what no kept one needs. */
  compact(): Promise<CompactionReport> {
    return this.#mutex.run(async () => {
      await this.createSnapshot();
      try {
        return await this.#compactLog();
      } catch (error) {
        this.#live.fail(error);
        throw error;
      }
    });
  }

  /** The log must reach back to the oldest kept snapshot; to its start where that one is no use. */
  async #compactLog(): Promise<CompactionReport> {
    const oldest = (await this.#snapshots.list())[0]?.seq ?? 0;
    await this.#log.rotate?.();
    return await this.#log.compact(oldest > this.#unusable ? oldest : 0);
  }
}
