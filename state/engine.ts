import type { SnapshotInfo } from "../snap/mod.ts";
import { onAbort } from "../base/abort.ts";
import { MiniError } from "../base/errors.ts";
import type {
  CompactionReport,
  FollowOptions,
  Log,
  ReplayRange,
} from "../store/mod.ts";
import { Mutex } from "../base/mutex.ts";
import { checkCount } from "../base/checks.ts";
import { isPromise, withResolvers } from "../base/promise.ts";
import { Aborts } from "./aborts.ts";
import { Batch } from "./batch.ts";
import { Compaction } from "./compaction.ts";
import { effects } from "./history.ts";
import { LiveState } from "./applier.ts";
import type {
  AppliedMutation,
  ApplyOptions,
  StateOptions,
  StateRecoveryReport,
} from "./options.ts";
import { Guard } from "./entry.ts";
import type { DeepReadonly } from "./readonly.ts";
import { build, type Sources } from "./rebuild.ts";

/**
 * The work behind a `StateManager`: who may write when, snapshots, compaction.
 *
 * The mutex serialises deciding, not writing: a write is queued within it and
 * waited for outside, so that concurrent writes share an fsync; only who must
 * see the state first waits inside until all before it are applied.
 */
export class Engine<S, M> {
  readonly #log: Log<unknown>;
  readonly #sources: Sources<S, M>;
  readonly #live: LiveState<S, M>;
  readonly #mutex = new Mutex();
  readonly #compaction: Compaction<S, M>;
  /** What closing waits for. */
  readonly #tasks = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  recovery!: StateRecoveryReport;

  constructor(
    { log, snapshots, isBare }: Pick<
      Sources<S, M>,
      "log" | "snapshots" | "isBare"
    >,
    options: StateOptions<S, M>,
  ) {
    this.#log = log;
    const { initial, migrate } = options;
    this.#sources = {
      log,
      snapshots,
      reducer: options,
      initial,
      migrate,
      isBare,
      codec: options.codec,
      onReplayThrow: options.onReplayThrow,
      aborts: new Aborts(log, isBare),
      guard: new Guard(),
    };
    this.#live = new LiveState(this.#sources);
    this.#compaction = new Compaction(
      this.#live,
      this.#sources,
      options,
      (task) => this.#finished(task),
    );
  }

  get hasSchema(): boolean {
    return this.#sources.reducer.schema !== undefined;
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

  get snapshotFailure(): unknown {
    return this.#compaction.failure;
  }

  /** Makes the state from what is on disk. */
  async load(outcome: StateRecoveryReport["outcome"]): Promise<void> {
    const { aborts } = this.#sources;
    const logEnd = this.#log.sequence;
    const built = await build(this.#sources, Infinity, "CORRUPT");
    const { seq: snapshotSequence, replayed } = built;
    const isAhead = snapshotSequence > logEnd;
    if (isAhead) {
      if (this.#sources.isBare || this.#log.resetTo === undefined) {
        throw behind(snapshotSequence, logEnd);
      }
      await this.#log.resetTo(snapshotSequence, built.logId);
    }
    this.#live.start(built.state, this.#log.sequence);
    this.#compaction.start(snapshotSequence, built.unusable);
    await this.#compaction.rehearse();
    const { failure: snapshotFailure } = this.#compaction;
    const isDecided = this.#sources.onReplayThrow === "abort";
    if (isDecided) await this.#live.recordAborts();
    const undecided = isDecided ? [] : aborts.found;
    this.recovery = {
      outcome,
      snapshotSequence,
      ...(isAhead && {
        logEndedAt: logEnd,
        reason: reasonBehind(outcome, logEnd, snapshotSequence),
      }),
      replayed,
      aborted: aborts.all.filter((seq) => !undecided.includes(seq)),
      undecided,
      ...(snapshotFailure !== undefined && { snapshotFailure }),
      rejected: [...this.#sources.snapshots.rejected ?? []],
    };
  }

  /** Queues mutations as one record; resolves to its number once they are applied. */
  write(
    mutations: readonly M[],
    isBatch: boolean,
    { expectedSequence, durable = true }: ApplyOptions,
  ): Promise<number> {
    this.#assertUsable();
    const entry = this.#live.logged(mutations, isBatch);
    const queue = () =>
      mutations.length === 0
        ? Promise.resolve(this.sequence)
        : this.#live.enqueue(entry, durable);
    return this.#inTurn(queue, expectedSequence);
  }

  /** Queues a mutation that is JSON already, and was checked. */
  writeJson(
    json: string,
    { expectedSequence, durable = true }: ApplyOptions,
  ): Promise<number> {
    this.#assertUsable();
    const entry = this.#live.loggedJson(json, false);
    return this.#inTurn(
      () => this.#live.enqueue(entry, durable),
      expectedSequence,
    );
  }

  /** Queues behind those who are deciding. */
  #inTurn(
    queue: () => Promise<number>,
    expectedSequence?: number,
  ): Promise<number> {
    // Nobody is deciding, and it has nothing to decide itself.
    if (expectedSequence === undefined && this.#mutex.isFree) return queue();
    return this.#mutex.run(async () => {
      if (expectedSequence !== undefined) await this.#expect(expectedSequence);
      return { applied: queue() };
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
    decide: (state: DeepReadonly<S>) => M | Batch<M> | undefined,
  ): Promise<number | undefined> {
    this.#assertUsable();
    return this.#mutex.run(async () => {
      await this.#live.settle();
      const decided = this.#sources.guard.run(() =>
        decide(this.state as DeepReadonly<S>)
      );
      if (isPromise(decided)) {
        throw new TypeError("decide must not return a promise");
      }
      if (decided === undefined) return { applied: undefined };
      const isBatch = decided instanceof Batch;
      const mutations = isBatch ? decided.mutations : [decided];
      if (mutations.length === 0) return { applied: undefined };
      return {
        applied: this.#live.enqueue(
          this.#live.logged(mutations, isBatch),
          true,
        ),
      };
    }).then(({ applied }) => applied);
  }

  #assertUsable(): void {
    this.#sources.guard.assertOutside();
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
    const built = build(this.#sources, seq, "COMPACTED");
    return (await this.#finished(built)).state;
  }

  history(
    range: ReplayRange,
  ): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    const to = Math.min(range.to ?? this.sequence, this.sequence);
    const records = this.#log.replay({ ...range, to });
    const { aborts } = this.#sources;
    const learn = aborts.learning(range.from ?? this.#log.firstSequence);
    return effects(this.#sources, records, async (seq) => {
      await learn(seq);
      return true;
    });
  }

  watch(
    { from = this.sequence + 1, signal }: FollowOptions,
  ): AsyncIterable<AppliedMutation<M>> {
    this.#assertUsable();
    const records = this.#log.follow({ from, ...(signal && { signal }) });
    const learn = this.#sources.aborts.learning(from);
    return effects(this.#sources, records, async (seq) => {
      if (!await this.#isTaken(seq, signal)) return false;
      await learn(seq);
      return true;
    });
  }

  /** Resolves when the state has taken in a record, to false where it never will. */
  async #isTaken(seq: number, signal?: AbortSignal): Promise<boolean> {
    const aborted = withResolvers<void>();
    const letGo = onAbort(signal, aborted.resolve);
    try {
      while (this.sequence < seq) {
        signal?.throwIfAborted();
        if (this.failure !== undefined) throw this.failure;
        if (this.isClosed) return false;
        await Promise.race([this.changed, aborted.promise]);
      }
      return true;
    } finally {
      letGo();
    }
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async createSnapshot(): Promise<SnapshotInfo> {
    this.#assertUsable();
    return this.#finished(this.#compaction.createSnapshot());
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async compact(): Promise<CompactionReport> {
    this.#assertUsable();
    return this.#finished(this.#compaction.compact());
  }

  /** Has closing wait for a task. */
  #finished<T>(task: Promise<T>): Promise<T> {
    const ended = task.then(() => {}, () => {});
    this.#tasks.add(ended);
    ended.then(() => this.#tasks.delete(ended));
    return task;
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async close(): Promise<void> {
    this.#sources.guard.assertOutside();
    return this.#closing ??= this.#mutex.run(async () => {
      // What is applied until then may set off a snapshot.
      await this.#live.settle();
      await Promise.all(this.#tasks);
      try {
        await this.#log.close({ applied: this.#live.applied });
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

/** What a log is that ends before its snapshot, which is made of what is durable in the log. */
function reasonBehind(
  outcome: StateRecoveryReport["outcome"],
  log: number,
  snapshot: number,
): string {
  const found =
    `the log ended with record ${log}, and a snapshot stands at record ${snapshot}`;
  const copied =
    "an older copy, a backup perhaps, was put among newer files: the state is that of the snapshot, and not of the copy";
  return outcome === "clean"
    ? `${found}: ${copied}`
    : `${found}: its end was lost, or ${copied}`;
}
