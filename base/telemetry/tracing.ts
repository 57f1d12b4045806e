import {
  type Channel,
  channel,
  type TracingChannel,
  tracingChannel,
} from "node:diagnostics_channel";

/** Changes a message, unless a subscriber has frozen it: that must not fail the operation. */
export function quietly(change: () => void): void {
  try {
    change();
  } catch {
    // It stays as it is.
  }
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
   * Runs an operation and tells of it.
   *
   * @param about Makes the message; called only if somebody listens.
   * @param run The operation. It gets no message if nobody listens.
   * @param complete Adds what the message says once the operation has succeeded.
   */
  run<T>(
    about: () => M,
    run: (message?: M) => Promise<T>,
    complete?: (message: M, result: T) => void,
  ): Promise<T> {
    if (!this.isObserved) return run();
    const message: M & { error?: unknown } = about();
    const { start, end, asyncStart, asyncEnd, error } = this.#channel;
    const fail = (cause: unknown) => {
      quietly(() => message.error = cause);
      error.publish(message);
    };
    const settle = () => {
      asyncStart.publish(message);
      asyncEnd.publish(message);
    };
    // `tracePromise` would put the result into the message.
    return start.runStores(message, () => {
      try {
        return run(message).then((result) => {
          quietly(() => complete?.(message, result));
          settle();
          return result;
        }, (cause) => {
          fail(cause);
          settle();
          throw cause;
        });
      } catch (cause) {
        fail(cause);
        throw cause;
      } finally {
        end.publish(message);
      }
    });
  }

  /** Runs a synchronous operation and tells of it: its only events are `start`, `end` and `error`. */
  runSync<T>(about: () => M, run: () => T): T {
    if (!this.isObserved) return run();
    const message: M & { error?: unknown } = about();
    const { start, end, error } = this.#channel;
    // `traceSync` would put the result into the message.
    return start.runStores(message, () => {
      try {
        return run();
      } catch (cause) {
        quietly(() => message.error = cause);
        error.publish(message);
        throw cause;
      } finally {
        end.publish(message);
      }
    });
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
