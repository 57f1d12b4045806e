import type { SnapshotInfo } from "../snap/mod.ts";
import { MiniError } from "../store/errors.ts";
import type { CompactionReport } from "../store/mod.ts";
import { Mutex } from "../store/mutex.ts";
import { checkCount } from "../store/options.ts";
import { effects } from "./history.ts";
import type { Log, Snapshots } from "./interfaces.ts";
import { LiveState } from "./live.ts";
import type {
  AppliedMutation,
  ApplyOptions,
  StateOptions,
  StateRecovery,
} from "./options.ts";
import { build, findAborted, type Sources } from "./replay.ts";

/**
 * The work behind a `StateManager`: who may write when, snapshots, compaction.
 *
 * The mutex serialises deciding, not writing: a write is queued within it and
 * waited for outside, so that concurrent writes share an fsync; only who must
 * see the state first waits inside until all before it are applied.
 */
export class Engine<S, M> {
  readonly #log: Log<unknown>;
  readonly #snapshots: Snapshots<S>;
  readonly #options: StateOptions<S, M>;
  readonly #sources: Sources<S, M>;
  readonly #live: LiveState<S, M>;
  readonly #mutex = new Mutex();
  readonly #compactions = new Mutex();
  #lastSnapshot = 0;
  #closing: Promise<void> | undefined;
  #learned: Promise<void> | undefined;

  recovery!: StateRecovery;
  snapshotFailure: unknown;

  constructor(
    { log, snapshots, isBare }: Pick<
      Sources<S, M>,
      "log" | "snapshots" | "isBare"
    >,
    options: StateOptions<S, M>,
  ) {
    this.#log = log;
    this.#snapshots = snapshots;
    this.#options = options;
    const { initial, migrate } = options;
    const aborted = new Set<number>();
    this.#sources = {
      log,
      snapshots,
      reducer: options,
      initial,
      migrate,
      isBare,
      aborted,
    };
    const { snapshotEvery } = options;
    if (typeof snapshotEvery === "number") {
      checkCount("snapshotEvery", snapshotEvery);
    }
    this.#live = new LiveState(this.#sources);
    if (snapshotEvery === undefined) return;
    this.#live.onApplied = async (seq) => {
      const every = typeof snapshotEvery === "number"
        ? snapshotEvery
        : snapshotEvery(this.state);
      if (seq - this.#lastSnapshot >= every) await this.#compactQuietly();
    };
  }

  get state(): S {
    return this.#live.state;
  }

  get sequence(): number {
    return this.#live.sequence;
  }

  /** Resolves when the state has taken in more, or never will. */
  get changed(): Promise<void> {
    return this.#live.changed;
  }

  get isClosed(): boolean {
    return this.#live.isClosed;
  }

  get failure(): MiniError | undefined {
    return this.#live.failure;
  }

  /** Makes the state from what is on disk. */
  async load(outcome: StateRecovery["outcome"]): Promise<void> {
    const logEnd = this.#log.sequence;
    const built = await build(this.#sources, Infinity, "CORRUPT");
    const { state, snapshotSequence, replayed } = built;
    const isAhead = snapshotSequence > logEnd;
    if (isAhead) {
      if (this.#sources.isBare || this.#log.skipTo === undefined) {
        throw behind(snapshotSequence, logEnd);
      }
      await this.#log.skipTo(snapshotSequence, built.journal);
    }
    this.#live.start(state, Math.max(logEnd, snapshotSequence));
    this.#lastSnapshot = snapshotSequence;
    this.recovery = {
      outcome,
      snapshotSequence,
      ...(isAhead && { logEndedAt: logEnd }),
      replayed,
      aborted: [...this.#sources.aborted].sort((a, b) => a - b),
      rejected: built.rejected as StateRecovery["rejected"],
    };
  }

  /** Queues mutations as one record; resolves to its number once they are applied. */
  write(
    mutations: readonly M[],
    isBatch: boolean,
    { expectedSequence, durable = true }: ApplyOptions,
  ): Promise<number> {
    this.#assertUsable();
    const entry = this.#live.entryOf(mutations, isBatch);
    return this.#mutex.run(async () => {
      if (expectedSequence !== undefined) await this.#expect(expectedSequence);
      return { applied: this.#live.enqueue(entry, durable) };
    }).then(({ applied }) => applied);
  }

  async #expect(expectedSequence: number): Promise<void> {
    await this.#live.settle();
    if (this.sequence === expectedSequence) return;
    throw new MiniError(
      "CONFLICT",
      `Cannot apply: the state stands at ${this.sequence}, and ${expectedSequence} was expected; nothing was logged`,
      { seq: this.sequence },
    );
  }

  transact(
    decide: (state: Readonly<S>) => M | readonly M[] | undefined,
  ): Promise<number | undefined> {
    this.#assertUsable();
    return this.#mutex.run(async () => {
      await this.#live.settle();
      const decided = this.#live.inside(() => decide(this.state));
      if (decided instanceof Promise) {
        decided.catch(() => {});
        throw new TypeError("decide must not return a promise");
      }
      if (decided === undefined) return { applied: undefined };
      const isBatch = Array.isArray(decided);
      const mutations = isBatch ? decided : [decided as M];
      if (mutations.length === 0) return { applied: undefined };
      return {
        applied: this.#live.enqueue(
          this.#live.entryOf(mutations, isBatch),
          true,
        ),
      };
    }).then(({ applied }) => applied);
  }

  #assertUsable(): void {
    if (this.#live.isInside) {
      throw new TypeError(
        "apply and decide must not call back into the StateManager",
      );
    }
    if (this.#closing !== undefined) {
      throw new MiniError(
        "CLOSED",
        "Cannot use the state: it was closed",
      );
    }
  }

  async at(seq: number): Promise<S> {
    this.#assertUsable();
    checkCount("seq", seq, 0);
    if (seq > this.sequence) {
      throw new RangeError(`seq must be at most ${this.sequence}, not ${seq}`);
    }
    await this.#learnAborted();
    return (await build(this.#sources, seq, "COMPACTED")).state;
  }

  history(
    range: { from?: number; to?: number },
  ): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    const to = Math.min(range.to ?? this.sequence, this.sequence);
    const records = this.#log.replay({ ...range, to });
    return effects(this.#sources, records, () => this.#learnAborted());
  }

  watch(
    { from = this.sequence + 1, signal }: {
      from?: number;
      signal?: AbortSignal;
    },
  ): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    const records = this.#log.follow({ from, ...(signal && { signal }) });
    return effects(this.#sources, records, async (seq) => {
      await this.#learnAborted();
      while (this.sequence < seq && !this.#live.isClosed) {
        await this.#live.changed;
      }
    });
  }

  /** Reads once which mutations were recorded as aborted before the state was opened. */
  #learnAborted(): Promise<void> {
    const { firstSequence: from } = this.#log;
    return this.#learned ??= findAborted(this.#sources, from, this.sequence);
  }

  createSnapshot(): Promise<SnapshotInfo> {
    this.#assertUsable();
    return this.#live.between(async () => {
      await this.#log.sync?.();
      const created = this.#createNow();
      // The default codec is done with the state already; another may take it in parts.
      if (this.#options.codec !== undefined) await created;
      return { created };
    }).then(({ created }) => created);
  }

  /**
   * Takes state and number before its first `await`: only within a step, where
   * they belong together, and with the log synced, which a snapshot is not to
   * be ahead of after a power cut.
   */
  async #createNow(): Promise<SnapshotInfo> {
    const { version } = this.#options;
    const { journal } = this.#log;
    const { sequence } = this;
    const meta = {
      ...(version !== undefined && { version }),
      ...(journal !== undefined && { journal }),
    };
    const info = await this.#snapshots.create(this.state, sequence, meta);
    this.#lastSnapshot = Math.max(this.#lastSnapshot, sequence);
    this.snapshotFailure = undefined;
    return info;
  }

  compact(): Promise<CompactionReport> {
    this.#assertUsable();
    return this.#compactions.run(async () => {
      await this.createSnapshot();
      return await this.#compactLog();
    });
  }

  /** Removes what no kept snapshot needs: the log must reach back to the oldest of them. */
  async #compactLog(): Promise<CompactionReport> {
    const oldest = (await this.#snapshots.list())[0]?.seq ?? 0;
    await this.#log.rotate?.();
    return await this.#log.compact(oldest);
  }

  async #compactQuietly(): Promise<void> {
    try {
      await this.#log.sync?.();
      await this.#createNow();
      await this.#compactLog();
    } catch (error) {
      this.snapshotFailure = error;
      // Not with every record from now on.
      this.#lastSnapshot = this.sequence;
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#mutex.run(async () => {
      await this.#live.settle();
      try {
        await this.#log.close();
      } finally {
        this.#live.end();
      }
    });
  }
}

function behind(snapshot: number, log: number): MiniError {
  return new MiniError(
    "CORRUPT",
    `Cannot open the state: a snapshot stands at record ${snapshot}, and the log ends with record ${log}: records that had been durable are missing; nothing was changed`,
    { seq: log + 1 },
  );
}
