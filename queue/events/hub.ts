import { onAbort } from "../../base/abort.ts";
import { assertOptions } from "../../base/checks.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { Signal } from "../../base/signal.ts";
import type { Clock } from "../clock.ts";
import { observe } from "../ledger/effects.ts";
import type { Settlement } from "../ledger/entry.ts";
import { isCurrent, type Ledger } from "../ledger/ledger.ts";
import {
  addEvent,
  copiesOf,
  EVENT_CHECKS,
  type EventOptions,
  type QueueEvent,
  type ReadRange,
  type RecordEvents,
  type Told,
} from "./event.ts";
import { LatestProgress } from "./live_progress.ts";
import { ledgerBefore, type LedgerPast, replayed } from "./past.ts";
import { RecentEvents } from "./recent.ts";

/** A ledger that changes. */
export interface EventSource<T> {
  /** The number of the last record that the ledger has applied. */
  readonly sequence: number;
  /** Resolves at the next change of any of these. */
  readonly changed: Promise<void>;
  readonly isClosed: boolean;
  readonly failure: unknown;
  /** The ledger, if it can be read now: another object where it was rebuilt. */
  ifReadable(): Ledger<T> | undefined;
  readonly past: LedgerPast<T> | undefined;
}

/** The events of a ledger, for any number of readers. Without readers it does nothing. */
export class EventHub<T> {
  readonly #source: EventSource<T>;
  readonly #clock: Pick<Clock, "wall">;
  readonly #recent = new RecentEvents<T>();
  readonly #latest = new LatestProgress();
  readonly #woken = new Signal();
  #readers = 0;
  /** Those of the readers that are told progress in memory. */
  #listeners = 0;
  #isFollowing = false;
  /** The last record that is told, once it has ended. */
  #end = Infinity;
  /** Why the ledger cannot be read any more. */
  #failure: unknown;
  /** The ledger that is observed. */
  #ledger: Ledger<T> | undefined;
  #unobserve = () => {};
  /** The last record whose events are known to be true. */
  #known = 0;
  /** The events of records that the ledger may not have applied yet. */
  #told: { readonly seq: number; readonly events: Told<T>[] }[] = [];

  constructor(source: EventSource<T>, clock: Pick<Clock, "wall">) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The events for one reader. */
  events<R>(options: EventOptions): AsyncIterable<QueueEvent<T, R>> {
    assertOptions("events()", options, EVENT_CHECKS);
    const { from = this.#source.sequence + 1, signal } = options;
    return copiesOf(this.#listen({ from, signal }), { from: 0, signal });
  }

  /** Reads the events, those of progress in memory included. */
  async *#listen(
    range: ReadRange,
  ): AsyncGenerator<RecordEvents<T>, void, undefined> {
    this.#listeners++;
    try {
      yield* this.read(range, this.#latest.count);
    } finally {
      if (--this.#listeners === 0) this.#latest.keep(() => false);
    }
  }

  /** Tells the progress in memory of a delivery to those who listen. */
  note(
    { id, receipt }: Pick<Settlement, "id" | "receipt">,
    progress: unknown,
  ): void {
    if (this.#listeners === 0) return;
    // Its delivery is told first.
    this.#look();
    const message = this.#source.ifReadable()?.messages[id];
    // While it is being rebuilt, nothing is told.
    if (message === undefined) return;
    const { attempts, headers } = message;
    const event = {
      type: "progress",
      id,
      at: new Date(this.#clock.wall()),
      attempts,
      ...(headers !== undefined && { headers }),
      progress,
      durable: false,
    } as const;
    this.#latest.note(event, receipt);
  }

  /**
   * Reads the events of each record that has any, from record `from` on. Ends
   * when the ledger is closed; throws `CLOSED` if the log can no longer tell all of
   * them then.
   *
   * @param told How much progress in memory is not to be told: all of it, unless
   * the reader listens.
   */
  async *read(
    range: ReadRange,
    told: number = Infinity,
  ): AsyncGenerator<RecordEvents<T>, void, undefined> {
    const letGo = onAbort(range.signal, () => this.#woken.fire());
    const letBe = onAbort(range.over, () => this.#look());
    this.#join();
    try {
      yield* this.#records(range, told);
    } catch (error) {
      const isEarly = this.#isOver && hasCode(error, "CLOSED");
      throw isEarly ? closedEarly(error) : error;
    } finally {
      letGo();
      letBe();
      this.#leave();
    }
  }

  async *#records(
    { from, signal, over }: ReadRange,
    told: number,
  ): AsyncGenerator<RecordEvents<T>, void, undefined> {
    const source = this.#source;
    // As of the record before `next`, for what is not remembered.
    let copy: Ledger<T> | undefined;
    for (let next = from;;) {
      signal?.throwIfAborted();
      const woken = this.#woken.next;
      const sequence = Math.min(source.sequence, this.#end);
      const isRemembered = next >= this.#recent.start;
      const found = isRemembered ? this.#recent.first(next) : undefined;
      if (found !== undefined) {
        copy = undefined;
        yield found;
        next = found.seq + 1;
      } else if (!isRemembered && next <= sequence) {
        // Begun before anything is awaited, it reads on once the state is closed.
        const { past } = source;
        const range = { from: next, to: sequence, ...(signal && { signal }) };
        const entries = past?.entries(range);
        copy ??= await ledgerBefore(next, past?.at);
        yield* replayed(copy, entries!);
        next = sequence + 1;
      } else {
        const live = this.#live(next, told);
        if (live !== undefined) {
          told = live.count;
          yield { seq: this.#known, events: [live.told] };
        } else if (this.#isOver || over?.aborted) return;
        else if (this.#hasFailed) throw source.failure ?? this.#failure;
        else await woken;
      }
    }
  }

  /** The next progress in memory after the first `told`, for a reader that has read all there is from `next` on. */
  #live(next: number, told: number): ReturnType<LatestProgress["after"]> {
    const isLater = next > this.#known + 1;
    return isLater ? undefined : this.#latest.after(told, this.#known);
  }

  get #isOver(): boolean {
    return this.#end < Infinity || this.#source.isClosed;
  }

  get #hasFailed(): boolean {
    return (this.#source.failure ?? this.#failure) !== undefined;
  }

  /** Lets every reader read what is on record, and end. */
  end(): void {
    if (this.#readers > 0) this.#look();
    this.#end = this.#source.sequence;
  }

  #join(): void {
    this.#readers++;
    if (this.#isFollowing) this.#look();
    else void this.#follow();
  }

  #leave(): void {
    if (--this.#readers > 0) return;
    this.#unobserve();
    this.#ledger = undefined;
    this.#told = [];
    this.#recent.clear(Infinity);
  }

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    for (;;) {
      const { changed } = this.#source;
      if (this.#readers > 0) this.#look();
      if (this.#readers === 0 || this.#isOver || this.#hasFailed) break;
      await changed;
    }
    this.#isFollowing = false;
  }

  /** Finds out what of that which was told is on record. */
  #look(): void {
    const { sequence } = this.#source;
    const ledger = this.#readable();
    if (ledger === this.#ledger) this.#confirm(sequence);
    // While it is being rebuilt, nothing is told.
    else if (ledger !== undefined) this.#observe(ledger, sequence);
    this.#woken.fire();
  }

  #readable(): Ledger<T> | undefined {
    try {
      return this.#source.ifReadable();
    } catch (error) {
      this.#failure = error;
      return undefined;
    }
  }

  /** The ledger has applied the records up to `sequence`, and is the one that was observed: what was told of them is true. */
  #confirm(sequence: number): void {
    const isTrue = (each: { seq: number }) => each.seq <= sequence;
    for (const each of this.#told.filter(isTrue)) this.#recent.add(each);
    this.#told = this.#told.filter((each) => !isTrue(each));
    this.#known = sequence;
  }

  /** Observes another ledger: nobody knows which of the records that it has applied did what was told. */
  #observe(ledger: Ledger<T>, sequence: number): void {
    this.#unobserve();
    this.#told = [];
    this.#ledger = ledger;
    this.#recent.clear(sequence + 1);
    this.#latest.keep((delivery) => isCurrent(ledger, delivery));
    this.#known = sequence;
    this.#unobserve = observe<T>(ledger, (effect) => {
      const seq = this.#source.sequence + 1;
      if (this.#told.at(-1)?.seq !== seq) this.#told.push({ seq, events: [] });
      addEvent(this.#told.at(-1)!.events, effect, ledger, seq);
      this.#latest.forget(effect.message.id);
    });
  }
}

function closedEarly(cause: unknown): MiniError {
  return new MiniError(
    "CLOSED",
    "Cannot read all events up to the end: the queue was closed while some were still to be read from the log; they are there, and can be read once it is open again",
    { cause },
  );
}
