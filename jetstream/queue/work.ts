import {
  receiptExpired,
  type WorkFailure,
  type WorkSource,
} from "../../queue/internal.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { Intake } from "./intake.ts";
import { deliveryOf, type JetStreamMessage, timesOf } from "./message.ts";
import type { Receipts } from "./receipts.ts";

/** The messages of the servers, for the workers of this process. */
export class JetStreamWork<T> implements WorkSource<JetStreamMessage<T>> {
  readonly #intake: Intake<T>;
  readonly #receipts: Receipts;
  readonly #dead: DeadLetters<T>;
  readonly #isEmpty: () => Promise<boolean>;
  readonly #maxAttempts: number;

  constructor(parts: {
    readonly intake: Intake<T>;
    readonly receipts: Receipts;
    readonly dead: DeadLetters<T>;
    readonly isEmpty: () => Promise<boolean>;
    readonly maxAttempts: number;
  }) {
    this.#intake = parts.intake;
    this.#receipts = parts.receipts;
    this.#dead = parts.dead;
    this.#isEmpty = parts.isEmpty;
    this.#maxAttempts = parts.maxAttempts;
  }

  async next(
    signal: AbortSignal,
    untilEmpty: boolean,
  ): Promise<JetStreamMessage<T> | undefined> {
    const options = { waitMs: Infinity, signal };
    const isEmpty = untilEmpty ? this.#isEmpty : undefined;
    const how = { isKept: true, isEmpty };
    return (await this.#intake.receive(1, options, how))[0];
  }

  attend(
    message: JetStreamMessage<T>,
    { onLost }: Parameters<WorkSource<never>["attend"]>[1],
  ): boolean {
    const { hold } = deliveryOf(message);
    hold.onLost = () => onLost(receiptExpired(message.id, "continue with"));
    return this.#receipts.isCurrent(hold);
  }

  leave(): void {}

  cancelling(): undefined {}

  done(message: JetStreamMessage<T>): Promise<void> {
    return message.ack();
  }

  /** The delivery counts: the servers have no other. */
  giveBack(
    message: JetStreamMessage<T>,
    failure: Partial<WorkFailure> = {},
  ): Promise<void> {
    return message.nack(failure);
  }

  retry(
    message: JetStreamMessage<T>,
    failure: WorkFailure,
    error: unknown,
  ): Promise<void> {
    const { attempts } = message;
    if (attempts < this.#maxAttempts) return message.nack(failure);
    return this.bury(message, timesOf(attempts, failure.reason), error);
  }

  bury(
    message: JetStreamMessage<T>,
    reason: string,
    error: unknown,
  ): Promise<void> {
    const delivery = deliveryOf(message);
    return this.#receipts.settle(
      delivery.hold,
      "settle",
      () => this.#dead.bury(delivery, reason, error),
    );
  }

  lose(message: JetStreamMessage<T>): boolean {
    return this.#receipts.withdraw(deliveryOf(message).hold);
  }

  takeBack(
    message: JetStreamMessage<T>,
    { delayMs, reason }: WorkFailure,
  ): Promise<void> {
    const delivery = deliveryOf(message);
    const { hold } = delivery;
    const { attempts } = message;
    return this.#receipts.giveUp(
      hold,
      () =>
        attempts < this.#maxAttempts
          ? this.#receipts.nack(hold, delayMs)
          : this.#dead.bury(delivery, timesOf(attempts, reason)),
    );
  }

  timeOut(message: JetStreamMessage<T>): void {
    this.#receipts.letRunOut(deliveryOf(message).hold);
  }

  letRunOut(message: JetStreamMessage<T>): void {
    this.#receipts.letRunOut(deliveryOf(message).hold);
  }
}
