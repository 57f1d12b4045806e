import { onAbort } from "../store/abort.ts";
import { MiniError } from "../store/errors.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LedgerEntry } from "./entry.ts";
import { receiptExpired } from "./ledger.ts";
import type { QueueMessage } from "./message.ts";
import { checkDelay, type CheckedOptions } from "./options.ts";
import { describe } from "./reason.ts";

/**
 * Thrown by a handler: the message is delivered again after a while, and this
 * delivery does not count.
 *
 * @example Try again when the network is back
 * ```ts
 * import { RetryLater } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new RetryLater(5_000).delayMs, 5_000);
 * ```
 */
export class RetryLater extends Error {
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
    this.name = "RetryLater";
    this.delayMs = delayMs;
  }
}

/**
 * Thrown by a handler: the message is dead, whatever deliveries were left.
 *
 * @example Give up what can never succeed
 * ```ts
 * import { DeadLetter } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new DeadLetter("no such address").message, "no such address");
 * ```
 */
export class DeadLetter extends Error {
  /**
   * Creates one.
   *
   * @param reason Why.
   */
  constructor(reason: string) {
    super(reason);
    this.name = "DeadLetter";
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
 * import { DeadLetter, type Handler, MiniQueue, RetryLater } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const handle: Handler<{ to: string }> = ({ payload, receives }) => {
 *   if (payload.to === "") throw new DeadLetter("no address");
 *   if (receives === 1) throw new RetryLater(0, "the line is busy");
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
  /** How long a handler may run, in milliseconds: then its delivery is lost. @default {Infinity} */
  handlerTimeoutMs?: number;
  /** How long to wait for handlers on stopping, in milliseconds. @default {30_000} */
  stopTimeoutMs?: number;
}

/** How a handler has ended. */
type Outcome = { readonly error?: unknown; readonly isLate?: boolean };

/** A handler that runs. */
interface Running {
  /** Tells it to stop. */
  readonly stop: AbortController;
  /** Ends the wait for it to take too long. */
  readonly timer: AbortController;
}

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
          this.#stop.signal.aborted ? message.release() : this.#handle(message),
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
      return (await this.#dispatcher.receive(1, { ...held, signal }))[0];
    } catch (error) {
      if (error === signal.reason) return undefined;
      throw error;
    }
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
      const outcome = await this.#outcome(message, running);
      if (!outcome.isLate) return await this.#settle(message, outcome);
      const { handlerTimeoutMs } = this.#limits;
      const reason = `its handler took longer than ${handlerTimeoutMs} ms`;
      await this.#deliveries.takeBack(message, reason);
    } finally {
      this.#running.delete(message);
    }
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
      if (isLost) return;
      this.#deliveries.letRunOut(message);
      throw error;
    }
  }

  async #outcome(
    message: QueueMessage<T, M>,
    { stop: { signal }, timer }: Running,
  ): Promise<Outcome> {
    const { handlerTimeoutMs } = this.#limits;
    const run = async (): Promise<Outcome> => {
      try {
        await this.#handler(message, { signal });
        return {};
      } catch (error) {
        return { error };
      }
    };
    const ended = run();
    if (handlerTimeoutMs === Infinity) return await ended;
    const isLate = this.#options.clock.sleep(handlerTimeoutMs, timer.signal)
      .then((): Outcome | Promise<Outcome> =>
        timer.signal.aborted ? ended : { isLate: true }
      );
    const outcome = await Promise.race([ended, isLate]);
    timer.abort();
    return outcome;
  }

  async #settle(message: QueueMessage<T, M>, outcome: Outcome): Promise<void> {
    if (!("error" in outcome)) return await message.ack();
    const { error } = outcome;
    const reason = describe(error);
    if (isA(error, DeadLetter)) return await message.bury(reason);
    if (isA(error, RetryLater)) {
      const { delayMs } = error;
      return await message.release({ delayMs, reason });
    }
    // It may have failed for no other reason than that it was to stop.
    if (this.#stop.signal.aborted) return await message.release({ reason });
    const delayMs = this.#options.backoff(message.receives);
    await message.nack({ delayMs, reason });
  }
}

/** Whether a handler has thrown one of these; it may throw what throws when it is asked. */
function isA<E>(error: unknown, kind: new (...args: never[]) => E): error is E {
  try {
    return error instanceof kind;
  } catch {
    return false;
  }
}
