import { assertOptions } from "../../base/checks.ts";
import { checkReason, checkSpan, NACK_CHECKS } from "../../queue/internal.ts";
import type {
  MessageHeaders,
  NackOptions,
  ReceivedMessage,
} from "../../queue/mod.ts";
import type { Hold, Receipts } from "./receipts.ts";
import { unsupported } from "./wire/unsupported.ts";

/** The parts of a queue that settle a delivery. */
export interface Settler {
  readonly receipts: Receipts;
  readonly maxAttempts: number;
  /** Stores the dead letter of a delivery. */
  bury(
    delivery: Buried,
    reason: string,
    error?: unknown,
  ): Promise<void>;
}

/** A delivery that becomes a dead letter. */
export interface Buried {
  readonly hold: Hold;
  /** How often the message was delivered, this time included. */
  readonly attempts: number;
  readonly body: Uint8Array;
  readonly headers: MessageHeaders;
  readonly enqueuedAt: Date;
}

/** The delivery behind a message. */
export let deliveryOf: (message: JetStreamMessage<unknown>) => Buried;

/**
 * A delivery of a message of a {@linkcode JetStreamQueue}. The consumer holds it
 * until it is settled, or until its visibility timeout has passed by the clock
 * of this process: from then on settling it is `RECEIPT_EXPIRED`. With `await
 * using` it is given back at the end of the block unless it was settled.
 *
 * The servers enforce no receipts. A consumer whose clock stood still, as that
 * of a machine that was suspended, may acknowledge work that it has done while
 * another one has the message again.
 *
 * @typeParam T The payload of the message.
 *
 * @example Give it back for a second
 * ```ts ignore
 * await using message = await queue.receive({ waitMs: 5_000 });
 * if (message?.payload === "later") await message.nack({ delayMs: 1_000 });
 * else await message?.ack();
 * ```
 */
export class JetStreamMessage<T> implements ReceivedMessage<T> {
  readonly #settler: Settler;
  readonly #delivery: Buried;

  static {
    deliveryOf = (message) => message.#delivery;
  }

  /** Identifies the message: its number in the stream. */
  readonly id: number;
  /** Identifies this delivery among all of the queue. */
  readonly receipt: number;
  /** The content of the message. */
  readonly payload: T;
  /** The number of deliveries, this one included; all of them count. */
  readonly attempts: number;
  /** Always `undefined`: the servers keep no reason. */
  readonly lastFailure: undefined;
  /** Text that the producer has attached, by name. */
  readonly headers: MessageHeaders;
  /** When the message was enqueued, by the clock of the servers; if it was delayed or redriven, by that of the producer. */
  readonly enqueuedAt: Date;

  /** Only the queue creates deliveries. */
  constructor(settler: Settler, delivery: Buried, payload: T) {
    this.#settler = settler;
    this.#delivery = delivery;
    const { hold, headers, enqueuedAt } = delivery;
    this.id = hold.id;
    this.receipt = hold.receipt;
    this.payload = payload;
    this.attempts = hold.attempts;
    this.headers = headers;
    this.enqueuedAt = enqueuedAt;
  }

  /** Whether this delivery can still be settled, by the clock of this process. */
  get isCurrent(): boolean {
    return this.#settler.receipts.isCurrent(this.#delivery.hold);
  }

  /**
   * Acknowledges the message: it is gone, durably, once this resolves.
   *
   * @throws {MiniError} `RECEIPT_EXPIRED` if the delivery has ended.
   * `UNAVAILABLE` if no server has confirmed it until then: the message is
   * delivered again unless the servers know it.
   */
  ack(): Promise<void> {
    return this.#settle(
      "ack",
      (receipts, hold) => receipts.tell(hold, "+ACK", "ack"),
    );
  }

  /**
   * Gives the message back, to be delivered again at once or after `delayMs`, to
   * any consumer. After `maxAttempts` deliveries it becomes a dead letter
   * instead, with the reason; otherwise the servers keep no reason.
   *
   * @param options The delay, and the reason.
   * @throws {MiniError} As {@linkcode JetStreamMessage.ack}; `UNSUPPORTED` for
   * `countAttempt: false`.
   */
  async nack(options: NackOptions = {}): Promise<void> {
    assertOptions("nack()", options, NACK_CHECKS);
    const { delayMs = 0, countAttempt = true } = options;
    if (!countAttempt) {
      throw unsupported(
        "nack() with countAttempt: false",
        "every delivery counts: raise maxAttempts, or acknowledge the message and enqueue it again",
      );
    }
    const reason = checkReason(options.reason);
    const { maxAttempts } = this.#settler;
    if (this.attempts < maxAttempts) {
      return await this.#settle(
        "nack",
        (receipts, hold) => receipts.nack(hold, delayMs),
      );
    }
    await this.#bury("nack", timesOf(this.attempts, reason));
  }

  /**
   * Makes the message a dead letter, durably.
   *
   * @param reason Why the message is dead.
   * @throws {MiniError} As {@linkcode JetStreamMessage.ack}.
   */
  async deadLetter(reason: string): Promise<void> {
    const why = checkReason(reason) ?? "no reason was given";
    await this.#bury("deadLetter", why);
  }

  /**
   * Moves the end of the visibility timeout; does nothing in a handler of
   * `work`, which has none. A time beyond the timeout is reached by extending
   * again and again, in the background.
   *
   * @param ms How long from now, in milliseconds. The message is not delivered
   * again before a whole visibility timeout has passed.
   * @throws {MiniError} As {@linkcode JetStreamMessage.ack}.
   */
  async extend(ms: number): Promise<void> {
    checkSpan("ms", ms);
    await this.#settler.receipts.extend(this.#delivery.hold, ms);
  }

  /** Gives the message back at once unless it was settled. The delivery counts. Never throws: otherwise it times out. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isCurrent) return;
    await this.nack({ reason: "its consumer did not settle it" })
      .catch(() => {});
  }

  #settle(
    doing: string,
    tell: (receipts: Receipts, hold: Hold) => Promise<void>,
  ): Promise<void> {
    const { hold } = this.#delivery;
    const { receipts } = this.#settler;
    return receipts.settle(hold, doing, () => tell(receipts, hold));
  }

  #bury(doing: string, reason: string): Promise<void> {
    const bury = () => this.#settler.bury(this.#delivery, reason);
    return this.#settle(doing, bury);
  }
}

/** The reason of a message that is dead because it was delivered too often. */
export function timesOf(attempts: number, reason?: string): string {
  const times = `delivered ${attempts} times`;
  return reason === undefined ? times : `${reason} (${times})`;
}
