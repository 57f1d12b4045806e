import { onAbort } from "../../base/abort.ts";
import { MiniError } from "../../base/errors.ts";
import { Signal } from "../../base/signal.ts";
import { isCompacted, Undecided } from "../aborts.ts";
import { Checkpoint } from "../checkpoint.ts";
import { entryOf } from "../entry.ts";
import {
  applyEntry,
  provenUpTo,
  rebuild,
  type RebuildSources,
  rebuildWithout,
  type Rebuilt,
  SAMPLED,
} from "../rebuild.ts";
import type { Feed } from "./feed.ts";

/** The most tries to make a state of a log that changes under each of them. */
const MAX_TRIES = 10;

/** The state of a log that another process may be writing, record by record. */
export class Tracker<S, M> implements Feed<S> {
  readonly #sources: RebuildSources<S, M>;
  /** Finds out whether the log is of the Rust program, once there is one; throws if it is not that of a state. */
  readonly #identify: (() => Promise<boolean>) | undefined;
  #isIdentified = false;
  readonly #change = new Signal();
  readonly #failed = new AbortController();
  #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #state!: S;
  /** Whether `apply` threw half-way, and the state is not rebuilt yet. */
  #isTorn = false;
  #isReleased = false;
  /** The first record of which the log does not say yet whether it has an effect. */
  #undecided: number | undefined;
  /** The last record that was looked at: after one that is undecided, none is applied. */
  #seen = 0;
  /** Fired when the log was looked at and everything there is taken in. */
  readonly #looked = new Signal();
  /** The record after which the state was made from the log, when it last started over. */
  from = 0;
  /** The newest snapshot of another version then, which cannot be used; 0 for none. */
  unusable = 0;
  /** About how many bytes of JSON the records have that it has read since. */
  bytes = 0;

  /** The number of the last record that the state has applied. */
  sequence = 0;
  /** How often the log has turned out not to be what it was. */
  resets = 0;
  /** Whether nothing more will be applied. */
  isClosed = false;

  constructor(
    sources: RebuildSources<S, M>,
    identify: (() => Promise<boolean>) | undefined,
  ) {
    this.#sources = sources;
    this.#identify = identify;
  }

  get state(): S {
    if (this.#isReleased) {
      throw new MiniError("CLOSED", "Cannot use the view: it was promoted");
    }
    if (!this.#isTorn) return this.#state;
    throw new MiniError(
      "ABORTED_MUTATION",
      "Cannot read the state just now: apply threw half-way, and the state is being rebuilt without that mutation; await a change, and read again",
    );
  }

  get isReadable(): boolean {
    return !this.#isTorn && !this.#isReleased;
  }

  /** The number up to which the records that the state has applied are known to be durable. */
  get durableSequence(): number {
    const { durableSequence, sequence } = this.#sources.log;
    // A snapshot is made of what is durable.
    const durable = Math.max(this.from, durableSequence ?? sequence);
    return Math.min(this.sequence, durable);
  }

  /** The number of records in the log that the state has not applied. */
  get lag(): number {
    return Math.max(0, this.#sources.log.sequence - this.sequence);
  }

  get changed(): Promise<void> {
    return this.#change.next;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Makes the state, and keeps it up to date from then on. */
  async start(): Promise<void> {
    await this.#identifyLog();
    await this.#make();
    this.follow();
  }

  async #identifyLog(): Promise<void> {
    const sources = this.#sources;
    const isRust = await this.#identify?.();
    sources.isRust = sources.aborts.isRust = isRust ?? sources.isRust;
    this.#isIdentified = isRust === undefined || sources.log.sequence > 0;
  }

  /** Resolves when the log, as it is at the call or later, was looked at, or never will be. */
  async look(): Promise<void> {
    // One look may have begun before.
    for (let looks = 0; looks < 2; looks++) {
      const looked = this.#looked.next;
      await this.#sources.log.refresh?.();
      if (this.isClosed || this.failed.aborted) return;
      await looked;
    }
  }

  /** Keeps the state up to date until stopped. */
  follow(): void {
    this.#stop = new AbortController();
    this.#following = this.#follow(this.#stop.signal);
  }

  /** Resolves when nothing more is being applied. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /** Lets go of the state: somebody else changes it from now on. */
  release(): void {
    this.#isReleased = true;
  }

  /** Says that nothing more will be applied. */
  end(): void {
    this.isClosed = true;
    this.#change.fire();
    this.#looked.fire();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      while (!await this.#followUntilReset(signal)) {
        this.resets++;
        await this.#make();
      }
      this.end();
    } catch (error) {
      if (signal.aborted) return;
      this.#failed.abort(error);
      this.#change.fire();
      this.#looked.fire();
    }
  }

  /** Takes in each further record. Resolves to `true` when the log was closed, to `false` when it is not what it was. */
  async #followUntilReset(signal: AbortSignal): Promise<boolean> {
    const { log } = this.#sources;
    const own = new AbortController();
    const letGo = onAbort(signal, () => own.abort(signal.reason));
    try {
      const records = log.follow({
        from: this.sequence + 1,
        signal: own.signal,
        onCaughtUp: () => this.#caughtUp().catch((error) => own.abort(error)),
      });
      for await (const { seq, data } of records) {
        if (!this.#isIdentified) await this.#identifyLog();
        await this.#take(seq, data);
        signal.throwIfAborted();
      }
      return true;
    } catch (error) {
      if (signal.aborted || !isOfAnotherPast(error)) throw error;
      return false;
    } finally {
      letGo();
    }
  }

  async #caughtUp(): Promise<void> {
    // The mark of a clean end, and a snapshot, are no records.
    if (this.#undecided !== undefined) await this.#decide(this.#seen);
    this.#looked.fire();
  }

  /** Makes the state of what the log is now. */
  async #make(): Promise<void> {
    for (let tries = 1;; tries++) {
      this.#sources.aborts.clear();
      this.#sources.checkpoint = undefined;
      try {
        const rebuilt = await this.#rebuild(Infinity);
        this.from = rebuilt.seq;
        this.unusable = rebuilt.unusable;
        this.bytes = rebuilt.replayedBytes;
        return;
      } catch (error) {
        if (!isOfAnotherPast(error) || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** Takes in the next record; resolves once the state is rebuilt, if it has to be. */
  #take(seq: number, data: unknown): Promise<unknown> | undefined {
    const sources = this.#sources;
    const { aborts, isRust } = sources;
    this.#seen = seq;
    if (seq % SAMPLED === 0) {
      this.bytes += SAMPLED * JSON.stringify(data).length;
    }
    sources.checkpoint?.keep(seq, () => JSON.stringify(data));
    const entry = entryOf(data, seq, isRust);
    if ("abort" in entry && this.#isNews(entry.abort)) {
      return this.#rebuildWithout(entry.abort, seq);
    }
    if (this.#undecided !== undefined) return this.#decide(seq);
    if (!("abort" in entry) && !aborts.has(seq)) {
      const next = applyEntry(sources, this.#state, entry, seq);
      if ("error" in next) return this.#rebuildTorn(seq, data);
      this.#state = next.state;
    }
    this.#moveTo(seq);
    return undefined;
  }

  /** Whether a record is one that the state has applied, or waits for: not if a snapshot knows better. */
  #isNews(seq: number): boolean {
    return seq > this.from && !this.#sources.aborts.has(seq);
  }

  /** Rebuilds the state as it was after record `upTo`, without a mutation that is aborted there. */
  #rebuildWithout(seq: number, upTo: number): Promise<unknown> {
    const sources = this.#sources;
    sources.aborts.add(seq);
    if (seq <= this.sequence) {
      // The state has applied what the writer's code has not.
      this.resets++;
      sources.checkpoint = undefined;
    }
    return this.#rebuild(upTo);
  }

  /** Rebuilds the state after `apply` threw for record `seq`. */
  #rebuildTorn(seq: number, data: unknown): Promise<unknown> {
    const { reducer } = this.#sources;
    if (reducer.immutable) {
      const checkpoint = Checkpoint.ofImmutable(this.#state, seq - 1);
      checkpoint.keep(seq, () => JSON.stringify(data));
      this.#sources.checkpoint = checkpoint;
    } else this.#isTorn = true;
    return this.#rebuild(seq);
  }

  /** Continues if the log proves by now that the record that is undecided was applied. */
  async #decide(seq: number): Promise<void> {
    const sources = this.#sources;
    delete sources.provenUpTo;
    const isProven = this.#undecided! <= await provenUpTo(sources);
    if (isProven) await this.#rebuild(seq);
  }

  /** Rebuilds the state as it was after record `upTo`, or before the first that is undecided. */
  async #rebuild(upTo: number): Promise<Rebuilt<S>> {
    const sources = this.#sources;
    delete sources.provenUpTo;
    try {
      const code = upTo === Infinity ? "CORRUPT" : "COMPACTED";
      return this.#set(await rebuild(sources, upTo, code), undefined);
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      const before = await rebuildWithout(sources, error.seq - 1);
      return this.#set(before, error.seq);
    }
  }

  #set(rebuilt: Rebuilt<S>, undecided: number | undefined): Rebuilt<S> {
    this.#state = rebuilt.state;
    this.#isTorn = false;
    this.#undecided = undecided;
    this.#seen = Math.max(this.#seen, rebuilt.end);
    this.#moveTo(rebuilt.end);
    return rebuilt;
  }

  #moveTo(seq: number): void {
    this.sequence = seq;
    const { checkpoint } = this.#sources;
    if (checkpoint && !checkpoint.isComplete) {
      this.#sources.checkpoint = undefined;
    }
    this.#change.fire();
  }
}

/** Whether an error says that the records that were read are gone, or are others now. */
function isOfAnotherPast(error: unknown): boolean {
  return isCompacted(error) ||
    error instanceof MiniError && error.code === "REWRITTEN";
}
