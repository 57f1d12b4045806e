import type { LedgerEntry, Settlement } from "../ledger/entry.ts";
import type { Deliveries } from "./deliveries.ts";
import { type LedgerMessage, receiptExpired } from "../ledger/ledger.ts";
import { checkDelay, checkSpan, type NackOptions } from "../options.ts";
import { checkReason } from "./reason.ts";

/**
 * A delivery of a message. It is the consumer's until it is settled, or its
 * visibility timeout has passed and it was delivered again. Held by
 * `await using`, it is given back at the end of its block unless it was settled.
 *
 * @typeParam T What the message carries.
 * @typeParam M A mutation of the state that the queue is in.
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
export class QueueMessage<T, M = LedgerEntry<T>> implements AsyncDisposable {
  readonly #deliveries: Deliveries<T, M>;
  /** The number of the message. */
  readonly id: number;
  /** Which delivery of the message this is. Only the current one can be settled. */
  readonly receipt: number;
  /** What it carries; a copy of one's own. */
  readonly payload: T;
  /** How many deliveries there were that count, this one included. */
  readonly attempts: number;
  /** Its priority. */
  readonly priority: number;
  /** Its group. */
  readonly group: string | undefined;
  /** Why the delivery before this one failed. */
  readonly lastFailure: string | undefined;

  /** Made by the queue. */
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
  }

  /**
   * Says that the message is done. It is gone once this resolves, durably.
   *
   * @throws {MiniError} `RECEIPT_EXPIRED` where this delivery is not the current
   * one; otherwise as `StateManager.apply`, and the message stays.
   */
  async ack(): Promise<void> {
    await this.#settle({ as: "acked" }, "ack");
  }

  /**
   * Gives the message back, to be delivered again at once, or after `delayMs`.
   * After `maxAttempts` deliveries that count it is dead instead. Durable when it
   * resolves.
   *
   * @param options When, why, and whether this delivery counts.
   * @throws {MiniError} As {@linkcode QueueMessage.ack}.
   */
  async nack(options: NackOptions = {}): Promise<void> {
    await this.#deliveries.settle(this.#returned(options), "nack");
  }

  /**
   * Gives the message up: it is dead, and is not delivered again by itself.
   *
   * @param reason Why.
   * @throws {MiniError} As {@linkcode QueueMessage.ack}.
   */
  async deadLetter(reason: string): Promise<void> {
    const why = checkReason(reason) ?? "no reason was given";
    await this.#settle({ as: "dead", reason: why }, "deadLetter");
  }

  /**
   * Moves the end of the visibility timeout. Does nothing to a delivery without
   * one, as the handler of `work` has it.
   *
   * @param ms How long from now, in milliseconds.
   * @throws {MiniError} `RECEIPT_EXPIRED` where this delivery is not the current one.
   */
  extend(ms: number): void {
    checkSpan("ms", ms);
    if (this.isCurrent && this.#deliveries.extend(this, ms)) return;
    throw receiptExpired(this.id, "extend");
  }

  /**
   * Whether it can still be settled.
   *
   * @throws {MiniError} `POISONED` where the state that the queue is in is lost
   * until it is opened again.
   */
  get isCurrent(): boolean {
    return this.#deliveries.isCurrent(this);
  }

  /**
   * The mutation that says that the message is done: for `applyBatch` and
   * `transact` of the state that the queue is attached to, to make it one with
   * other mutations.
   *
   * @returns The mutation. Applied after the delivery has ceased to be the
   * current one, it is an `ABORTED_MUTATION` with that as its `cause`, and
   * nothing that is one with it has an effect.
   * @throws {MiniError} `RECEIPT_EXPIRED` where it has by now.
   */
  ackMutation(): M {
    if (!this.isCurrent) throw receiptExpired(this.id, "ack");
    return this.#deliveries.mutationOf(this.#settlement({ as: "acked" }));
  }

  /**
   * Gives the message back at once where it was not settled; this delivery
   * counts, as that of a process that has died. Never throws: what cannot be
   * put on record now is taken back as a delivery that has run out.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#deliveries.abandon(this);
  }

  #returned(
    { delayMs = 0, reason, countAttempt = true }: NackOptions,
  ): Settlement {
    checkDelay("delayMs", delayMs);
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
