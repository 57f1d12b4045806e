import { createInbox, type Msg } from "@nats-io/nats-core";
import { onAbort } from "../../../base/abort.ts";
import { hasCode } from "../../../base/errors.ts";
import { withResolvers } from "../../../base/promise.ts";
import { systemClock } from "../../../queue/mod.ts";
import type { Calls } from "./calls.ts";
import type { Names } from "./names.ts";

/** A body that no server takes for a request, and that each answers. */
const NO_REQUEST = '{"batch":"none"}';

/** The result of one request for messages. */
export interface Pulled {
  readonly messages: readonly Msg[];
  /** Whether the servers have answered at all. */
  readonly isAnswered: boolean;
}

/** Asks the consumer for messages. */
export class Puller {
  readonly #calls: Calls;
  readonly #subject: string;

  constructor(calls: Calls, { stream, consumer }: Names) {
    this.#calls = calls;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  }

  /** Throws `PERMISSION` if the user may not ask: nobody answers such a request. */
  async assertAllowed(): Promise<void> {
    await this.#calls.patiently(
      "receive",
      () => this.#calls.request(this.#subject, NO_REQUEST),
      { forMs: 0 },
    ).catch((error) => {
      if (hasCode(error, "PERMISSION")) throw error;
    });
  }

  /**
   * Asks once for up to `max` messages: for those that are there, or, with
   * `waitMs`, for those that come within that time.
   *
   * @param late Called with a message that comes when nobody waits any more.
   */
  async pull(
    max: number,
    { waitMs = 0, signal, late }: {
      readonly waitMs?: number;
      readonly signal: AbortSignal;
      readonly late: (message: Msg) => void;
    },
  ): Promise<Pulled> {
    const { nc, requestTimeoutMs } = this.#calls;
    if (nc.isClosed()) return { messages: [], isAnswered: false };
    const messages: Msg[] = [];
    const { promise: answered, resolve } = withResolvers<boolean>();
    let [isOver, isDone] = [false, false];
    const end = (isGood: boolean) => {
      isDone = true;
      resolve(isGood);
    };
    const options = (nc as { options?: { inboxPrefix?: string } }).options;
    const sub = nc.subscribe(createInbox(options?.inboxPrefix), {
      callback: (error, message) => {
        if (error !== null) return resolve(false);
        const isMessage = message.reply?.startsWith("$JS.ACK.") ?? false;
        if (!isMessage) return end(message.headers?.code !== 503);
        if (isOver) return late(message);
        messages.push(message);
        if (messages.length === max) end(true);
      },
    });
    const wait = waitMs > 0 ? { expires: waitMs * 1e6 } : { no_wait: true };
    nc.publish(this.#subject, JSON.stringify({ batch: max, ...wait }), {
      reply: sub.getSubject(),
    });
    const timer = new AbortController();
    const letGo = onAbort(signal, () => resolve(true));
    if (signal.aborted) resolve(true);
    const isAnswered = await Promise.race([
      answered,
      systemClock.sleep(waitMs + requestTimeoutMs, timer.signal)
        .then(() => messages.length > 0),
    ]);
    timer.abort("over");
    letGo();
    isOver = true;
    if (isDone) sub.unsubscribe();
    // What is on its way comes before this ends.
    else await sub.drain().catch(() => {});
    return { messages, isAnswered };
  }
}
