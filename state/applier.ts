import { withResolvers } from "../base/promise.ts";
import { MiniError } from "../base/errors.ts";
import { MAX_DEPTH, toJson } from "../base/json.ts";
import { messageOf } from "../base/reason.ts";
import { Mutex } from "../base/mutex.ts";
import { Signal } from "../base/signal.ts";
import { validateNew } from "../base/schema.ts";
import type { Log } from "../store/mod.ts";
import { type Entry, isNoPromise, mutationsOf, reduce } from "./entry.ts";
import { buildWithout, type Sources } from "./rebuild.ts";

/**
 * The state in memory, and how durable records get into it: one step for each,
 * in the order of the log.
 */
export class LiveState<S, M> {
  readonly #log: Log<unknown>;
  readonly #sources: Sources<S, M>;
  readonly #steps = new Mutex();
  #state!: S;
  /** What was appended and not taken in yet, in the order of the calls. */
  readonly #pending: Pending[] = [];
  #isTaking = false;
  /** When the last abort that was appended is acknowledged, or never will be. */
  #lastAbort = Promise.resolve();
  /** Fired when all that was acknowledged was taken in. */
  readonly #taken = new Signal();
  readonly #appliedNow = () => this.applied;
  #isRebuilding = false;
  /** What becomes of the last try to record an abort, until that is acknowledged. */
  readonly #recording = new Map<number, Promise<unknown>>();
  /** Why nothing more can be written, or there is no state, until it is opened again. */
  failure: MiniError | undefined;
  #hasState = true;
  readonly #change = new Signal();

  /** The number of the last record that the state has taken in. */
  sequence = 0;
  /** Whether it will take in no more. */
  isClosed = false;
  /** Called when a record was applied, before the next one is; may give what its caller is to wait for behind that. */
  onApplied: (seq: number) => Promise<() => Promise<void>> | undefined = () =>
    undefined;

  constructor(sources: Sources<S, M>) {
    this.#log = sources.log;
    this.#sources = sources;
    this.#log.failed?.then((error) => this.fail(error));
  }

  /** Starts from a state that was made from disk. */
  start(state: S, sequence: number): void {
    this.#state = state;
    this.sequence = sequence;
    // What has no effect is known from now on: all others were applied.
    this.#sources.provenUpTo = Infinity;
  }

  /** Up to where every record was applied, or has an acknowledged abort. */
  get applied(): number {
    const { firstUnacknowledged = Infinity } = this.#sources.aborts;
    return Math.min(this.sequence, firstUnacknowledged - 1);
  }

  /** Resolves when the state has taken in more, or never will. */
  get changed(): Promise<void> {
    return this.#change.next;
  }

  get state(): S {
    if (!this.#hasState) throw this.failure;
    if (!this.#isRebuilding) return this.#state;
    throw new MiniError(
      "ABORTED_MUTATION",
      "Cannot read the state just now: apply threw half-way, and the state is being made anew without that mutation; await a write or a snapshot, and read again",
    );
  }

  /** What is logged, as JSON: nothing the caller changes later counts. */
  logged(mutations: readonly M[], isBatch: boolean): Logged {
    const { schema } = this.#sources.reducer;
    const valid = mutations.map((mutation) =>
      validateNew(schema, mutation, "apply the mutation")
    );
    const given = isBatch ? valid : valid[0];
    return this.loggedJson(toJson(given, Infinity, MAX_DEPTH - 2), isBatch);
  }

  /** The same of what is JSON already, and was checked. */
  loggedJson(text: string, isBatch: boolean): Logged {
    const { version } = this.#sources.reducer;
    const copy = JSON.parse(text);
    const stamp = version === undefined ? {} : { version };
    return {
      entry: isBatch
        ? { applyBatch: copy, ...stamp }
        : { apply: copy, ...stamp },
      json: this.#sources.isBare
        ? text
        : `{"${isBatch ? "applyBatch" : "apply"}":${text}${
          version === undefined ? "" : `,"version":${version}`
        }}`,
    };
  }

  /** Appends an entry, and takes it into the state when it is acknowledged and all before it were taken. */
  enqueue(logged: Logged, durable: boolean): Promise<number> {
    const { entry, json } = logged;
    if (this.failure !== undefined) throw this.failure;
    const { isBare, aborts } = this.#sources;
    if (isBare && !("apply" in entry)) throw notInRust();
    // Those that could not be recorded before, or were found on opening.
    for (const seq of aborts.takeUnwritten()) this.#record(seq);
    const options = { durable, applied: this.#appliedNow };
    const appended = this.#log.appendJson?.(json, options) ??
      this.#log.append(entry, options);
    const taken = withResolvers<number>();
    const pending: Pending = { logged, taken, outcome: undefined };
    this.#pending.push(pending);
    const arrived = appended.then(
      (seq) => {
        if ("abort" in entry) this.#recorded(entry.abort);
        this.#arrived(pending, { seq });
      },
      (error) => {
        this.fail(error);
        if ("abort" in entry) this.#notRecorded(entry.abort);
        this.#arrived(pending, { error });
      },
    );
    if ("abort" in entry) this.#lastAbort = arrived;
    return taken.promise;
  }

  #arrived(pending: Pending, outcome: Outcome): void {
    pending.outcome = outcome;
    if (this.#isTaking) return;
    this.#isTaking = true;
    void this.#steps.run(() => this.#takeArrived());
  }

  /** One step for all that a commit has acknowledged. */
  async #takeArrived(): Promise<void> {
    let count = 0;
    for (let next; (next = this.#pending[count]) !== undefined; count++) {
      const { logged, taken, outcome } = next;
      if (outcome === undefined) break;
      try {
        if ("error" in outcome) throw outcome.error;
        const { seq } = outcome;
        const more = this.#take(seq, logged);
        if (more === undefined) taken.resolve(seq);
        else {
          const rest = await more;
          rest().then(() => taken.resolve(seq), taken.reject);
        }
      } catch (error) {
        taken.reject(error);
      }
    }
    this.#pending.splice(0, count);
    this.#isTaking = false;
    this.#taken.fire();
  }

  /** Takes note of an error that says that nothing more can be written. */
  fail(error: unknown): void {
    if (!(error instanceof MiniError) || error.code !== "POISONED") return;
    this.failure ??= error;
    this.#change.fire();
  }

  /** Applies what is logged; gives what is left to do, if anything, and in the end when others may be applied. */
  #take(
    seq: number,
    { entry, json }: Logged,
  ): Promise<() => Promise<void>> | undefined {
    if (!this.#hasState) throw this.failure;
    const { reducer, guard, checkpoint } = this.#sources;
    checkpoint?.keep(seq, () => json);
    try {
      const mutations = mutationsOf<M>(entry, seq, reducer);
      this.#state = guard.run(() => reduce(this.#state, mutations, reducer));
    } catch (cause) {
      return this.#abort(seq, cause);
    }
    this.sequence = seq;
    this.#change.fire();
    return this.onApplied(seq);
  }

  /** Makes the state anew without a mutation whose `apply` has thrown, and has that recorded. */
  async #abort(seq: number, cause: unknown): Promise<() => Promise<never>> {
    const { aborts, reducer } = this.#sources;
    aborts.addUnrecorded(seq, false);
    if (!reducer.immutable) await this.#remake(seq);
    this.sequence = seq;
    this.#change.fire();
    for (const seq of aborts.takeUnwritten()) this.#record(seq);
    // Somebody else may have begun to record it while the state was made anew.
    const recorded = this.#recording.get(seq);
    return async () => {
      const failure = await recorded;
      throw isNoPromise(cause) ? cause : abortedMutation(seq, cause, failure);
    };
  }

  /** Frees the checkpoint that a snapshot at record `seq` stands in for. */
  forgetCheckpoint(seq: number): void {
    const { checkpoint } = this.#sources;
    if (checkpoint !== undefined && checkpoint.seq <= seq) {
      this.#sources.checkpoint = undefined;
    }
  }

  /** Makes the state anew, as of record `seq`, which has no effect. */
  async #remake(seq: number): Promise<void> {
    this.#isRebuilding = true;
    try {
      this.#state = await buildWithout(this.#sources, seq);
    } catch (error) {
      this.#hasState = false;
      this.failure = noState(seq, error);
      this.#change.fire();
      throw this.failure;
    }
    this.#isRebuilding = false;
  }

  /** Records that a mutation was aborted, now or with what is written next; gives why it could not be now. */
  #record(seq: number): Promise<unknown> {
    const { aborts } = this.#sources;
    let recorded: Promise<unknown>;
    try {
      recorded = this.enqueue(abortOf(seq, aborts.isFound(seq)), true)
        .then(() => undefined, (error) => error);
    } catch (error) {
      aborts.putBack(seq);
      recorded = Promise.resolve(error);
    }
    this.#recording.set(seq, recorded);
    return recorded;
  }

  /** What waits behind an abort that could not be written is not to be acknowledged without it. */
  async #notRecorded(seq: number): Promise<void> {
    const { aborts } = this.#sources;
    aborts.putBack(seq);
    // The same failure may be on its way to others.
    await undefined;
    const isAwaited = this.#pending.some(({ outcome }) => !outcome);
    if (this.failure !== undefined || !isAwaited) return;
    for (const unwritten of aborts.takeUnwritten()) this.#record(unwritten);
  }

  #recorded(seq: number): void {
    this.#sources.aborts.acknowledge(seq);
    this.#recording.delete(seq);
  }

  /** Has the aborts recorded of which none is being written; throws what keeps one from that. */
  async recordAborts(): Promise<void> {
    const { aborts } = this.#sources;
    if (this.failure !== undefined) throw this.failure;
    const recorded = aborts.takeUnwritten().map((seq) => this.#record(seq));
    for (const failure of await Promise.all(recorded)) {
      if (failure !== undefined) throw failure;
    }
  }

  /**
   * Within a step: whether all that was taken in was applied, or is on record as
   * aborted, as a snapshot says of it. Waits for the aborts that are being written.
   */
  async isSettled(): Promise<boolean> {
    await this.#lastAbort;
    return this.applied >= this.sequence;
  }

  /** Waits until everything queued so far is applied. */
  async settle(): Promise<void> {
    while (this.#isTaking || this.#pending.length > 0) await this.#taken.next;
  }

  /** Runs a task between two records: state and sequence belong together there. */
  between<T>(task: () => T | Promise<T>): Promise<T> {
    return this.#steps.run(task);
  }

  /** Says that there will be no more. */
  end(): void {
    this.isClosed = true;
    this.#change.fire();
  }
}

/** What has become of an append. */
type Outcome = { readonly seq: number } | { readonly error: unknown };

/** An entry that was appended. */
interface Pending {
  readonly logged: Logged;
  readonly taken: PromiseWithResolvers<number>;
  outcome: Outcome | undefined;
}

/** An entry, and its JSON. */
export interface Logged {
  readonly entry: Entry;
  readonly json: string;
}

function abortOf(abort: number, found: boolean): Logged {
  const entry = found ? { abort, found } : { abort };
  return { entry, json: JSON.stringify(entry) };
}

function abortedMutation(
  seq: number,
  cause: unknown,
  failure: unknown,
): MiniError {
  const recorded = failure === undefined
    ? "it is recorded as aborted and has no effect"
    : `it has no effect; that could not be recorded yet: ${messageOf(failure)}`;
  return new MiniError(
    "ABORTED_MUTATION",
    `apply threw for record ${seq}: ${messageOf(cause)}; ${recorded}`,
    { cause, seq },
  );
}

function noState(seq: number, cause: unknown): MiniError {
  return new MiniError(
    "POISONED",
    `Cannot use the state any more: apply threw for record ${seq}, and making the state anew failed: ${
      messageOf(cause)
    }; nothing that was logged is lost: close it and open it again`,
    { cause, seq },
  );
}

function notInRust(): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    "Cannot apply several mutations as one: the format of the Rust ministore has no way to say so; nothing was logged",
  );
}
