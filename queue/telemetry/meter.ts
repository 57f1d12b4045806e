import {
  COUNTS,
  DURATIONS_MS,
  type Histogram,
  ValueCounter,
} from "../../base/telemetry/histogram.ts";
import { type Effect, observe } from "../ledger/effects.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { emptyLedger, type Ledger } from "../ledger/ledger.ts";
import { type LedgerView, statsOf } from "../ledger/read.ts";
import { readyIndexOf } from "../ledger/ready_index.ts";
import { applyToLedger } from "../ledger/reducer.ts";
import { PROCESS } from "./messages.ts";

/** The numbers of an open queue. Plain JSON. The counters and the histograms begin with its opening. */
export interface QueueMetrics {
  /** The kind of thing that was measured. */
  readonly kind: "queue";
  /** The number of messages that were enqueued; not those that were kept out by their `dedupeKey`. */
  readonly enqueued: number;
  /** The number of deliveries. */
  readonly delivered: number;
  /** The number of messages that were acknowledged. */
  readonly acked: number;
  /** The number of deliveries after which the message waited again. */
  readonly retried: number;
  /** The number of messages that became dead letters. */
  readonly dead: number;
  /** The number of messages that were cancelled, or purged before they had ended. */
  readonly cancelled: number;
  /** The number of dead letters that were redriven. */
  readonly redriven: number;
  /** The number of deliveries that were not settled in time, and were taken back. */
  readonly expired: number;
  /** The number of messages that can be received now, or wait for an earlier one of their group. */
  readonly waiting: number;
  /** The number of messages whose delay has not ended. */
  readonly delayed: number;
  /** The number of messages that consumers hold. */
  readonly inFlight: number;
  /** The number of handlers that run. */
  readonly handlers: number;
  /** The number of dead letters. */
  readonly deadLetters: number;
  /** The number of finished messages that are kept. */
  readonly finished: number;
  /** The age of the oldest message that no consumer holds, in milliseconds; 0 if there is none. */
  readonly oldestMs: number;
  /** How long messages waited until each delivery, from their arrival, the end of their delay, or of the delivery before, in milliseconds of queue time. */
  readonly waitMs: Histogram;
  /** How long each handler took, in milliseconds. */
  readonly handlerMs: Histogram;
  /** How many deliveries that count a message had when it was acknowledged or became a dead letter. */
  readonly attempts: Histogram;
}

/** The part of an entry that ends, delivers or moves messages of which the ledger knows. */
interface Parts {
  readonly receive?: readonly number[];
  readonly settle?: readonly { readonly id: number }[];
  readonly expire?: readonly { readonly id: number }[];
  readonly cancel?: readonly { readonly id: number }[];
  readonly redrive?: readonly (number | { readonly id: number })[];
  readonly update?: readonly { readonly id: number }[];
  readonly purge?: "all" | readonly number[];
}

/** Counts what a queue does, by what the entries of its ledger did. */
export class QueueMeter<T> {
  readonly #source: { readonly sequence: number };
  /** The ledger that is observed. */
  #ledger: Ledger<T>;
  /** The record after which that began. */
  #from = 0;
  #unobserve = () => {};
  /** How many messages were ever enqueued or redriven, and how many were there, on opening. */
  readonly #start: { readonly order: number; readonly size: number };
  #delivered = 0;
  #retried = 0;
  #dead = 0;
  #cancelled = 0;
  #redriven = 0;
  /** No message that is there has a lower id, as far as that is known. */
  #lowest: number | undefined;
  readonly #waitMs = new ValueCounter(DURATIONS_MS);
  readonly #attempts = new ValueCounter(COUNTS);
  /** The record of the last acknowledgements, which may still be undone, and their attempts. */
  #acked = 0;
  readonly #ackedAttempts: number[] = [];
  /** When messages could be received, in queue time, as far as they do not say it. */
  readonly #since = new Map<number, number>();
  /** How long messages that were just delivered have waited, if somebody is told. */
  readonly #waited = new Map<number, number>();
  /** Counts deliveries that were not settled in time. */
  expired = 0;
  readonly handlerMs: ValueCounter = new ValueCounter(DURATIONS_MS);

  /** @param size The number of messages that are there. */
  constructor(
    source: { readonly sequence: number },
    ledger: Ledger<T>,
    size: number,
  ) {
    this.#source = source;
    this.#ledger = ledger;
    this.#start = { order: ledger.nextOrder, size };
    this.#observe(ledger);
  }

  /** Observes another ledger: the state was rebuilt, or each record makes another one. */
  watch(ledger: Ledger<T>): void {
    if (ledger === this.#ledger) return;
    // The last record was undone, if what it did was seen.
    if (this.#acked === this.#source.sequence) this.#ackedAttempts.length = 0;
    this.#unobserve();
    this.#observe(ledger);
  }

  #observe(ledger: Ledger<T>): void {
    this.#ledger = ledger;
    this.#lowest = undefined;
    this.#from = this.#source.sequence;
    this.#unobserve = observe<T>(ledger, (effect) => this.#see(effect, ledger));
  }

  /** Counts an entry that was applied, unless it was seen. */
  entered(seq: number, entry: LedgerEntry<T>, before: Ledger<T>): void {
    if (seq > this.#from) return;
    const { settle, ...rest } = entry as Parts;
    // What is not current in this ledger must not throw.
    const safe = { ...rest, ...(settle && { expire: settle }) };
    const part = partOf(before, safe);
    if (part === undefined) return;
    const stop = observe<T>(part, (effect) => {
      if (effect.type !== "done") this.#see(effect, part);
      else this.#attempts.record(effect.message.attempts);
    });
    applyToLedger(part, safe as unknown as LedgerEntry<T>);
    stop();
  }

  #see(
    { type, message, when, isDueNow }: Effect<T>,
    { at, drift }: Ledger<T>,
  ): void {
    const { id, due } = message;
    switch (type) {
      case "enqueued":
        if (message.receipt === 0) return;
        this.#redriven++;
        if (this.#lowest !== undefined) {
          this.#lowest = Math.min(this.#lowest, id);
        }
        if (due === 0) this.#since.set(id, at);
        return;
      case "delivered": {
        this.#delivered++;
        const since = when !== undefined
          ? when - drift
          : due > 0
          ? due
          : this.#take(this.#since, id) ?? 0;
        const waited = Math.max(0, at - Math.max(message.at, since));
        this.#waitMs.record(waited);
        if (PROCESS.isObserved) this.#waited.set(id, waited);
        return;
      }
      case "retried":
        this.#retried++;
        if (due === 0) this.#since.set(id, at);
        return;
      case "updated":
        if (isDueNow) this.#since.set(id, at);
        return;
      case "done":
        this.#settle();
        this.#ackedAttempts.push(message.attempts);
        return;
      case "dead":
        this.#dead++;
        this.#attempts.record(message.attempts);
        return;
      case "cancelled":
        this.#cancelled++;
        this.#since.delete(id);
    }
  }

  /** Counts the acknowledgements of earlier records, which are not undone any more. */
  #settle(): void {
    const seq = this.#source.sequence + 1;
    if (seq === this.#acked) return;
    this.#acked = seq;
    for (const attempts of this.#ackedAttempts) this.#attempts.record(attempts);
    this.#ackedAttempts.length = 0;
  }

  #take(from: Map<number, number>, id: number): number | undefined {
    if (from.size === 0) return undefined;
    const value = from.get(id);
    from.delete(id);
    return value;
  }

  /** How long a message that was just delivered has waited, in milliseconds, if somebody is told. */
  takeWait(id: number): number | undefined {
    return this.#take(this.#waited, id);
  }

  /** The age of the oldest message that waits. Those with lower ids arrived earlier. */
  #oldestMs({ messages, nextId }: Ledger, now: number): number {
    let lowest = this.#lowest ?? firstId(messages) ?? nextId;
    while (lowest < nextId && messages[lowest] === undefined) lowest++;
    this.#lowest = lowest;
    for (let id = lowest; id < nextId; id++) {
      const message = messages[id];
      if (message === undefined || message.inFlight) continue;
      return Math.max(0, Math.round(now - message.at));
    }
    return 0;
  }

  /** Everything counted so far, and what is there now. */
  read(view: LedgerView<T>, handlers: number): QueueMetrics {
    const { ledger, now, picked = new Set<number>() } = view;
    this.#settle();
    const { size, finished } = readyIndexOf(ledger, picked);
    const { ready, blocked, delayed, inFlight, dead: deadLetters } = statsOf(
      view,
    );
    const redriven = this.#redriven;
    const arrived = ledger.nextOrder - this.#start.order;
    // What has arrived and is neither there nor ended otherwise was acknowledged.
    const left = size - this.#start.size + this.#dead + this.#cancelled;
    return {
      kind: "queue",
      enqueued: arrived - redriven,
      delivered: this.#delivered,
      acked: arrived - left,
      retried: this.#retried,
      dead: this.#dead,
      cancelled: this.#cancelled,
      redriven,
      expired: this.expired,
      waiting: ready + blocked,
      delayed,
      inFlight,
      handlers,
      deadLetters,
      finished: finished.size,
      oldestMs: this.#oldestMs(ledger, now),
      waitMs: this.#waitMs.read(),
      handlerMs: this.handlerMs.read(),
      attempts: this.#attempts.read(),
    };
  }
}

function firstId(messages: Ledger["messages"]): number | undefined {
  for (const id in messages) return Number(id);
  return undefined;
}

/** A ledger with copies of the messages that an entry may change; `undefined` if it changes none. */
function partOf<T>(
  { messages, dead, at, drift }: Ledger<T>,
  { receive, expire, cancel, redrive, update, purge }: Parts,
): Ledger<T> | undefined {
  const list = receive ?? expire ?? cancel ?? redrive ?? update ?? purge;
  if (list === undefined) return undefined;
  const ids = list === "all"
    ? Object.keys(messages)
    : list.map((each) => typeof each === "number" ? each : each.id);
  const part: Ledger<T> = { ...emptyLedger<T>(), at, drift };
  for (const id of ids) {
    const [message, letter] = [messages[id], dead[id]];
    if (message !== undefined) part.messages[id] = { ...message };
    if (letter !== undefined) part.dead[id] = { ...letter };
  }
  return part;
}
