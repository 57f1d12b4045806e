import { withResolvers } from "../../base/promise.ts";
import { onAbort } from "../../base/abort.ts";
import { MiniError } from "../../base/errors.ts";
import type { Signal } from "../../base/signal.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Home } from "../ledger_log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { QueueMessage } from "./message.ts";
import {
  type CheckedOptions,
  checkSpan,
  type ReceiveOptions,
} from "../options.ts";

/** Somebody who waits for messages. */
interface Waiter<T, M> {
  readonly max: number;
  /** When the waiting is over, by the monotonic clock. */
  readonly until: number;
  readonly visibilityTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (messages: QueueMessage<T, M>[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Which messages are to be delivered to whom. */
interface Picked<T, M> {
  readonly waiter: Waiter<T, M>;
  readonly ids: readonly number[];
}

/**
 * Hands out the messages that are ready, to those who wait, in order. Every
 * delivery is on record before it is made. Works only while somebody waits.
 */
export class Dispatcher<T, M> {
  readonly #home: Home<T, M>;
  readonly #deliveries: Deliveries<T, M>;
  readonly #options: CheckedOptions<T>;
  /** Fired when there may be something to do. */
  readonly #poke: Signal;
  #waiters: Waiter<T, M>[] = [];
  #serving: Promise<void> | undefined;
  #isEnded = false;
  /** The change of the state that will fire `#poke`. */
  #awaited: Promise<void> | undefined;

  constructor(
    home: Home<T, M>,
    deliveries: Deliveries<T, M>,
    options: CheckedOptions<T>,
    poke: Signal,
  ) {
    this.#home = home;
    this.#deliveries = deliveries;
    this.#options = options;
    this.#poke = poke;
  }

  /** Waits for up to `max` messages, and at least one; for none where the time is up. */
  receive(
    max: number,
    { waitMs = 0, signal, visibilityTimeoutMs }: ReceiveOptions,
  ): Promise<QueueMessage<T, M>[]> {
    checkSpan("waitMs", waitMs);
    const timeoutMs = visibilityTimeoutMs ?? this.#options.visibilityTimeoutMs;
    checkSpan("visibilityTimeoutMs", timeoutMs);
    signal?.throwIfAborted();
    const waiting = withResolvers<QueueMessage<T, M>[]>();
    const { promise, resolve, reject } = waiting;
    const abort = () => {
      // One that is being served has messages on their way.
      if (!this.#waiters.includes(waiter)) return;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      this.#poke.fire();
      waiter.reject(signal!.reason);
    };
    const waiter: Waiter<T, M> = {
      max,
      until: this.#now() + waitMs,
      visibilityTimeoutMs: timeoutMs,
      signal,
      resolve: (messages) => (done(), resolve(messages)),
      reject: (error) => (done(), reject(error)),
    };
    this.#waiters.push(waiter);
    this.#poke.fire();
    this.#serving ??= this.#serve();
    const done = onAbort(signal, abort);
    return promise;
  }

  /** Serves nobody any more; what is on its way to somebody is given back. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#poke.fire();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    // Not before whoever has asked for it has taken note of it.
    await undefined;
    try {
      while (this.#waiters.length > 0) {
        if (this.#home.failure !== undefined) throw this.#home.failure;
        // Whatever happens from here on is looked at in the next round.
        const { next } = this.#poke;
        this.#awaitChange();
        await this.#deliveries.takeBackDue();
        if (await this.#deliver()) continue;
        this.#dismiss();
        if (this.#waiters.length > 0) await this.#wakeUp(next);
      }
    } catch (error) {
      for (const waiter of this.#waiters.splice(0)) this.#fail(waiter, error);
    } finally {
      this.#serving = undefined;
    }
  }

  get #isOver(): boolean {
    return this.#isEnded || this.#home.isClosed;
  }

  /** Whether nobody is served any more, for all that something has failed: a state that is being closed says so first in this way. */
  #isEnd(error: unknown): boolean {
    return this.#isOver ||
      error instanceof MiniError && error.code === "CLOSED";
  }

  /** Has the next change of the state wake up whoever serves; once for each, however often nothing was found. */
  #awaitChange(): void {
    const { changed } = this.#home;
    if (changed === this.#awaited) return;
    this.#awaited = changed;
    changed.then(() => this.#poke.fire());
  }

  /** Serves the waiters, in order, as far as there are messages; says whether there were. */
  async #deliver(): Promise<boolean> {
    let ledger = await this.#home.readable();
    // An apply may have thrown since, so that it is being made anew.
    while (ledger !== this.#home.ifReadable()) {
      ledger = await this.#home.readable();
    }
    const picked = this.#pick(ledger);
    if (picked.length === 0) return false;
    this.#waiters.splice(0, picked.length);
    const unserved = [...picked];
    const unlucky: Waiter<T, M>[] = [];
    try {
      const all = picked.flatMap(({ ids }) => ids);
      const failure = await this.#record(all);
      await this.#home.unpick(all);
      if (failure !== undefined) {
        const { error } = failure;
        for (const { waiter } of unserved.splice(0)) this.#fail(waiter, error);
      }
      await this.#hand(unserved, unlucky);
      return true;
    } finally {
      // They wait still; of what has failed they hear from whoever serves.
      this.#requeue([...unlucky, ...unserved.map(({ waiter }) => waiter)]);
    }
  }

  #fail({ resolve, reject }: Waiter<T, M>, error: unknown): void {
    if (this.#isEnd(error)) resolve([]);
    else reject(error);
  }

  /** Has waiters that got nothing wait in front of all others. */
  #requeue(waiters: readonly Waiter<T, M>[]): void {
    const isAborted = ({ signal }: Waiter<T, M>) => signal?.aborted;
    for (const { reject, signal } of waiters.filter(isAborted)) {
      reject(signal!.reason);
    }
    const rest = waiters.filter((waiter) => !isAborted(waiter));
    this.#waiters = [...rest, ...this.#waiters];
  }

  /** Puts deliveries on record; gives why that could not be. */
  async #record(
    receive: readonly number[],
  ): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.#home.enter({ receive }, false);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  #pick(ledger: Ledger<T>): Picked<T, M>[] {
    const picked: Picked<T, M>[] = [];
    if (ledger.paused || this.#isOver) return picked;
    for (const waiter of this.#waiters) {
      const ids = this.#home.pick(waiter.max);
      if (ids.length === 0) break;
      picked.push({ waiter, ids });
    }
    return picked;
  }

  /**
   * Hands messages to those who are to have them, and takes them out; those for
   * whom nothing is left are `unlucky`. Waits for nothing that need not be: what
   * all who are served in one turn do next can share a commit as well.
   */
  async #hand(
    unserved: Picked<T, M>[],
    unlucky: Waiter<T, M>[],
  ): Promise<void> {
    let ledger = await this.#home.readable();
    for (let each; (each = unserved[0]) !== undefined; unserved.shift()) {
      const { waiter, ids } = each;
      const { payloads, refused } = this.#deliveries.look(ids, ledger);
      if (refused.length > 0) {
        await this.#deliveries.refuse(refused);
        ledger = await this.#home.readable();
      }
      if (this.#isOver) {
        await this.#deliveries.giveBack(ids).catch(() => {});
        waiter.resolve([]);
        continue;
      }
      const { visibilityTimeoutMs } = waiter;
      const messages = this.#deliveries.give(
        payloads,
        ledger,
        visibilityTimeoutMs,
      );
      if (messages.length > 0) waiter.resolve(messages);
      else unlucky.push(waiter);
    }
  }

  /** Lets those go whose time is up. */
  #dismiss(): void {
    const now = this.#now();
    const isOver = ({ until }: Waiter<T, M>) => until <= now || this.#isOver;
    const over = this.#waiters.filter(isOver);
    this.#waiters = this.#waiters.filter((waiter) => !isOver(waiter));
    for (const { resolve } of over) resolve([]);
  }

  /** Resolves when there may be something to do, or a time has come. */
  async #wakeUp(poked: Promise<void>): Promise<void> {
    const now = this.#now();
    const { nextDeadline } = this.#deliveries;
    let until = Math.min(nextDeadline, now + this.#home.untilNextMs);
    for (const waiter of this.#waiters) until = Math.min(until, waiter.until);
    // A timer also where there is no such time: somebody waits, so that the process is not to end.
    const ms = Math.max(0, Math.ceil(until - now));
    const stop = new AbortController();
    await Promise.race([poked, this.#options.clock.sleep(ms, stop.signal)]);
    stop.abort("awake");
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
