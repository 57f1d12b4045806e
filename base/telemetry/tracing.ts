import {
  type Channel,
  channel,
  type TracingChannel,
  tracingChannel,
} from "node:diagnostics_channel";

/**
 * An operation that is told of on a tracing channel: when it starts, and when it
 * has succeeded or failed. All its events carry the same message.
 */
export class Trace<M extends object> {
  readonly #channel: TracingChannel<unknown, M>;
  readonly #channels: readonly Channel[];

  /** @param name The channel, as `"mini-state:commit"`; its events have `tracing:` before it. */
  constructor(name: string) {
    const all = this.#channel = tracingChannel(name);
    const { start, end, asyncStart, asyncEnd, error } = all;
    this.#channels = [start, end, asyncStart, asyncEnd, error];
  }

  /** Whether anybody listens. */
  get isObserved(): boolean {
    // Bun before 1.4 does not say it of a tracing channel as a whole.
    for (const each of this.#channels) {
      if (each.hasSubscribers) return true;
    }
    return false;
  }

  /**
   * Runs an operation and tells of it.
   *
   * @param about Makes the message; called only if somebody listens.
   * @param run The operation, which may complete the message. It gets none if nobody listens.
   */
  run<T>(about: () => M, run: (message?: M) => Promise<T>): Promise<T> {
    if (!this.isObserved) return run();
    const message = about();
    return this.#channel.tracePromise(() => run(message), message);
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
