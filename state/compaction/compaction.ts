import { MiniError } from "../../base/errors.ts";
import { Mutex } from "../../base/mutex.ts";
import { given, isPromise, withResolvers } from "../../base/promise.ts";
import type { SnapshotInfo, Snapshots } from "../../snap/mod.ts";
import type { CompactionReport, Log } from "../../store/mod.ts";
import type { Applier } from "../applier.ts";
import { assertTree } from "../checkpoint.ts";
import type { StateOptions } from "../options.ts";
import type { LogAndSnapshots, Rebuilt } from "../rebuild.ts";
import { AutoCadence } from "./auto_cadence.ts";
import { neededFrom, startOf } from "./retention.ts";

/** The options that say when snapshots are made, and what stays. */
type Options<S, M> = Pick<
  StateOptions<S, M>,
  | "codec"
  | "immutable"
  | "onSnapshotFailure"
  | "retain"
  | "snapshotEvery"
  | "snapshots"
  | "version"
>;

/** A snapshot that was begun. */
interface Begun {
  readonly created: Promise<SnapshotInfo>;
  /** The record after which the past begins that stays. */
  readonly start: number;
}

/** The snapshots of a state, and the records that they make unneeded. */
export class Compaction<S, M> {
  readonly #applier: Applier<S, M>;
  readonly #log: Log<unknown>;
  readonly #snapshots: Snapshots<S>;
  readonly #options: Options<S, M>;
  readonly #track: (task: Promise<void>) => Promise<void>;
  readonly #mutex = new Mutex();
  /** When to make a snapshot by itself: one of these, or never. */
  readonly #every: number | ((state: S) => number) | undefined;
  readonly #auto: AutoCadence | undefined;
  /** The number of the newest snapshot. */
  #last = 0;
  /** The newest snapshot of another version, which cannot be fallen back to. */
  #unusable = 0;
  /** The number of the snapshot after which the log was last rotated. */
  #rotatedAt = 0;
  /** Why the last automatic snapshot or compaction failed. */
  failure: unknown;

  /** @param track Makes closing wait for a task. */
  constructor(
    applier: Applier<S, M>,
    { log, snapshots, isRust }: LogAndSnapshots<S>,
    options: Options<S, M>,
    track: (task: Promise<void>) => Promise<void>,
  ) {
    this.#applier = applier;
    this.#log = log;
    this.#snapshots = snapshots;
    this.#options = options;
    this.#track = track;
    const { snapshotEvery = "auto" } = options;
    if (typeof snapshotEvery !== "string") this.#every = snapshotEvery;
    else if (snapshotEvery === "never" || isRust) return;
    else this.#auto = new AutoCadence();
    applier.onApplied = (seq) => this.#afterApply(seq);
  }

  /** Starts from what opening found, and looks whether a snapshot can be made of the state if one is overdue; `failure` says why not. */
  async start(
    { seq, unusable, replayedBytes }: Omit<Rebuilt<S>, "state">,
  ): Promise<void> {
    this.#last = this.#rotatedAt = seq;
    this.#unusable = unusable;
    this.#auto?.restart(seq, -replayedBytes);
    if (this.#every === undefined) return;
    try {
      const { sequence, state } = this.#applier;
      if (!this.#isDue(sequence)) return;
      await this.#snapshots.rehearse?.(state);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * If a snapshot is due, resolves once further records may be applied, to the
   * task that the `apply` waits for. A failure does not fail the `apply`.
   */
  #afterApply(seq: number): Promise<() => Promise<void>> | undefined {
    try {
      if (!this.#isDue(seq)) return undefined;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    return this.#snapshotThenCompact();
  }

  #isDue(seq: number): boolean {
    if (this.#auto) return this.#auto.mayBeDue(this.#applier.loggedBytes);
    const every = typeof this.#every === "function"
      ? given("snapshotEvery", this.#every(this.#applier.state))
      : this.#every;
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
      if (this.#auto && !await this.#isAutoDue(this.#auto)) return nothing;
      // If it fails, the next try is not at the next record.
      this.#last = this.#applier.sequence;
      const begun = await this.#begin();
      return () => this.#track(this.#compactAfter(begun));
    } catch (error) {
      this.#failed(error);
      return nothing;
    }
  }

  /** Whether a snapshot is due that nobody has asked for. Throws if it would not be what the state is. */
  async #isAutoDue(auto: AutoCadence): Promise<boolean> {
    const { sequence, loggedBytes, state } = this.#applier;
    const list = () => this.#snapshots.list();
    if (!await auto.isDue(sequence, loggedBytes, list)) return false;
    const { codec, immutable, snapshots } = this.#options;
    // How others keep the state is not known here.
    if (codec || snapshots) return true;
    if (!auto.outweighs(loggedBytes, state)) return false;
    if (immutable) return true;
    try {
      assertTree(state);
    } catch (cause) {
      auto.stop();
      throw notATree(cause);
    }
    return true;
  }

  async #compactAfter({ created, start }: Begun): Promise<void> {
    try {
      const { seq } = await created;
      if (typeof this.#options.retain === "object") {
        await this.#removeBefore(start, seq);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#applier.meter.snapshotFailures++;
    this.failure = error;
    try {
      isPromise(this.#options.onSnapshotFailure?.(error));
    } catch {
      // A callback for errors must not cause further ones.
    }
  }

  /** Makes a snapshot, and removes no record. */
  async createSnapshot(): Promise<SnapshotInfo> {
    return await (await this.#beginAtBoundary(false)).created;
  }

  /** Begins a snapshot once every abort is on record. */
  async #beginAtBoundary(isCompaction: boolean): Promise<Begun> {
    for (;;) {
      const begun = await this.#applier.atRecordBoundary(async () =>
        await this.#applier.isSettled()
          ? await this.#begin(isCompaction)
          : undefined
      );
      if (begun !== undefined) return begun;
      await this.#applier.recordAborts();
    }
  }

  /** Begins a snapshot; resolves once the state is captured. Called at a record boundary. */
  async #begin(isCompaction = false): Promise<Begun> {
    await this.#sync();
    const start = await this.#startOfPast(isCompaction);
    const needed = await this.#neededFrom(start);
    const captured = withResolvers<void>();
    const created = this.#create(needed, captured.resolve);
    const settled = created.then(() => {}, () => {});
    // A state that never changes need not be waited for.
    if (!this.#options.immutable) {
      await Promise.race([captured.promise, settled]);
    }
    return { created, start };
  }

  /** Makes the log durable, so that no power cut leaves a snapshot ahead of it. */
  async #sync(): Promise<void> {
    await this.#noting(async () => await this.#log.sync?.());
  }

  /** Makes calls of the log; takes note of a failure of it that is final. */
  async #noting<T>(calls: () => Promise<T>): Promise<T> {
    try {
      return await calls();
    } catch (error) {
      this.#applier.noteFailure(error);
      throw error;
    }
  }

  /** The record after which the past begins that stays: `at` reaches back to it, and `history` to the next. */
  async #startOfPast(isCompaction: boolean): Promise<number> {
    const { retain } = this.#options;
    if (typeof retain === "object") {
      return await startOf(retain, this.#log, this.#applier.sequence);
    }
    return isCompaction && retain === undefined
      ? this.#applier.sequence
      : this.#log.firstSequence - 1;
  }

  /** The older snapshots that must stay. */
  async #neededFrom(start: number): Promise<number[]> {
    const isMoving = typeof this.#options.retain === "object";
    // The new one will do, or no snapshot has to.
    if (start === this.#applier.sequence || start === 0 && !isMoving) return [];
    return neededFrom(start, await this.#snapshots.list(), isMoving);
  }

  async #create(
    needed: readonly number[],
    onCaptured: () => void,
  ): Promise<SnapshotInfo> {
    const { version } = this.#options;
    const { id: logId } = this.#log;
    const { state, sequence, loggedBytes, meter } = this.#applier;
    const start = performance.now();
    try {
      const info = await this.#snapshots.create(state, sequence, {
        ...(version !== undefined && { version }),
        ...(logId !== undefined && { logId }),
        ...(needed.length > 0 && { needed }),
        onCaptured,
      });
      meter.snapshotMs.record(performance.now() - start);
      this.#last = Math.max(this.#last, sequence);
      this.#auto?.restart(sequence, loggedBytes, info.sizeBytes);
      this.#applier.forgetCheckpoint(sequence);
      this.failure = undefined;
      return info;
    } catch (error) {
      if (this.#isForGood(error)) this.#auto?.stop();
      throw error;
    }
  }

  /** Whether a snapshot of this state will fail again, unlike one that the disk has no room for. */
  #isForGood(error: unknown): boolean {
    return error instanceof MiniError
      ? ["UNSERIALIZABLE", "TOO_LARGE", "INVALID"].includes(error.code)
      // The caller's snapshots may fail in any way, but else it is the codec.
      : this.#options.snapshots === undefined;
  }

  /** Makes a snapshot, then removes the records before the past that stays. */
  compact(): Promise<CompactionReport> {
    return this.#mutex.run(async () => {
      const { created, start } = await this.#beginAtBoundary(true);
      const { seq } = await created;
      return await this.#removeBefore(start, seq);
    });
  }

  /** Compacts up to the oldest snapshot, or not at all if that one cannot be used or is after `start`; `seq` is the newest. */
  async #removeBefore(start: number, seq: number): Promise<CompactionReport> {
    const oldest = (await this.#snapshots.list())[0]?.seq ?? 0;
    const isBase = oldest > this.#unusable && oldest <= start;
    return await this.#noting(async () => {
      // A past that is kept needs no end of a segment at each snapshot in it.
      if (this.#options.retain !== "all" && this.#rotatedAt <= start) {
        await this.#log.rotate?.();
        this.#rotatedAt = seq;
      }
      return await this.#log.compact(isBase ? oldest : 0);
    });
  }
}

function notATree(cause: unknown): MiniError {
  return new MiniError(
    "UNSERIALIZABLE",
    'Cannot make a snapshot by itself: the state holds an object in two places, or one without a prototype, which a snapshot would not keep; nothing is lost, and opening replays the log: give a codec or immutable, make snapshots with createSnapshot(), or set snapshotEvery to "never"',
    { cause },
  );
}
