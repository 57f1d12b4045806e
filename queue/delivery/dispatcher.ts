import { withResolvers } from "../../base/promise.ts";
import { onAbort } from "../../base/abort.ts";
import { hasCode } from "../../base/errors.ts";
import { quietly } from "../../base/telemetry/tracing.ts";
import type { Signal } from "../../base/signal.ts";
import type { Deliveries } from "./deliveries.ts";
import type { LedgerLog } from "../ledger_log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { statsOf } from "../ledger/read.ts";
import type { Source } from "../source.ts";
import { QueueMessage } from "./message.ts";
import {
  type CheckedOptions,
  checkSpan,
  type ReceiveOptions,
} from "../options.ts";
import { RECEIVE, type ReceiveMessage } from "../telemetry/messages.ts";
import { toldDelivery } from "../telemetry/told.ts";

function setWaited(message: { waited: boolean }, waited: boolean): void {
  message.waited = waited;
}

/** A call of `receive` that waits. */
interface Waiter<T, M> {
  readonly max: number;
  /** When the waiting ends, by the monotonic clock. */
  readonly until: number;
  readonly visibilityTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (messages: QueueMessage<T, unknown, M>[]) => void;
  readonly reject: (error: unknown) => void;
  /** Whether the waiting also ends when no message is ready or in flight. */
  readonly untilEmpty: boolean;
  /** Whether somebody has looked into the sources before the waiter leaves with nothing. */
  hasLooked: boolean;
  /** The message of its event, if somebody listens. */
  readonly told: ReceiveMessage | undefined;
}

/** The messages that are picked for a waiter. */
interface Picked<T, M> {
  readonly waiter: Waiter<T, M>;
  readonly ids: readonly number[];
}

/**
 * Decides who gets the next message: gives the messages that are ready to the
 * waiters, in order. Logs each delivery before it hands out the message. Runs
 * only while there are waiters.
 */
export class Dispatcher<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #deliveries: Deliveries<T, M>;
  readonly #options: CheckedOptions<T>;
  /** Fires when there may be work for `#serve`. */
  readonly #poke: Signal;
  readonly #sources: readonly Source[];
  #waiters = new Set<Waiter<T, M>>();
  #serving: Promise<void> | undefined;
  #isEnded = false;
  /** The change of the state that fires `#poke`. */
  #awaited: Promise<void> | undefined;

  constructor({ log, deliveries, options, poke, sources }: {
    readonly log: LedgerLog<T, M>;
    readonly deliveries: Deliveries<T, M>;
    readonly options: CheckedOptions<T>;
    readonly poke: Signal;
    readonly sources: readonly Source[];
  }) {
    this.#log = log;
    this.#deliveries = deliveries;
    this.#options = options;
    this.#poke = poke;
    this.#sources = sources;
  }

  /** Waits for at least one message, and receives up to `max`; none if the time is up. */
  receive(
    max: number,
    options: ReceiveOptions,
  ): Promise<QueueMessage<T, unknown, M>[]> {
    return RECEIVE.run(
      () => ({ ...this.#log.about, max, waited: false }),
      (told) => this.take(max, options, { told }),
      (told, messages) => {
        told.deliveries = messages.map(toldDelivery);
      },
    );
  }

  /** The same, untold, for a worker; `untilEmpty` also ends the waiting when the queue is empty. */
  take(
    max: number,
    { waitMs = 0, signal, visibilityTimeoutMs }: ReceiveOptions,
    { untilEmpty = false, told }: {
      readonly untilEmpty?: boolean;
      readonly told?: ReceiveMessage | undefined;
    },
  ): Promise<QueueMessage<T, unknown, M>[]> {
    checkSpan("waitMs", waitMs);
    const timeoutMs = visibilityTimeoutMs ?? this.#options.visibilityTimeoutMs;
    checkSpan("visibilityTimeoutMs", timeoutMs);
    signal?.throwIfAborted();
    const waiting = withResolvers<QueueMessage<T, unknown, M>[]>();
    const { promise, resolve, reject } = waiting;
    const abort = () => {
      // A waiter that is being served gets its messages.
      if (!this.#waiters.delete(waiter)) return;
      this.#poke.fire();
      waiter.reject(signal!.reason);
    };
    const waiter: Waiter<T, M> = {
      max,
      // Reading the clock costs more than all else here.
      until: waitMs === 0 ? -Infinity : this.#now() + waitMs,
      visibilityTimeoutMs: timeoutMs,
      signal,
      untilEmpty,
      told,
      resolve: (messages) => (done(), resolve(messages)),
      reject: (error) => (done(), reject(error)),
      hasLooked: this.#sources.length === 0,
    };
    this.#waiters.add(waiter);
    this.#poke.fire();
    this.#serving ??= this.#serve();
    const done = onAbort(signal, abort);
    return promise;
  }

  /** Receives messages until the queue is closed. Gives back an unsettled one at which the reading stops. */
  async *messages(): AsyncGenerator<QueueMessage<T, unknown, M>, void> {
    for (;;) {
      const [message] = await this.receive(1, { waitMs: Infinity });
      if (message === undefined) return;
      let isLeft = true;
      try {
        yield message;
        isLeft = false;
      } finally {
        // A loop that asks for the next one may settle this one elsewhere.
        if (isLeft) await this.#deliveries.abandon(message);
      }
    }
  }

  /** Stops serving. Messages that are about to be handed out are given back. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#poke.fire();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    // `#serving` has to be assigned first.
    await undefined;
    let leave: (() => void)[] | undefined;
    try {
      while (this.#waiters.size > 0) {
        if (this.#log.failure !== undefined) throw this.#log.failure;
        // A change from here on leads to another round.
        const { next } = this.#poke;
        this.#awaitChange();
        await this.#deliveries.takeBackDue();
        for (const source of this.#sources) {
          if (source.next <= this.#now()) await source.look();
        }
        if (await this.#deliver()) continue;
        if (await this.#lookForLast()) continue;
        await this.#dismiss();
        if (this.#waiters.size === 0) break;
        leave ??= this.#sources.map((source) => source.wait());
        await this.#wakeUp(next);
      }
    } catch (error) {
      const all = this.#waiters;
      this.#waiters = new Set();
      for (const waiter of all) this.#fail(waiter, error);
    } finally {
      for (const each of leave ?? []) each();
      this.#serving = undefined;
    }
  }

  get #isOver(): boolean {
    return this.#isEnded || this.#log.isClosed;
  }

  /** Whether a failure means that the queue is closed: a state that is being closed rejects with `CLOSED` first. */
  #isEnd(error: unknown): boolean {
    return this.#isOver ||
      hasCode(error, "CLOSED");
  }

  /** Lets the next change of the state fire `#poke`, once per change. */
  #awaitChange(): void {
    const { changed } = this.#log;
    if (changed === this.#awaited) return;
    this.#awaited = changed;
    changed.then(() => this.#poke.fire());
  }

  /** Serves the waiters, in order, while there are messages. Returns whether there were any. */
  async #deliver(): Promise<boolean> {
    let ledger = await this.#log.readable();
    // The state may have been rebuilt in the meantime.
    while (ledger !== this.#log.ifReadable()) {
      ledger = await this.#log.readable();
    }
    // A handler that was told may hold its group.
    this.#deliveries.cancels.look(ledger);
    const picked = this.#pick(ledger);
    if (picked.length === 0) return false;
    const unserved = new Set(picked.map(({ waiter }) => waiter));
    for (const waiter of unserved) this.#waiters.delete(waiter);
    try {
      const all = picked.flatMap(({ ids }) => ids);
      const failure = await this.#record(all);
      await this.#log.unpick(all);
      if (failure === undefined) await this.#hand(picked, unserved);
      else {
        for (const waiter of unserved) this.#fail(waiter, failure.error);
        unserved.clear();
      }
      return true;
    } finally {
      // They still wait. If this failed, `#serve` tells them.
      this.#requeue([...unserved]);
    }
  }

  #fail({ resolve, reject }: Waiter<T, M>, error: unknown): void {
    if (this.#isEnd(error)) resolve([]);
    else reject(error);
  }

  /** Puts waiters that got nothing back in front of all others. */
  #requeue(waiters: readonly Waiter<T, M>[]): void {
    const isAborted = ({ signal }: Waiter<T, M>) => signal?.aborted;
    for (const { reject, signal } of waiters.filter(isAborted)) {
      reject(signal!.reason);
    }
    const rest = waiters.filter((waiter) => !isAborted(waiter));
    if (rest.length === 0) return;
    this.#waiters = new Set([...rest, ...this.#waiters]);
  }

  /** Logs deliveries. Returns the error if that fails. */
  async #record(
    receive: readonly number[],
  ): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.#log.enter({ receive }, false);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  #pick(ledger: Ledger<T>): Picked<T, M>[] {
    if (ledger.paused || this.#isOver) return [];
    return [...this.#log.pick(this.#waiters)];
  }

  /**
   * Hands out messages, and takes off `unserved` each waiter that gets one, or
   * waits no longer. All are served in one turn, so that what they do next shares
   * a commit.
   */
  async #hand(
    picked: readonly Picked<T, M>[],
    unserved: Set<Waiter<T, M>>,
  ): Promise<void> {
    const all = picked.flatMap(({ ids }) => ids);
    let ledger = await this.#log.readable();
    const { payloads, rejected } = this.#deliveries.look(all, ledger);
    if (rejected.length > 0) {
      await this.#deliveries.reject(rejected);
      ledger = await this.#log.readable();
    }
    if (this.#isOver) {
      await this.#deliveries.giveBack(all).catch(() => {});
      return;
    }
    const now = this.#now();
    for (const { waiter, ids } of picked) {
      const messages = this.#deliveries
        .lease(
          ids.filter((id) => payloads.has(id)),
          ledger,
          now,
          waiter.visibilityTimeoutMs,
        ).map((message) =>
          new QueueMessage(this.#deliveries, message, payloads.get(message.id)!)
        );
      if (messages.length === 0) continue;
      waiter.resolve(messages);
      unserved.delete(waiter);
    }
  }

  /** Looks into the sources for the waiters for whom the waiting ends, once for each. Returns whether there were any. */
  async #lookForLast(): Promise<boolean> {
    if (this.#sources.length === 0) return false;
    const isLast = await this.#endsFor();
    const last: Waiter<T, M>[] = [];
    for (const waiter of this.#waiters) {
      // What it found then may be done by now.
      if (!isLast(waiter)) waiter.hasLooked = false;
      else if (!waiter.hasLooked) last.push(waiter);
    }
    if (last.length === 0) return false;
    for (const waiter of last) waiter.hasLooked = true;
    for (const source of this.#sources) await source.look();
    return true;
  }

  /** Tells for which waiters the waiting ends now. */
  async #endsFor(): Promise<(waiter: Waiter<T, M>) => boolean> {
    const isAsked = [...this.#waiters].some(({ untilEmpty }) => untilEmpty);
    const isEmpty = isAsked && await this.#isEmpty();
    const now = this.#now();
    return ({ until, untilEmpty }) => until <= now || untilEmpty && isEmpty;
  }

  async #isEmpty(): Promise<boolean> {
    const { ready, inFlight } = statsOf(await this.#log.view());
    return ready + inFlight === 0;
  }

  /** Resolves the waiters for whom the waiting ends. */
  async #dismiss(): Promise<void> {
    const ends = await this.#endsFor();
    for (const waiter of this.#waiters) {
      if (!ends(waiter) && !this.#isOver) continue;
      this.#waiters.delete(waiter);
      waiter.resolve([]);
    }
  }

  /** Resolves when there may be work, or at the next deadline. */
  async #wakeUp(poked: Promise<void>): Promise<void> {
    const now = this.#now();
    const { nextDeadline } = this.#deliveries;
    let until = Math.min(nextDeadline, now + this.#log.untilNextMs);
    for (const { next } of this.#sources) until = Math.min(until, next);
    for (const waiter of this.#waiters) {
      until = Math.min(until, waiter.until);
      const { told } = waiter;
      if (told !== undefined) quietly(setWaited, told, true);
    }
    // Without a deadline too: the timer keeps the process alive while somebody waits.
    const ms = Math.max(0, Math.ceil(until - now));
    const stop = new AbortController();
    await Promise.race([poked, this.#options.clock.sleep(ms, stop.signal)]);
    stop.abort("awake");
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
