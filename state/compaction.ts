import { Mutex } from "../base/mutex.ts";
import { given, isPromise, withResolvers } from "../base/promise.ts";
import type { SnapshotInfo, Snapshots } from "../snap/mod.ts";
import type { CompactionReport, Log } from "../store/mod.ts";
import type { Applier } from "./applier.ts";
import type { StateOptions } from "./options.ts";
import type { LogAndSnapshots } from "./rebuild.ts";

/** The snapshots of a state, and the records that they make unneeded. */
export class Compaction<S, M> {
  readonly #applier: Applier<S, M>;
  readonly #log: Log<unknown>;
  readonly #snapshots: Snapshots<S>;
  readonly #options: Pick<
    StateOptions<S, M>,
    "snapshotEvery" | "onSnapshotFailure" | "version" | "immutable"
  >;
  readonly #track: (task: Promise<void>) => Promise<void>;
  readonly #mutex = new Mutex();
  /** The number of the newest snapshot. */
  #last = 0;
  /** The newest snapshot of another version, which cannot be fallen back to. */
  #unusable = 0;
  /** Why the last automatic snapshot or compaction failed. */
  failure: unknown;

  /** @param track Makes closing wait for a task. */
  constructor(
    applier: Applier<S, M>,
    { log, snapshots }: LogAndSnapshots<S>,
    options: Pick<
      StateOptions<S, M>,
      "snapshotEvery" | "onSnapshotFailure" | "version" | "immutable"
    >,
    track: (task: Promise<void>) => Promise<void>,
  ) {
    this.#applier = applier;
    this.#log = log;
    this.#snapshots = snapshots;
    this.#options = options;
    this.#track = track;
    const { snapshotEvery } = options;
    if (snapshotEvery === undefined) return;
    applier.onApplied = (seq) => this.#afterApply(seq, snapshotEvery);
  }

  /** Starts from what opening found, and looks whether a snapshot can be made of the state if one is overdue; `failure` says why not. */
  async start(last: number, unusable: number): Promise<void> {
    this.#last = last;
    this.#unusable = unusable;
    const { snapshotEvery } = this.#options;
    if (snapshotEvery === undefined) return;
    try {
      const { sequence, state } = this.#applier;
      if (!this.#isDue(sequence, snapshotEvery)) return;
      await this.#snapshots.rehearse?.(state);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * If a snapshot is due, resolves once further records may be applied, to the
   * task that the `apply` waits for. A failure does not fail the `apply`.
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
      : given("snapshotEvery", snapshotEvery(this.#applier.state));
    if (!(typeof every === "number" && every >= 1)) {
      throw new RangeError(
        `snapshotEvery must be at least 1, not ${String(every)}`,
      );
    }
    return seq - this.#last >= every;
  }

  async #snapshotThenCompact(): Promise<() => Promise<void>> {
    const nothing = () => Promise.resolve();
    try {
      if (!await this.#applier.isSettled()) return nothing;
      // If it fails, the next try is not at the next record.
      this.#last = this.#applier.sequence;
      const { created } = await this.#capture();
      return () => this.#track(this.#compactAfter(created));
    } catch (error) {
      this.#failed(error);
      return nothing;
    }
  }

  async #compactAfter(created: Promise<SnapshotInfo>): Promise<void> {
    try {
      await created;
      await this.#compactLog();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#applier.noteFailure(error);
    this.failure = error;
    try {
      isPromise(this.#options.onSnapshotFailure?.(error));
    } catch {
      // A callback for errors must not cause further ones.
    }
  }

  async createSnapshot(): Promise<SnapshotInfo> {
    for (;;) {
      const captured = await this.#applier.atRecordBoundary(async () =>
        await this.#applier.isSettled() ? await this.#capture() : undefined
      );
      if (captured !== undefined) return await captured.created;
      await this.#applier.recordAborts();
    }
  }

  /** Begins a snapshot; resolves once the state is captured. Called at a record boundary. */
  async #capture(): Promise<{ created: Promise<SnapshotInfo> }> {
    await this.#sync();
    const captured = withResolvers<void>();
    const created = this.#create(captured.resolve);
    const settled = created.then(() => {}, () => {});
    // A state that never changes need not be waited for.
    if (!this.#options.immutable) {
      await Promise.race([captured.promise, settled]);
    }
    return { created };
  }

  /** Makes the log durable, so that no power cut leaves a snapshot ahead of it. */
  async #sync(): Promise<void> {
    try {
      await this.#log.sync?.();
    } catch (error) {
      this.#applier.noteFailure(error);
      throw error;
    }
  }

  async #create(onCaptured: () => void): Promise<SnapshotInfo> {
    const { version } = this.#options;
    const { id: logId } = this.#log;
    const { state, sequence } = this.#applier;
    const info = await this.#snapshots.create(state, sequence, {
      ...(version !== undefined && { version }),
      ...(logId !== undefined && { logId }),
      onCaptured,
    });
    this.#last = Math.max(this.#last, sequence);
    this.#applier.forgetCheckpoint(sequence);
    this.failure = undefined;
    return info;
  }

  /** Makes a snapshot, then removes the records that no kept one needs. */
  compact(): Promise<CompactionReport> {
    return this.#mutex.run(async () => {
      await this.createSnapshot();
      try {
        return await this.#compactLog();
      } catch (error) {
        this.#applier.noteFailure(error);
        throw error;
      }
    });
  }

  /** Compacts up to the oldest kept snapshot, or not at all if that one cannot be used. */
  async #compactLog(): Promise<CompactionReport> {
    const oldest = (await this.#snapshots.list())[0]?.seq ?? 0;
    await this.#log.rotate?.();
    return await this.#log.compact(oldest > this.#unusable ? oldest : 0);
  }
}
