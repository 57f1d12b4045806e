import {
  type Channel,
  channel,
  type TracingChannel,
  tracingChannel,
} from "node:diagnostics_channel";

/** Changes a message, unless a subscriber has frozen it: that must not fail the operation. */
export function quietly<M, V>(
  change: (message: M, value: V) => void,
  message: M,
  value: V,
): void {
  try {
    change(message, value);
  } catch {
    // It stays as it is.
  }
}

function setError(message: object, error: unknown): void {
  Object.assign(message, { error });
}

/**
 * An operation that is told of on a tracing channel: when it starts, and when it
 * has succeeded or failed. All its events carry the same message.
 */
export class Trace<M extends object> {
  readonly #channel: TracingChannel<unknown, M>;

  /** @param name The channel, as `"mini-state:commit"`; its events have `tracing:` before it. */
  constructor(name: string) {
    this.#channel = tracingChannel(name);
  }

  /** Whether anybody listens. */
  get isObserved(): boolean {
    // Bun before 1.4 does not say it of a tracing channel as a whole.
    const { start, end, asyncStart, asyncEnd, error } = this.#channel;
    return start.hasSubscribers || asyncEnd.hasSubscribers ||
      error.hasSubscribers || end.hasSubscribers || asyncStart.hasSubscribers;
  }

  /**
   * Runs an operation and tells of it. Of one that returns no promise everything
   * is told before it returns; if it throws, as {@linkcode Trace.begin} says.
   *
   * @param about Makes the message; called only if somebody listens.
   * @param run The operation. It gets no message if nobody listens.
   * @param complete Adds what the message says once the operation has succeeded.
   */
  run<T>(
    about: () => M,
    run: (message?: M) => Promise<T>,
    complete?: (message: M, result: T) => void,
  ): Promise<T>;
  run<T>(
    about: () => M,
    run: (message?: M) => T | Promise<T>,
    complete?: (message: M, result: T) => void,
  ): T | Promise<T>;
  run<T>(
    about: () => M,
    run: (message?: M) => T | Promise<T>,
    complete?: (message: M, result: T) => void,
  ): T | Promise<T> {
    if (!this.isObserved) return run();
    const message = about();
    const succeed = (result: T) => {
      if (complete !== undefined) quietly(complete, message, result);
      this.succeed(message);
      return result;
    };
    // `tracePromise` would put the result into the message.
    return this.begin(message, () => {
      const result = run(message);
      if (!(result instanceof Promise)) return succeed(result);
      return result.then(succeed, (cause) => {
        this.fail(message, cause);
        throw cause;
      });
    });
  }

  /** Runs a synchronous operation and tells of it: its only events are `start`, `end` and `error`. */
  runSync<T>(about: () => M, run: () => T): T {
    return this.isObserved ? this.begin(about(), run) : run();
  }

  /**
   * Tells that an operation starts, and runs the part of it that is synchronous.
   * How the rest ends is told by {@linkcode Trace.succeed} or {@linkcode Trace.fail};
   * if `run` throws, nothing is left to tell.
   */
  begin<T>(message: M, run: (message: M) => T): T {
    const { start } = this.#channel;
    // Not a closure: there may be one for each caller that waits.
    return start.runStores(message, this.#runTold<T>, this, message, run);
  }

  #runTold<T>(message: M, run: (message: M) => T): T {
    try {
      return run(message);
    } catch (cause) {
      this.#tellError(message, cause);
      throw cause;
    } finally {
      this.#channel.end.publish(message);
    }
  }

  /** Tells that an operation has succeeded. */
  succeed(message: M): void {
    this.#tellEnd(message);
  }

  /** Tells that an operation has failed. */
  fail(message: M, cause: unknown): void {
    this.#tellError(message, cause);
    this.#tellEnd(message);
  }

  #tellEnd(message: M): void {
    this.#channel.asyncStart.publish(message);
    this.#channel.asyncEnd.publish(message);
  }

  #tellError(message: M, cause: unknown): void {
    quietly(setError, message, cause);
    this.#channel.error.publish(message);
  }
}

/** Something that happens, and is told of on a channel. */
export class Point<M extends object> {
  readonly #channel: Channel;

  /** @param name The channel, as `"mini-state:poisoned"`. */
  constructor(name: string) {
    this.#channel = channel(name);
  }

  /** Tells those who listen; `about` is called only if somebody does. */
  tell(about: () => M): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(about());
  }
}
