import { Signal } from "../store/signal.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Home } from "./home.ts";
import type { Ledger } from "./ledger.ts";
import { linesOf } from "./lines.ts";
import type { QueueMessage } from "./message.ts";
import {
  type CheckedOptions,
  checkSpan,
  type ReceiveOptions,
} from "./options.ts";

/** Somebody who waits for messages. */
interface Waiter<T, M> {
  readonly max: number;
  /** When the waiting is over, by the monotonic clock. */
  readonly until: number;
  readonly visibilityTimeoutMs: number;
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
  /** Picked, and not on record yet. */
  readonly #picked = new Set<number>();
  readonly #poke = new Signal();
  #waiters: Waiter<T, M>[] = [];
  #isServing = false;
  #isEnded = false;

  constructor(
    home: Home<T, M>,
    deliveries: Deliveries<T, M>,
    options: CheckedOptions<T>,
  ) {
    this.#home = home;
    this.#deliveries = deliveries;
    this.#options = options;
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
    const waiting = Promise.withResolvers<QueueMessage<T, M>[]>();
    const { promise, resolve, reject } = waiting;
    const waiter = {
      max,
      until: this.#now() + waitMs,
      visibilityTimeoutMs: timeoutMs,
      resolve,
      reject,
    };
    this.#waiters.push(waiter);
    this.#poke.fire();
    this.#serve();
    if (signal === undefined) return promise;
    const abort = () => {
      // One that is being served has messages on their way.
      if (!this.#waiters.includes(waiter)) return;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      this.#poke.fire();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    return promise.finally(() => signal.removeEventListener("abort", abort));
  }

  /** Serves nobody any more. */
  end(): void {
    this.#isEnded = true;
    this.#poke.fire();
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#waiters.length > 0) {
        if (this.#home.failure !== undefined) throw this.#home.failure;
        // Whatever happens from here on is looked at in the next round.
        const events = [this.#home.changed, this.#poke.next];
        await this.#deliveries.takeBackDue();
        if (await this.#deliver()) continue;
        this.#dismiss();
        if (this.#waiters.length > 0) await this.#wakeUp(events);
      }
    } catch (error) {
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    } finally {
      this.#isServing = false;
    }
  }

  /** Serves the waiters, in order, as far as there are messages; says whether there were. */
  async #deliver(): Promise<boolean> {
    const picked = this.#pick(await this.#home.readable());
    if (picked.length === 0) return false;
    this.#waiters.splice(0, picked.length);
    const all = picked.flatMap(({ ids }) => ids);
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#home.enter({ receive: all }, false);
    } catch (error) {
      failure = { error };
    }
    for (const id of all) this.#picked.delete(id);
    if (failure === undefined) {
      for (const each of picked) await this.#hand(each);
      return true;
    }
    for (const { waiter } of picked) waiter.reject(failure.error);
    const lines = linesOf(await this.#home.readable());
    for (const id of all) lines.putBack(id);
    return true;
  }

  #pick(ledger: Ledger<T>): Picked<T, M>[] {
    const picked: Picked<T, M>[] = [];
    if (ledger.paused || this.#isEnded) return picked;
    const lines = linesOf(ledger);
    const now = this.#home.now();
    for (const waiter of this.#waiters) {
      const ids: number[] = [];
      while (ids.length < waiter.max) {
        const message = lines.next(now, (id) => this.#picked.has(id));
        if (message === undefined) break;
        this.#picked.add(message.id);
        ids.push(message.id);
      }
      if (ids.length === 0) break;
      picked.push({ waiter, ids });
    }
    return picked;
  }

  async #hand({ waiter, ids }: Picked<T, M>): Promise<void> {
    const messages: QueueMessage<T, M>[] = [];
    try {
      for (const id of ids) {
        const message = await this.#deliveries.give(
          id,
          waiter.visibilityTimeoutMs,
        );
        if (message !== undefined) messages.push(message);
      }
    } catch (error) {
      // What was given already is not to be kept from the consumer.
      if (messages.length === 0) return waiter.reject(error);
    }
    if (messages.length > 0) waiter.resolve(messages);
    else this.#waiters.unshift(waiter);
  }

  /** Lets those go whose time is up. */
  #dismiss(): void {
    const now = this.#now();
    const isOver = ({ until }: Waiter<T, M>) =>
      until <= now || this.#isEnded || this.#home.isClosed;
    const over = this.#waiters.filter(isOver);
    this.#waiters = this.#waiters.filter((waiter) => !isOver(waiter));
    for (const { resolve } of over) resolve([]);
  }

  /** Resolves when one of the events has come, or a time. */
  async #wakeUp(events: Promise<void>[]): Promise<void> {
    const ledger = await this.#home.readable();
    const now = this.#now();
    let until = this.#deliveries.nextDeadline;
    if (!ledger.paused) {
      const delayMs = linesOf(ledger).nextDue - this.#home.now();
      until = Math.min(until, now + delayMs);
    }
    for (const waiter of this.#waiters) until = Math.min(until, waiter.until);
    const stop = new AbortController();
    if (until < Infinity) {
      const ms = Math.max(0, Math.ceil(until - now));
      events.push(this.#options.clock.sleep(ms, stop.signal));
    }
    await Promise.race(events);
    stop.abort();
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
