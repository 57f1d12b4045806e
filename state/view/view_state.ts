import { MiniError } from "../../base/errors.ts";
import { Signal } from "../../base/signal.ts";
import type { LogRecord } from "../../store/mod.ts";
import { Undecided } from "../aborts.ts";
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

/** The state of a log that another process may be writing, record by record. */
export class ViewState<S, M> implements Feed<S> {
  readonly #sources: RebuildSources<S, M>;
  /** Finds out whether the log is of the Rust program, once there is one; throws if it is not that of a state. */
  readonly #identify: (() => Promise<boolean>) | undefined;
  #isIdentified = false;
  readonly #change = new Signal();
  readonly #failed = new AbortController();
  #state!: S;
  /** Whether `apply` threw half-way, and the state is not rebuilt yet. */
  #isTorn = false;
  #isReleased = false;
  /** The first record of which the log does not say yet whether it has an effect. */
  #undecided: number | undefined;
  /** The last record that was looked at: after one that is undecided, none is applied. */
  seen = 0;
  /** How often the state was made of the log. */
  made = 0;
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
    this.#failed.signal.throwIfAborted();
    if (this.isClosed) {
      throw new MiniError(
        "CLOSED",
        "Cannot read the state: apply threw half-way, and the view was closed before the state was rebuilt",
      );
    }
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

  /** Finds out what the log is, and makes the state of it. */
  async make(): Promise<void> {
    const { aborts } = this.#sources;
    await this.#identifyLog();
    this.seen = 0;
    aborts.clear();
    this.#sources.checkpoint = undefined;
    const { seq, unusable, replayedBytes } = await this.#rebuild(
      Infinity,
      this.made > 0,
    );
    this.made++;
    this.from = seq;
    this.unusable = unusable;
    this.bytes = replayedBytes;
  }

  async #identifyLog(): Promise<void> {
    const sources = this.#sources;
    const isRust = await this.#identify?.();
    sources.isRust = sources.aborts.isRust = isRust ?? sources.isRust;
    this.#isIdentified = isRust === undefined || sources.log.sequence > 0;
  }

  /** Lets go of the state: somebody else changes it from now on. */
  release(): void {
    this.#isReleased = true;
  }

  /** Says that nothing more will be applied. */
  end(): void {
    this.isClosed = true;
    this.#change.fire();
  }

  /** Says why nothing more will be applied. */
  fail(error: unknown): void {
    this.#failed.abort(error);
    this.#change.fire();
  }

  /** Takes in the next record. Passes over one that it has taken in before. */
  async take({ seq, data }: LogRecord<unknown>): Promise<void> {
    if (seq <= this.seen) return;
    if (!this.#isIdentified) await this.#identifyLog();
    await this.#take(seq, data);
  }

  /** Looks again at a record that is undecided: the mark of a clean end, and a snapshot, are no records. */
  async caughtUp(): Promise<void> {
    if (this.#undecided !== undefined) await this.#decide(this.seen);
  }

  /** Takes in the next record; resolves once the state is rebuilt, if it has to be. */
  #take(seq: number, data: unknown): Promise<unknown> | undefined {
    const sources = this.#sources;
    const { aborts, isRust } = sources;
    this.seen = seq;
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
      if ("error" in next) return this.#passOver(seq, data, next.isReduced);
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
    // The state has applied what the writer's code has not.
    const isReset = seq <= this.sequence;
    if (isReset) sources.checkpoint = undefined;
    return this.#rebuild(upTo, isReset);
  }

  /** Continues after a record that cannot be applied, if the log says by now that it has no effect. */
  async #passOver(
    seq: number,
    data: unknown,
    isReduced: boolean,
  ): Promise<void> {
    const sources = this.#sources;
    if (sources.reducer.immutable) {
      sources.checkpoint = Checkpoint.ofImmutable(this.#state, seq - 1);
    } else if (isReduced) {
      this.#isTorn = true;
      const before = await rebuildWithout(sources, seq - 1);
      this.#set(before, { undecided: seq });
    }
    sources.checkpoint?.keep(seq, () => JSON.stringify(data));
    await this.#rebuild(seq);
  }

  /** Continues if the log proves by now that the record that is undecided was applied. */
  async #decide(seq: number): Promise<void> {
    const undecided = this.#undecided!;
    const proven = await this.#provenUpTo(seq, undecided);
    if (undecided <= proven) await this.#rebuild(seq);
  }

  /** The number, `least` or more, up to which records are proven to have been applied, or their aborts are among those up to `seq`; 0 for none. */
  async #provenUpTo(seq: number, least = 1): Promise<number> {
    const sources = this.#sources;
    sources.provenUpTo = undefined;
    const proven = await provenUpTo(sources);
    if (proven < least || proven > seq) return 0;
    // What proves it may come after an abort that was not looked at yet.
    await sources.log.refresh?.();
    return seq < sources.log.sequence ? 0 : proven;
  }

  /** Rebuilds the state as it was after record `upTo`, or before the first that is undecided. */
  async #rebuild(upTo: number, isReset = false): Promise<Rebuilt<S>> {
    const sources = this.#sources;
    const isNewest = upTo === Infinity;
    sources.provenUpTo = isNewest ? undefined : await this.#provenUpTo(upTo);
    try {
      const code = isNewest ? "CORRUPT" : "COMPACTED";
      const rebuilt = await rebuild(sources, upTo, code);
      return this.#set(rebuilt, { undecided: undefined, isReset });
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      this.seen = Math.max(this.seen, sources.aborts.readUpTo);
      const before = await rebuildWithout(sources, error.seq - 1);
      return this.#set(before, { undecided: error.seq, isReset });
    }
  }

  #set(
    rebuilt: Rebuilt<S>,
    { undecided, isReset = false }: {
      undecided: number | undefined;
      isReset?: boolean;
    },
  ): Rebuilt<S> {
    if (isReset) this.resets++;
    this.#state = rebuilt.state;
    this.#isTorn = false;
    this.#undecided = undecided;
    this.seen = Math.max(this.seen, rebuilt.end);
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
