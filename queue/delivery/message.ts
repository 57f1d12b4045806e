import { assertOptions } from "../../base/checks.ts";
import type {
  LedgerEntry,
  MessageHeaders,
  Settlement,
} from "../ledger/entry.ts";
import { copyOf } from "../../base/json.ts";
import type { Deliveries } from "./deliveries.ts";
import { type LedgerMessage, receiptExpired } from "../ledger/ledger.ts";
import { checkSpan, NACK_CHECKS, type NackOptions } from "../options.ts";
import { checkReason } from "./reason.ts";

/**
 * A delivery of a message. The consumer holds it until it is settled, or until
 * its visibility timeout has passed and the message is delivered again. With
 * `await using` it is given back at the end of the block unless it was settled.
 *
 * @typeParam T The payload of the message.
 * @typeParam R The result of the work.
 * @typeParam M A mutation of the state that holds the queue.
 *
 * @example Give it back, and get it again
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueue("hello");
 * const first = await queue.receive();
 * await first?.nack({ reason: "not now" });
 * const second = await queue.receive();
 * assertEquals([second?.attempts, second?.lastFailure], [2, "not now"]);
 * await second?.ack();
 * assertEquals(await queue.receive(), undefined);
 * ```
 */
export class QueueMessage<T, R = unknown, M = LedgerEntry<T>>
  implements AsyncDisposable {
  readonly #deliveries: Deliveries<T, M>;
  /** Identifies the message. */
  readonly id: number;
  /** Identifies this delivery of the message. Only the current delivery can be settled. */
  readonly receipt: number;
  /** The content of the message: a copy for this consumer alone. */
  readonly payload: T;
  /** The number of deliveries that count towards `maxAttempts`, this one included. */
  readonly attempts: number;
  /** The priority of the message. */
  readonly priority: number;
  /** The group of the message. */
  readonly group: string | undefined;
  /** Why the previous delivery failed. */
  readonly lastFailure: string | undefined;
  /** Text that the producer has attached, by name; a copy. */
  readonly headers: MessageHeaders;
  /** The occurrence of the schedule that enqueued the message. */
  readonly scheduledFor: Date | undefined;
  /** The last progress of earlier deliveries that is on record; a copy. */
  readonly progress: unknown;

  /** Only the queue creates deliveries. */
  constructor(
    deliveries: Deliveries<T, M>,
    message: LedgerMessage<T>,
    payload: T,
  ) {
    this.#deliveries = deliveries;
    this.id = message.id;
    this.receipt = message.receipt;
    this.payload = payload;
    this.attempts = message.attempts;
    this.priority = message.priority;
    this.group = message.group;
    this.lastFailure = message.reason;
    this.headers = { ...message.headers };
    this.progress = copyOf(message.progress);
    const { scheduledFor } = message;
    this.scheduledFor = scheduledFor === undefined
      ? undefined
      : new Date(scheduledFor);
  }

  /**
   * Acknowledges the message: it is done. The message is gone, durably, once this
   * resolves.
   *
   * @param result The result of the work, any JSON: kept where the queue has
   * `keepFinished`, and given to `outcome`. One that cannot be kept is told to
   * `onError`, and the message is acknowledged without it.
   * @throws {MiniError} `RECEIPT_EXPIRED` if this delivery is not the current
   * one; otherwise as `StateManager.apply`, and the message stays.
   */
  async ack(result?: R): Promise<void> {
    await this.#deliveries.settle(
      this.#deliveries.acks.acked(this, result),
      "ack",
    );
  }

  /**
   * Gives the message back, to be delivered again at once or after `delayMs`.
   * After `maxAttempts` deliveries that count it becomes a dead letter instead.
   * Durable once this resolves.
   *
   * @param options The delay, the reason, and whether this delivery counts.
   * @throws {MiniError} As {@linkcode QueueMessage.ack}.
   */
  async nack(options: NackOptions = {}): Promise<void> {
    assertOptions("nack()", options, NACK_CHECKS);
    await this.#deliveries.settle(this.#returned(options), "nack");
  }

  /**
   * Makes the message a dead letter: it is not delivered again unless it is
   * redriven. Durable once this resolves.
   *
   * @param reason Why the message is dead.
   * @throws {MiniError} As {@linkcode QueueMessage.ack}.
   */
  async deadLetter(reason: string): Promise<void> {
    const why = checkReason(reason) ?? "no reason was given";
    await this.#settle({ as: "dead", reason: why }, "deadLetter");
  }

  /**
   * Moves the end of the visibility timeout. Does nothing if the delivery has no
   * timeout, as in a handler of `work`.
   *
   * @param ms How long from now, in milliseconds.
   * @returns Resolves once it is moved.
   * @throws {MiniError} `RECEIPT_EXPIRED` if this delivery is not the current one.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async extend(ms: number): Promise<void> {
    checkSpan("ms", ms);
    if (this.isCurrent && this.#deliveries.extend(this, ms)) return;
    throw receiptExpired(this.id, "extend");
  }

  /**
   * Whether this delivery can still be settled.
   *
   * @throws {MiniError} `POISONED` if the state that holds the queue has failed
   * and must be opened again.
   */
  get isCurrent(): boolean {
    return this.#deliveries.isCurrent(this);
  }

  /**
   * The mutation that acknowledges the message: apply it with `applyBatch` or
   * `transact` of the state that the queue is attached to, together with other
   * mutations.
   *
   * @param result The result of the work, as it is at the call: see
   * {@linkcode QueueMessage.ack}. The mutation carries it.
   * @returns The mutation. If the delivery is not the current one when it is
   * applied, it fails with `ABORTED_MUTATION`, whose `cause` is
   * `RECEIPT_EXPIRED`, and the mutations of the same record have no effect.
   * @throws {MiniError} `RECEIPT_EXPIRED` if this delivery is not the current one.
   */
  ackMutation(result?: R): M {
    if (!this.isCurrent) throw receiptExpired(this.id, "ack");
    return this.#deliveries.acks.ackMutation(this, result);
  }

  /**
   * Gives the message back at once unless it was settled. The delivery counts,
   * like that of a process that died. Never throws: if it cannot be logged now,
   * the delivery times out instead.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#deliveries.abandon(this);
  }

  #returned(
    { delayMs = 0, reason, countAttempt = true }: NackOptions,
  ): Settlement {
    const due = this.#deliveries.dueAfter(delayMs);
    const why = checkReason(reason);
    if (countAttempt) {
      return this.#deliveries.returned(this, { due, reason: why });
    }
    const because = why === undefined ? {} : { reason: why };
    return this.#settlement({ as: "retried", due, refund: true, ...because });
  }

  #settlement(what: Omit<Settlement, "id" | "receipt">): Settlement {
    return { id: this.id, receipt: this.receipt, ...what };
  }

  #settle(
    what: Omit<Settlement, "id" | "receipt">,
    doing: string,
  ): Promise<void> {
    return this.#deliveries.settle(this.#settlement(what), doing);
  }
}
