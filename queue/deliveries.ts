import { MiniError } from "../store/errors.ts";
import { validate } from "../store/schema.ts";
import type { Settlement } from "./entry.ts";
import type { Home } from "./home.ts";
import { type Delivery, Leases } from "./leases.ts";
import { isCurrent, type LedgerMessage, receiptExpired } from "./ledger.ts";
import { linesOf } from "./lines.ts";
import { QueueMessage } from "./message.ts";
import type { CheckedOptions } from "./options.ts";

/** An entry holds no more settlements than this that nobody has asked for together. */
const MAX_SETTLEMENTS = 1_000;

/** Who has which message, and until when; and how that ends. */
export class Deliveries<T, M> {
  readonly #home: Home<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #leases = new Leases();

  constructor(home: Home<T, M>, options: CheckedOptions<T>) {
    this.#home = home;
    this.#options = options;
  }

  /** Gives a message, the delivery of which is on record, to a consumer; what the schema refuses is dead. */
  async give(
    id: number,
    timeoutMs: number,
  ): Promise<QueueMessage<T, M> | undefined> {
    const message = (await this.#home.readable()).messages[id];
    // Purged while the delivery was on its way.
    if (message === undefined || !message.inFlight) return undefined;
    const { receipt } = message;
    const { schema } = this.#options;
    try {
      const copy = copyOf(message.payload);
      const payload = validate(schema, copy, `deliver message ${id}`);
      this.#leases.take({ id, receipt }, this.#now() + timeoutMs);
      return new QueueMessage(this, message, payload);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const dead = { id, receipt, as: "dead", reason } as const;
      await this.#home.enter({ expire: [dead] }, true);
      return undefined;
    }
  }

  /** What becomes of a delivery that has come to nothing. */
  returned(
    { id, receipt, receives }: Pick<
      LedgerMessage,
      "id" | "receipt" | "receives"
    >,
    { due, reason }: { due: number; reason?: string | undefined },
  ): Settlement {
    const why = reason === undefined ? {} : { reason };
    if (receives < this.#options.maxReceives) {
      return { id, receipt, as: "retried", due, ...why };
    }
    const times = `delivered ${receives} times`;
    return {
      id,
      receipt,
      as: "dead",
      reason: reason === undefined ? times : `${reason} (${times})`,
    };
  }

  /** Settles a delivery for its consumer, durably. */
  async settle(settlement: Settlement, doing: string): Promise<void> {
    const { id } = settlement;
    // From here on it cannot run out, nor be settled again.
    const deadline = this.#leases.end(settlement);
    if (deadline === undefined) throw receiptExpired(id, doing);
    const ledger = await this.#home.readable();
    if (!isCurrent(ledger, settlement)) throw receiptExpired(id, doing);
    try {
      await this.#home.enter({ settle: [settlement] }, true);
    } catch (error) {
      if (isReceiptExpired(error)) throw error.cause;
      this.#leases.take(settlement, deadline);
      throw error;
    }
  }

  /** Takes back, on opening, what consumers had that ended with their process. */
  async takeBackAll(): Promise<void> {
    const { inFlight } = linesOf(await this.#home.readable());
    await this.#takeBack(
      [...inFlight],
      "the process ended before it was settled",
    );
  }

  /** Takes back what was not settled in time. */
  async takeBackDue(): Promise<void> {
    const now = this.#now();
    const expired = [...this.#leases.expired(now)];
    if (expired.length === 0) return;
    const { messages } = await this.#home.readable();
    const ids = expired.filter(({ id, receipt }) =>
      messages[id]?.receipt === receipt
    ).map(({ id }) => id);
    try {
      await this.#takeBack(
        ids,
        "it was not settled within its visibility timeout",
      );
    } catch (error) {
      // They have run out all the same, and are taken back another time.
      for (const delivery of expired) this.#leases.take(delivery, now);
      throw error;
    }
  }

  /** Takes a delivery back now. */
  async takeBack(delivery: Delivery, reason: string): Promise<void> {
    if (!this.isCurrent(delivery)) return;
    this.#leases.lose(delivery);
    await this.#takeBack([delivery.id], reason);
  }

  async #takeBack(ids: readonly number[], reason: string): Promise<void> {
    const { messages } = await this.#home.readable();
    const settlements = ids.flatMap((id) => {
      const message = messages[id];
      return message?.inFlight
        ? [this.returned(message, { due: 0, reason })]
        : [];
    });
    for (let at = 0; at < settlements.length; at += MAX_SETTLEMENTS) {
      const expire = settlements.slice(at, at + MAX_SETTLEMENTS);
      // Were it lost in a power cut, opening would find the same.
      await this.#home.enter({ expire }, false);
    }
  }

  /** Ends all leases: there are no such messages any more. */
  loseAll(): void {
    this.#leases.loseAll();
  }

  /** Calls back once a delivery is lost. */
  onLost(delivery: Delivery, call: () => void): void {
    this.#leases.onLost(delivery, call);
  }

  /** Whether a delivery can be settled. */
  isCurrent(delivery: Delivery): boolean {
    return this.#leases.has(delivery) && isCurrent(this.#home.ledger, delivery);
  }

  /** Moves the end of a lease. */
  extend(delivery: Delivery, ms: number): void {
    this.#leases.extend(delivery, this.#now() + ms);
  }

  /** When the next delivery may run out, by the monotonic clock. */
  get nextDeadline(): number {
    return this.#leases.next;
  }

  /** The queue's time in so many milliseconds; 0 for at once. */
  dueAfter(ms: number): number {
    return this.#home.dueAfter(ms);
  }

  /** The mutation of the state that settles a delivery. */
  mutationOf(settlement: Settlement): M {
    return this.#home.mutation({ settle: [settlement] });
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}

/** Whether settling has failed because the delivery was not the current one. */
function isReceiptExpired(error: unknown): error is { cause: MiniError } {
  return error instanceof MiniError && error.code === "ABORTED_MUTATION" &&
    error.cause instanceof MiniError && error.cause.code === "RECEIPT_EXPIRED";
}

/** The consumer's own: the ledger's must not change. */
function copyOf<T>(payload: T): T {
  return typeof payload === "object"
    ? JSON.parse(JSON.stringify(payload))
    : payload;
}
