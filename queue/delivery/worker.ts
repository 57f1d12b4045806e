import { onAbort } from "../../base/abort.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { withResolvers } from "../../base/promise.ts";
import { exponentialBackoff } from "./backoff.ts";
import type { PoolLimits } from "./handler.ts";
import { DeadLetterError, isA, RetryLaterError } from "./errors.ts";
import { checkDelay, type CheckedOptions } from "../options.ts";
import { describe } from "./reason.ts";
import {
  callWithin,
  type ProcessEvent,
  processTold,
} from "../telemetry/process.ts";
import type { Workable, WorkSource } from "./work_source.ts";

/** How a handler ended. */
type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** A running handler. */
interface Running extends ProcessEvent {
  /** Tells the handler to stop. */
  readonly stop: AbortController;
  /** Ends the waiting for its timeout, or for its end. */
  readonly timer: AbortController;
}

/** How long to wait while nothing can be logged. */
const PAUSE = exponentialBackoff({ firstMs: 100, maxMs: 10_000 });

/** The options of a queue that its workers need. */
export type PoolOptions = Pick<
  CheckedOptions<never>,
  "backoff" | "clock" | "onError"
>;

/** Receives and handles messages, up to `concurrency` at a time, until it is stopped. */
export class WorkerPool<D extends Workable> {
  readonly #source: WorkSource<D>;
  readonly #options: PoolOptions;
  readonly #handler: (message: D, signal: AbortSignal) => unknown;
  readonly #limits: PoolLimits;
  readonly #stop = new AbortController();
  /** The handlers that run, by message. */
  readonly #running = new Map<D, Running>();
  #failure: { readonly error: unknown } | undefined;
  /** The number of consecutive failures to log something. */
  #troubles = 0;
  /** The pause that all workers share after such a failure. */
  #pause: Promise<void> | undefined;

  constructor(
    source: WorkSource<D>,
    options: PoolOptions,
    handler: (message: D, signal: AbortSignal) => unknown,
    limits: PoolLimits,
  ) {
    this.#source = source;
    this.#options = options;
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Runs the workers. Resolves when they were stopped, rejects when they cannot continue. */
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
    // Nobody waits for these any longer: they time out like any other delivery.
    for (const [message, { timer, giveUp }] of this.#running) {
      timer.abort();
      giveUp?.();
      this.#source.letRunOut(message);
      this.#source.leave(message);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The number of handlers that run. */
  get running(): number {
    return this.#running.size;
  }

  /** Stops the workers, once their handlers have ended. */
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
        await (this.#isStopped
          ? this.#settled(message, this.#source.giveBack(message))
          : this.#process(message));
      }
    } catch (error) {
      this.#failure ??= { error };
      this.stop();
    }
  }

  async #next(): Promise<D | undefined> {
    const { signal } = this.#stop;
    if (signal.aborted) return undefined;
    try {
      const { untilEmpty } = this.#limits;
      return await this.#patiently(() => this.#source.next(signal, untilEmpty));
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

  /** Runs a task that logs something. Retries it while it fails for a reason that may pass, such as a full disk. */
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

  /** Whether a failure does not matter because the work is stopping. Reports it if so. */
  #isPassedOver(error: unknown): boolean {
    if (!this.#isStopped || !mayPass(error)) return false;
    this.#options.onError(error);
    return true;
  }

  /** Handles a message, and tells of it. */
  #process(message: D): Promise<void> {
    const [stop, timer] = [new AbortController(), new AbortController()];
    const running: Running = { stop, timer };
    return processTold(
      () => this.#source.told?.(message),
      running,
      () => this.#settled(message, this.#handle(message, running)),
    );
  }

  async #handle(message: D, running: Running): Promise<void> {
    const { stop } = running;
    const cancelled = withResolvers<void>();
    const isThere = this.#source.attend(message, {
      onCancel(why, as) {
        running.ended = as;
        stop.abort(why);
        cancelled.resolve();
      },
      onLost: (why) => stop.abort(why),
    });
    if (!isThere) return;
    this.#running.set(message, running);
    try {
      const ended = this.#run(message, running);
      const { handlerTimeoutMs } = this.#limits;
      const ends = this.#endsWithin(handlerTimeoutMs, ended, running);
      await Promise.race([ends, cancelled.promise]);
      // `run` aborts the timer too, when it waits no longer.
      if (running.timer.signal.aborted) {
        const outcome = await ended;
        // A cancellation was called before this, and may fail.
        await this.#source.cancelling(message)?.catch(() => {});
        await this.#settle(message, outcome);
      } else await this.#takeBack(message, ended, running);
    } finally {
      this.#running.delete(message);
      running.timer.abort("over");
      this.#source.leave(message);
    }
  }

  /** Waits for the end of a handler that was told to stop, and gives it up after a while. */
  async #giveTime(
    { id }: D,
    ended: Promise<Outcome>,
    running: Running,
  ): Promise<void> {
    const { stopTimeoutMs } = this.#limits;
    if (await this.#endsWithin(stopTimeoutMs, ended, running)) return;
    this.#options.onError(
      new Error(
        `The handler of message ${id} still runs after its signal was aborted; it is given up, and its message is free`,
      ),
    );
  }

  /** Takes back the message of a handler that timed out, or whose message was cancelled, once the handler has ended or is given up. */
  async #takeBack(
    message: D,
    ended: Promise<Outcome>,
    running: Running,
  ): Promise<void> {
    const { handlerTimeoutMs } = this.#limits;
    let isLost = this.#source.lose(message);
    await this.#giveTime(message, ended, running);
    // The handler may have settled its message itself, or may be settling it.
    isLost ||= this.#source.lose(message);
    if (!isLost) return this.#source.letRunOut(message);
    running.ended = "timedOut";
    const reason = `its handler took longer than ${handlerTimeoutMs} ms`;
    try {
      const delayMs = this.#backoff(message);
      await this.#patiently(() =>
        this.#source.takeBack(message, { delayMs, reason })
      );
    } catch (error) {
      this.#source.timeOut(message);
      throw error;
    }
  }

  #backoff({ attempts }: D): number {
    const ms = this.#options.backoff(attempts);
    checkDelay("backoff", ms);
    return ms;
  }

  /** Waits for a task that settles a message. Ignores that the delivery was already settled. */
  async #settled(
    message: D,
    task: Promise<void>,
  ): Promise<void> {
    try {
      await task;
    } catch (error) {
      const isLost = hasCode(error, "RECEIPT_EXPIRED");
      // Also while it is being settled: that may fail.
      this.#source.letRunOut(message);
      if (!isLost && !this.#isPassedOver(error)) throw error;
    }
  }

  async #run(
    message: D,
    { stop: { signal }, told }: Running,
  ): Promise<Outcome> {
    const { clock, onError } = this.#options;
    const start = clock.monotonic();
    try {
      const call = () => this.#handler(message, signal);
      return { result: await callWithin(told?.within, call, onError) };
    } catch (error) {
      return { error };
    } finally {
      this.#source.handled?.(clock.monotonic() - start);
    }
  }

  /** Waits until a handler ends, its time is up, or its timer is aborted. Returns whether it has ended. */
  async #endsWithin(
    ms: number,
    ended: Promise<Outcome>,
    { timer }: Running,
  ): Promise<boolean> {
    let hasEnded = false;
    const end = ended.then(() => {
      hasEnded = true;
      // With a reason: creating the default one is expensive.
      timer.abort("ended");
    });
    if (ms === Infinity) await end;
    else await Promise.race([end, this.#options.clock.sleep(ms, timer.signal)]);
    return hasEnded;
  }

  #settle(
    message: D,
    outcome: Outcome,
  ): Promise<void> {
    return this.#patiently(() => this.#settleOnce(message, outcome));
  }

  async #settleOnce(
    message: D,
    outcome: Outcome,
  ): Promise<void> {
    if ("result" in outcome) {
      return await this.#source.done(message, outcome.result);
    }
    const { error } = outcome;
    const reason = describe(error);
    if (isA(error, RetryLaterError)) {
      const { delayMs } = error;
      return await this.#source.giveBack(message, { delayMs, reason });
    }
    if (isA(error, DeadLetterError)) {
      return await this.#source.bury(message, reason, error);
    }
    // It may have failed only because it was told to stop.
    if (this.#isStopped) {
      return await this.#source.giveBack(message, { reason });
    }
    const delayMs = this.#backoff(message);
    await this.#source.retry(message, { delayMs, reason }, error);
  }
}

/** Whether a failure may pass. */
function mayPass(error: unknown): boolean {
  const never = ["CLOSED", "POISONED", "DEPOSED", "RECEIPT_EXPIRED"];
  return error instanceof MiniError && !never.includes(error.code);
}
