import { hasCode, MiniError } from "../base/errors.ts";
import { lineOf, MAX_DEPTH, toJsonOnce } from "../base/json.ts";
import { Mutex } from "../base/mutex.ts";
import { validateNew } from "../base/schema.ts";
import { Signal } from "../base/signal.ts";
import { parseJson } from "../base/walk.ts";
import type { AppendOptions, Log } from "../store/mod.ts";
import { abortedMutation, noState, notInRust } from "./errors.ts";
import {
  abortOf,
  type EncodedEntry,
  encodeEntry,
  mutationsOf,
  Pending,
} from "./entry.ts";
import { rebuildWithout, type WritableSources } from "./rebuild.ts";
import { isNoPromise, reduce } from "./reducer.ts";
import {
  ABORTED,
  APPLY,
  type ApplyMessage,
  placeOf,
  StateMeter,
  tellEnd,
} from "./telemetry.ts";

/** About how much a line has beside its JSON. */
const LINE_BYTES = 50;

/** An entry is one level more, and a batch another. */
const MAX_MUTATION_DEPTH = MAX_DEPTH - 2;

/**
 * The state in memory. Appends entries to the log, and applies each once it is
 * acknowledged, one step for each, in the order of the log.
 */
export class Applier<S, M> {
  readonly #log: Log<unknown>;
  readonly #sources: WritableSources<S, M>;
  readonly #dir: string | undefined;
  readonly #steps = new Mutex();
  #state!: S;
  /** The entries that were appended and not applied yet, in the order of the calls. */
  readonly #pending: Pending[] = [];
  #isApplying = false;
  /** Resolves when the last abort that was appended is acknowledged or has failed. */
  #lastAbort = Promise.resolve();
  /** Fired when everything that was acknowledged is applied. */
  readonly #applied = new Signal();
  readonly #appliedNow = () => this.applied;
  #isRebuilding = false;
  /** The result of the last try to record each abort, until the abort is acknowledged. */
  readonly #recording = new Map<number, Promise<unknown>>();
  #hasState = true;
  readonly #change = new Signal();
  readonly #failed = new AbortController();
  /** Counts what is done. */
  readonly meter: StateMeter = new StateMeter();

  /** Why nothing more can be applied, or there is no state, until it is opened again. */
  failure: MiniError | undefined;
  /** The number of the last record that is applied. */
  sequence = 0;
  /** About how many bytes of log were applied since it was opened. */
  loggedBytes = 0;
  /** Whether nothing more will be applied. */
  isClosed = false;
  /**
   * Called when a record was applied. The next one waits for the promise, and the
   * caller of `append` for the task that it resolves to.
   */
  onApplied: (seq: number) => Promise<() => Promise<void>> | undefined = () =>
    undefined;

  /** @param dir Where the state lies, for those who are told of it. */
  constructor(sources: WritableSources<S, M>, dir: string | undefined) {
    this.#log = sources.log;
    this.#sources = sources;
    this.#dir = dir;
  }

  /** Starts from a state that was rebuilt. */
  start(state: S, sequence: number): void {
    this.#state = state;
    this.sequence = sequence;
    // Whatever has no effect is known from now on: all other records were applied.
    this.#sources.provenUpTo = Infinity;
    this.#log.failed?.then((failure) => this.#fail(failure));
  }

  /** The number up to which every record was applied, or has an acknowledged abort. */
  get applied(): number {
    const { firstUnacknowledged = Infinity } = this.#sources.aborts;
    return Math.min(this.sequence, firstUnacknowledged - 1);
  }

  /** Resolves at the next change: a record is applied, nothing more can be, or it is closed. */
  get changed(): Promise<void> {
    return this.#change.next;
  }

  /** Aborted once nothing more can be applied and everything acknowledged is, with `failure` as the reason. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Whether there is a state, and it is not being rebuilt. */
  get isReadable(): boolean {
    return this.#isShown && !this.#isRebuilding;
  }

  /** Whether there is a state, and no other writer who may have changed it. */
  get #isShown(): boolean {
    return this.#hasState && !hasCode(this.failure, "DEPOSED");
  }

  get state(): S {
    if (!this.#isShown) throw this.failure;
    if (!this.#isRebuilding) return this.#state;
    throw new MiniError(
      "ABORTED_MUTATION",
      "Cannot read the state just now: apply threw half-way, and the state is being rebuilt without that mutation; await a write or a snapshot, and read again",
    );
  }

  /** Encodes mutations as they are now, so that later changes to them have no effect. */
  encode(mutations: readonly M[], isBatch: boolean): EncodedEntry {
    const { schema } = this.#sources.reducer;
    const valid = mutations.map((mutation) =>
      validateNew(schema, mutation, "apply the mutation")
    );
    const given = isBatch ? valid : valid[0];
    const text = toJsonOnce(given, Infinity, MAX_MUTATION_DEPTH);
    return encodeEntry(text, JSON.parse(text), isBatch, this.#sources);
  }

  /** Encodes the JSON text of a mutation; throws for text that could not be read back. */
  encodeJson(text: string): EncodedEntry {
    const copy = parseJson(lineOf(text), MAX_MUTATION_DEPTH);
    return encodeEntry(text, copy, false, this.#sources);
  }

  /** Appends an entry. Resolves to its number once it, and every entry before it, is applied. */
  append(encoded: EncodedEntry, durable: boolean): Promise<number> {
    const { entry } = encoded;
    if ("abort" in entry || !APPLY.isObserved) {
      return this.#append(encoded, durable);
    }
    const mutations = "applyBatch" in entry ? entry.applyBatch.length : 1;
    const place = placeOf(this.#dir, this.#log.id);
    const message: ApplyMessage = { ...place, mutations };
    return APPLY.begin(
      message,
      () => this.#append(encoded, durable, message),
    );
  }

  #append(
    encoded: EncodedEntry,
    durable: boolean,
    message?: ApplyMessage,
  ): Promise<number> {
    const { entry, json } = encoded;
    if (this.failure !== undefined) throw this.failure;
    const { isRust, aborts } = this.#sources;
    if (isRust && !("apply" in entry)) throw notInRust();
    // Aborts that could not be recorded before, or were found by opening.
    for (const seq of aborts.takeUnwritten()) this.#recordAbort(seq);
    const options: AppendOptions = { durable, applied: this.#appliedNow };
    if (message !== undefined) options.message = message;
    const appended = this.#log.appendJson?.(json, options) ??
      this.#log.append(entry, options);
    const pending = new Pending(encoded, message);
    this.#pending.push(pending);
    const settled = appended.then(
      (seq) => {
        if ("abort" in entry) this.#abortRecorded(entry.abort);
        pending.seq = seq;
        this.#settle(pending);
      },
      (error) => {
        this.noteFailure(error);
        if ("abort" in entry) this.#abortNotRecorded(entry.abort);
        pending.error = error;
        this.#settle(pending);
      },
    );
    if ("abort" in entry) this.#lastAbort = settled;
    return pending.applied;
  }

  #settle(pending: Pending): void {
    pending.isSettled = true;
    if (this.#isApplying) return;
    this.#isApplying = true;
    void this.#steps.run(() => this.#applySettled());
  }

  /** Applies all that a commit has acknowledged, in one step. */
  async #applySettled(): Promise<void> {
    let count = 0;
    for (let next; (next = this.#pending[count]) !== undefined; count++) {
      const { encoded, isSettled, seq, error } = next;
      if (!isSettled) break;
      try {
        if (seq === undefined) throw error;
        const more = this.#applyRecord(seq, encoded);
        if (more === undefined) next.resolve(seq);
        else {
          const rest = await more;
          rest().then(() => next.resolve(seq), (error) => next.reject(error));
        }
      } catch (error) {
        next.reject(error);
      }
    }
    this.#pending.splice(0, count);
    this.#isApplying = false;
    this.#applied.fire();
    this.#endIfFailed();
  }

  /** Takes note of an error that means that nothing more can be appended. */
  noteFailure(error: unknown): void {
    const isFinal = hasCode(error, "POISONED") || hasCode(error, "DEPOSED");
    if (isFinal) this.#fail(error);
  }

  #fail(failure: MiniError): void {
    if (this.failure === undefined) tellEnd(failure, this.#dir, this.#log.id);
    this.failure ??= failure;
    this.#change.fire();
    this.#endIfFailed();
  }

  /** Ends with the failure once everything acknowledged before it is applied. */
  #endIfFailed(): void {
    if (this.failure === undefined || this.#hasPending) return;
    this.#failed.abort(this.failure);
    this.#change.fire();
  }

  /** The number of entries that are neither applied nor refused yet. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** Whether an entry that was appended is neither applied nor refused yet. */
  get #hasPending(): boolean {
    return this.#isApplying || this.#pending.length > 0;
  }

  /** Applies an entry. If more is to be done, the next record waits for the promise, and the caller for its task. */
  #applyRecord(
    seq: number,
    { entry, json }: EncodedEntry,
  ): Promise<() => Promise<void>> | undefined {
    if (!this.#hasState) throw this.failure;
    const { reducer, guard, checkpoint } = this.#sources;
    this.loggedBytes += json.length + LINE_BYTES;
    checkpoint?.keep(seq, () => json);
    try {
      const mutations = mutationsOf<M>(entry, seq, reducer);
      this.#state = guard.run(() => reduce(this.#state, mutations, reducer));
    } catch (cause) {
      return this.#abort(seq, cause);
    }
    this.sequence = seq;
    if (!("abort" in entry)) this.meter.records++;
    this.#change.fire();
    return this.onApplied(seq);
  }

  /** Rebuilds the state without a mutation whose `apply` threw, and records the abort. */
  async #abort(seq: number, cause: unknown): Promise<() => Promise<never>> {
    const { aborts, reducer } = this.#sources;
    this.meter.aborted++;
    ABORTED.tell(() => ({ ...placeOf(this.#dir, this.#log.id), seq, cause }));
    aborts.addUnrecorded(seq, false);
    if (!reducer.immutable) await this.#rebuildWithout(seq);
    this.sequence = seq;
    this.#change.fire();
    for (const seq of aborts.takeUnwritten()) this.#recordAbort(seq);
    // Another write may have begun to record it during the rebuild.
    const recorded = this.#recording.get(seq);
    return async () => {
      const failure = await recorded;
      throw isNoPromise(cause) ? cause : abortedMutation(seq, cause, failure);
    };
  }

  /** Frees the checkpoint that a snapshot at record `seq` replaces. */
  forgetCheckpoint(seq: number): void {
    const { checkpoint } = this.#sources;
    if (checkpoint !== undefined && checkpoint.seq <= seq) {
      this.#sources.checkpoint = undefined;
    }
  }

  async #rebuildWithout(seq: number): Promise<void> {
    this.#isRebuilding = true;
    try {
      this.#state = (await rebuildWithout(this.#sources, seq)).state;
    } catch (error) {
      this.#hasState = false;
      this.failure = noState(seq, error);
      this.#fail(this.failure);
      throw this.failure;
    }
    this.#isRebuilding = false;
  }

  /** Records an abort, with a later write if that fails now; resolves to why it failed. */
  #recordAbort(seq: number): Promise<unknown> {
    const { aborts } = this.#sources;
    let recorded: Promise<unknown>;
    try {
      recorded = this.append(abortOf(seq, aborts.isFound(seq)), true)
        .then(() => undefined, (error) => error);
    } catch (error) {
      aborts.putBack(seq);
      recorded = Promise.resolve(error);
    }
    this.#recording.set(seq, recorded);
    return recorded;
  }

  /** Writes that wait after an abort that could not be written must not be acknowledged without it. */
  async #abortNotRecorded(seq: number): Promise<void> {
    const { aborts } = this.#sources;
    aborts.putBack(seq);
    // The same failure may be on its way to others.
    await undefined;
    const isAwaited = this.#pending.some(({ isSettled }) => !isSettled);
    if (this.failure !== undefined || !isAwaited) return;
    for (const unwritten of aborts.takeUnwritten()) {
      this.#recordAbort(unwritten);
    }
  }

  #abortRecorded(seq: number): void {
    this.#sources.aborts.acknowledge(seq);
    this.#recording.delete(seq);
  }

  /** Records the aborts that are not being recorded; throws why one of them cannot be. */
  async recordAborts(): Promise<void> {
    const { aborts } = this.#sources;
    if (this.failure !== undefined) throw this.failure;
    const recorded = aborts.takeUnwritten().map((seq) =>
      this.#recordAbort(seq)
    );
    for (const failure of await Promise.all(recorded)) {
      if (failure !== undefined) throw failure;
    }
  }

  /**
   * Within a step: whether every record up to `sequence` was applied, or is
   * recorded as aborted, as a snapshot says. Waits for the aborts that are being
   * written.
   */
  async isSettled(): Promise<boolean> {
    await this.#lastAbort;
    return this.applied >= this.sequence;
  }

  /** Waits until every entry that was appended so far is applied. */
  async settle(): Promise<void> {
    while (this.#hasPending) await this.#applied.next;
  }

  /** Runs a task between two records, where state and sequence belong together. */
  atRecordBoundary<T>(task: () => T | Promise<T>): Promise<T> {
    return this.#steps.run(task);
  }

  /** Says that nothing more will be applied. */
  end(): void {
    this.isClosed = true;
    this.#change.fire();
  }
}
