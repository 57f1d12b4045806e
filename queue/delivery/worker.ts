import { onAbort } from "../../base/abort.ts";
import { MiniError } from "../../base/errors.ts";
import { exponentialBackoff } from "./backoff.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LedgerEntry, Settlement } from "../ledger/entry.ts";
import { receiptExpired } from "../ledger/ledger.ts";
import type { QueueMessage } from "./message.ts";
import { checkDelay, type CheckedOptions } from "../options.ts";
import { describe, loggedError } from "./reason.ts";

/**
 * Thrown by a handler: the message is delivered again after a while, and this
 * delivery does not count.
 *
 * @example Try again when the network is back
 * ```ts
 * import { RetryLaterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new RetryLaterError(5_000).delayMs, 5_000);
 * ```
 */
export class RetryLaterError extends Error {
  /** How long to wait, in milliseconds. */
  readonly delayMs: number;

  /**
   * Creates one.
   *
   * @param delayMs How long to wait, in milliseconds.
   * @param reason Why.
   */
  constructor(delayMs: number, reason: string = "to be tried again later") {
    checkDelay("delayMs", delayMs);
    super(reason);
    this.name = "RetryLaterError";
    this.delayMs = delayMs;
  }
}

/**
 * Thrown by a handler: the message is dead, whatever deliveries were left.
 *
 * @example Give up what can never succeed
 * ```ts
 * import { DeadLetterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new DeadLetterError("no such address").message, "no such address");
 * ```
 */
export class DeadLetterError extends Error {
  /**
   * Creates one.
   *
   * @param reason Why.
   */
  constructor(reason: string) {
    super(reason);
    this.name = "DeadLetterError";
  }
}

/** What a handler is given beside the message. */
export interface HandlerContext {
  /** Aborted when the delivery is lost, or the work is to stop. */
  readonly signal: AbortSignal;
}

/**
 * Does what a message asks for. The message is acknowledged when it returns, and given back when it throws.
 *
 * @example Try again later, or never
 * ```ts
 * import { DeadLetterError, type Handler, MiniQueue, RetryLaterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const handle: Handler<{ to: string }> = ({ payload, attempts }) => {
 *   if (payload.to === "") throw new DeadLetterError("no address");
 *   if (attempts === 1) throw new RetryLaterError(0, "the line is busy");
 * };
 * await using queue = await MiniQueue.open<{ to: string }>(await Deno.makeTempDir());
 * await queue.enqueue({ to: "" });
 * const stop = new AbortController();
 * await queue.work(async (message, context) => {
 *   stop.abort();
 *   await handle(message, context);
 * }, { signal: stop.signal });
 * assertEquals((await queue.deadLetters())[0]?.reason, "no address");
 * ```
 */
export type Handler<T, M = LedgerEntry<T>> = (
  message: QueueMessage<T, M>,
  context: HandlerContext,
) => unknown;

/** How to work. */
export interface WorkOptions {
  /** How many handlers run at a time. @default {1} */
  concurrency?: number;
  /** Ends the work, once the handlers that run have ended. */
  signal?: AbortSignal;
  /** How long a handler may run, in milliseconds: then its delivery is lost, and `signal` tells it. @default {Infinity} */
  handlerTimeoutMs?: number;
  /** How long to wait, on stopping and after a time-out, for handlers to end, in milliseconds. @default {30_000} */
  stopTimeoutMs?: number;
}

/** How a handler has ended. */
type Outcome = { readonly error?: unknown };

/** A handler that runs. */
interface Running {
  /** Tells it to stop. */
  readonly stop: AbortController;
  /** Ends the wait for it: to take too long, or to end after that. */
  readonly timer: AbortController;
}

/** How long to wait where nothing can be put on record. */
const PAUSE = exponentialBackoff({ firstMs: 100, maxMs: 10_000 });

/** Receives and handles messages, so many at a time, until it is stopped. */
export class Work<T, M> {
  readonly #dispatcher: Dispatcher<T, M>;
  readonly #deliveries: Deliveries<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #handler: Handler<T, M>;
  readonly #limits: Required<Omit<WorkOptions, "signal">>;
  readonly #stop = new AbortController();
  /** What is being handled. */
  readonly #running = new Map<QueueMessage<T, M>, Running>();
  #failure: { readonly error: unknown } | undefined;
  /** How often in a row nothing could be put on record. */
  #troubles = 0;
  /** While nothing can be, all wait together. */
  #pause: Promise<void> | undefined;

  constructor(
    { dispatcher, deliveries, options }: {
      readonly dispatcher: Dispatcher<T, M>;
      readonly deliveries: Deliveries<T, M>;
      readonly options: CheckedOptions<T>;
    },
    handler: Handler<T, M>,
    limits: Required<Omit<WorkOptions, "signal">>,
  ) {
    this.#dispatcher = dispatcher;
    this.#deliveries = deliveries;
    this.#options = options;
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Works; resolves when it was stopped, rejects when it cannot go on. */
  async run(): Promise<void> {
    const { concurrency, stopTimeoutMs } = this.#limits;
    const { signal } = this.#stop;
    const workers = Array.from({ length: concurrency }, () => this.#worker());
    const stopped = new Promise<void>((resolve) => onAbort(signal, resolve));
    const allEnded = Promise.allSettled(workers);
    await Promise.race([allEnded, stopped]);
    const timer = new AbortController();
    await Promise.race([
      allEnded.then(() => timer.abort()),
      this.#options.clock.sleep(stopTimeoutMs, timer.signal),
    ]);
    timer.abort();
    // Nobody waits for these any more: they run out as any other delivery.
    for (const [message, { timer }] of this.#running) {
      timer.abort();
      this.#deliveries.letRunOut(message);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Ends the work. */
  stop(): void {
    const reason = new Error("the work is stopping");
    this.#stop.abort(reason);
    for (const running of this.#running.values()) running.stop.abort(reason);
  }

  async #worker(): Promise<void> {
    try {
      for (;;) {
        const message = await this.#next();
        if (message === undefined) break;
        await this.#settled(
          message,
          this.#isStopped
            ? message.nack({ countAttempt: false })
            : this.#handle(message),
        );
      }
    } catch (error) {
      this.#failure ??= { error };
      this.stop();
    }
  }

  async #next(): Promise<QueueMessage<T, M> | undefined> {
    const { signal } = this.#stop;
    if (signal.aborted) return undefined;
    try {
      // While its handler runs, a message is kept from running out.
      const held = { waitMs: Infinity, visibilityTimeoutMs: Infinity };
      const receive = () => this.#dispatcher.receive(1, { ...held, signal });
      return (await this.#patiently(receive))[0];
    } catch (error) {
      if (error === signal.reason || this.#isPassedOver(error)) {
        return undefined;
      }
      throw error;
    }
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Puts something on record: waits, and tries again, for as long as that fails for what may pass, as a full disk does. */
  async #patiently<R>(task: () => Promise<R>): Promise<R> {
    for (;;) {
      try {
        const result = await task();
        this.#troubles = 0;
        return result;
      } catch (error) {
        if (this.#isStopped || !mayPass(error)) throw error;
        await (this.#pause ??= this.#waitOut(error));
      }
    }
  }

  async #waitOut(error: unknown): Promise<void> {
    this.#options.onError(error);
    const ms = PAUSE(++this.#troubles);
    await this.#options.clock.sleep(ms, this.#stop.signal);
    this.#pause = undefined;
  }

  /** Whether a work that is stopped is none the worse for what has failed; tells it. */
  #isPassedOver(error: unknown): boolean {
    if (!this.#isStopped || !mayPass(error)) return false;
    this.#options.onError(error);
    return true;
  }

  async #handle(message: QueueMessage<T, M>): Promise<void> {
    const stop = new AbortController();
    const running = { stop, timer: new AbortController() };
    this.#running.set(message, running);
    this.#deliveries.onLost(
      message,
      () => stop.abort(receiptExpired(message.id, "go on with")),
    );
    try {
      const ended = this.#run(message, stop.signal);
      const { handlerTimeoutMs } = this.#limits;
      await this.#endsWithin(handlerTimeoutMs, ended, running);
      // Also stopped where the work does not wait for it any more.
      if (running.timer.signal.aborted) {
        await this.#settle(message, await ended);
      } else await this.#takeBack(message, ended, running);
    } finally {
      this.#running.delete(message);
    }
  }

  /** Takes a message from a handler that has taken too long, once that has ended, or is given up. */
  async #takeBack(
    message: QueueMessage<T, M>,
    ended: Promise<Outcome>,
    running: Running,
  ): Promise<void> {
    const { handlerTimeoutMs, stopTimeoutMs } = this.#limits;
    let lost = this.#deliveries.lose(message);
    if (!await this.#endsWithin(stopTimeoutMs, ended, running)) {
      this.#options.onError(
        new Error(
          `The handler of message ${message.id} goes on after its signal was aborted; it is given up, and its message is free`,
        ),
      );
    }
    // It may have settled its message itself, have failed, or be about to.
    lost ??= this.#deliveries.lose(message);
    if (lost === undefined) return this.#deliveries.letRunOut(message);
    const reason = `its handler took longer than ${handlerTimeoutMs} ms`;
    try {
      const due = this.#deliveries.dueAfter(this.#backoff(message));
      await this.#patiently(() =>
        this.#deliveries.takeBack([lost], { due, reason })
      );
    } catch (error) {
      this.#deliveries.takeUntilNow([lost]);
      throw error;
    }
  }

  #backoff({ attempts }: QueueMessage<T, M>): number {
    const ms = this.#options.backoff(attempts);
    checkDelay("backoff", ms);
    return ms;
  }

  /** Passes over a delivery that somebody has settled already, or may settle by now. */
  async #settled(
    message: QueueMessage<T, M>,
    task: Promise<void>,
  ): Promise<void> {
    try {
      await task;
    } catch (error) {
      const isLost = error instanceof MiniError &&
        error.code === "RECEIPT_EXPIRED";
      // Also where it is being settled, which may fail.
      this.#deliveries.letRunOut(message);
      if (!isLost && !this.#isPassedOver(error)) throw error;
    }
  }

  async #run(
    message: QueueMessage<T, M>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    try {
      await this.#handler(message, { signal });
      return {};
    } catch (error) {
      return { error };
    }
  }

  /** Waits for a handler to end, and for no longer than that, or than its timer runs; says whether it has ended. */
  async #endsWithin(
    ms: number,
    ended: Promise<Outcome>,
    { timer }: Running,
  ): Promise<boolean> {
    let hasEnded = false;
    const end = ended.then(() => {
      hasEnded = true;
      // With a reason: the error that is made without one costs more than all the rest.
      timer.abort("ended");
    });
    if (ms === Infinity) await end;
    else await Promise.race([end, this.#options.clock.sleep(ms, timer.signal)]);
    return hasEnded;
  }

  #settle(message: QueueMessage<T, M>, outcome: Outcome): Promise<void> {
    return this.#patiently(() => this.#settleOnce(message, outcome));
  }

  async #settleOnce(
    message: QueueMessage<T, M>,
    outcome: Outcome,
  ): Promise<void> {
    if (!("error" in outcome)) return await message.ack();
    const { error } = outcome;
    const reason = describe(error);
    if (isA(error, RetryLaterError)) {
      const { delayMs } = error;
      return await message.nack({ delayMs, reason, countAttempt: false });
    }
    const isLast = isA(error, DeadLetterError);
    // It may have failed for no other reason than that it was to stop.
    if (this.#isStopped && !isLast) {
      return await message.nack({ reason, countAttempt: false });
    }
    const { id, receipt } = message;
    const settlement: Settlement = isLast
      ? { id, receipt, as: "dead", reason }
      : this.#deliveries.returned(message, {
        due: this.#deliveries.dueAfter(this.#backoff(message)),
        reason,
      });
    const isDead = settlement.as === "dead";
    await this.#deliveries.settle({
      ...settlement,
      ...(isDead && { error: loggedError(error) }),
    }, "settle");
  }
}

/** Whether what has failed may do better another time. */
function mayPass(error: unknown): boolean {
  const never = ["CLOSED", "POISONED", "RECEIPT_EXPIRED"];
  return error instanceof MiniError && !never.includes(error.code);
}

/** Whether a handler has thrown one of these; it may throw what throws when it is asked. */
function isA<E>(error: unknown, kind: new (...args: never[]) => E): error is E {
  try {
    return error instanceof kind;
  } catch {
    return false;
  }
}
