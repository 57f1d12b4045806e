import { MiniError } from "../../base/errors.ts";
import { validate } from "../../base/schema.ts";
import type { Signal } from "../../base/signal.ts";
import type { Settlement } from "../ledger/entry.ts";
import type { Home } from "../ledger_log.ts";
import { type Delivery, type Lease, Leases } from "./leases.ts";
import {
  isCurrent,
  type Ledger,
  type LedgerMessage,
  receiptExpired,
} from "../ledger/ledger.ts";
import { QueueMessage } from "./message.ts";
import type { CheckedOptions } from "../options.ts";
import { describe } from "./reason.ts";

/** An entry holds no more settlements than this that nobody has asked for together. */
const MAX_SETTLEMENTS = 1_000;

/** Who has which message, and until when; and how that ends. */
export class Deliveries<T, M> {
  readonly #home: Home<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #leases = new Leases();
  /** Fired when a lease may run out earlier than was known. */
  readonly #poke: Signal;

  constructor(home: Home<T, M>, options: CheckedOptions<T>, poke: Signal) {
    this.#home = home;
    this.#options = options;
    this.#poke = poke;
  }

  /** Looks into messages, the delivery of which is on record: what they carry, and which of them the schema refuses. */
  look(
    ids: readonly number[],
    { messages }: Ledger<T>,
  ): { payloads: Map<number, T>; refused: Settlement[] } {
    const payloads = new Map<number, T>();
    const refused: Settlement[] = [];
    for (const id of ids) {
      const message = messages[id];
      // Purged while the delivery was on its way.
      if (message === undefined || !message.inFlight) continue;
      try {
        payloads.set(id, this.#payloadOf(message));
      } catch (error) {
        const { receipt } = message;
        refused.push({ id, receipt, as: "dead", reason: describe(error) });
      }
    }
    return { payloads, refused };
  }

  /** Has messages dead that the schema refuses. */
  async refuse(refused: readonly Settlement[]): Promise<void> {
    await this.#expire(refused).catch(() => {
      // Taken back as if it had run out; the next delivery will try again.
      this.takeUntilNow(refused);
    });
  }

  /** Gives messages to a consumer: those that are there still. */
  give(
    payloads: ReadonlyMap<number, T>,
    { messages }: Ledger<T>,
    timeoutMs: number,
  ): QueueMessage<T, M>[] {
    const given: QueueMessage<T, M>[] = [];
    for (const [id, payload] of payloads) {
      const message = messages[id];
      if (message === undefined || !message.inFlight) continue;
      this.#leases.take(message, this.#now() + timeoutMs);
      given.push(new QueueMessage(this, message, payload));
    }
    return given;
  }

  #payloadOf({ id, payload }: LedgerMessage<T>): T {
    const copy = copyOf(payload);
    return validate(this.#options.schema, copy, `deliver message ${id}`);
  }

  /** Gives back, as if they had not been delivered, messages that nobody is there to take. */
  async giveBack(ids: readonly number[]): Promise<void> {
    const { messages } = await this.#home.readable();
    const settlements = ids.flatMap((id): Settlement[] => {
      const message = messages[id];
      if (message === undefined || !message.inFlight) return [];
      const { receipt } = message;
      return [{ id, receipt, as: "retried", refund: true }];
    });
    await this.#expire(settlements);
  }

  /** What becomes of a delivery that has come to nothing. */
  returned(
    { id, receipt, attempts }: Pick<
      LedgerMessage,
      "id" | "receipt" | "attempts"
    >,
    { due, reason }: { due: number; reason?: string | undefined },
  ): Settlement {
    const why = reason === undefined ? {} : { reason };
    if (attempts < this.#options.maxAttempts) {
      return { id, receipt, as: "retried", due, ...why };
    }
    const times = `delivered ${attempts} times`;
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
    const lease = this.#leases.settle(settlement);
    if (lease === undefined) throw receiptExpired(id, doing);
    try {
      const ledger = await this.#home.readable();
      if (!isCurrent(ledger, settlement)) throw receiptExpired(id, doing);
      await this.#home.settle(settlement);
    } catch (error) {
      if (!isReceiptExpired(error)) {
        this.#leases.restore(lease);
        this.#poke.fire();
        throw error;
      }
      this.#leases.end(lease);
      throw receiptExpired(id, doing);
    }
    this.#leases.end(lease);
  }

  /** Takes back, on opening, what consumers had that ended with their process. */
  async takeBackAll(): Promise<void> {
    const { messages } = await this.#home.readable();
    const all = [...(await this.#home.lines()).inFlight].map((id) =>
      messages[id]!
    );
    const reason = "the process ended before it was settled";
    // Where the disk is full it is done when somebody receives.
    await this.takeBack(all, { due: 0, reason })
      .catch(() => this.takeUntilNow(all));
  }

  /** Takes back what was not settled in time. */
  async takeBackDue(): Promise<void> {
    const expired = this.#leases.takeExpired(this.#now());
    if (expired.length === 0) return;
    const reason = "it was not settled within its visibility timeout";
    await this.#takeBackOrKeep(expired, reason);
  }

  /** Ends a delivery that was not settled, and tells its consumer. Nobody else has the message before it is taken back. */
  lose(delivery: Delivery): Delivery | undefined {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined) this.#leases.lose(lease);
    return lease;
  }

  /** Takes back now what a consumer has left unsettled; another time where that fails. */
  async abandon(delivery: Delivery): Promise<void> {
    const lost = this.lose(delivery);
    if (lost === undefined) {
      // Should it fail to be settled, it has run out.
      const settling = this.#leases.find(delivery);
      if (settling !== undefined) this.#move(settling, 0);
      return;
    }
    const reason = "its consumer has left it unsettled";
    await this.#takeBackOrKeep([lost], reason).catch(() => {});
  }

  async #takeBackOrKeep(
    lost: readonly Delivery[],
    reason: string,
  ): Promise<void> {
    try {
      await this.takeBack(lost, { due: 0, reason });
    } catch (error) {
      this.takeUntilNow(lost);
      throw error;
    }
  }

  /** Has messages wait again the deliveries of which were lost, and not settled since. */
  async takeBack(
    lost: readonly Delivery[],
    { due, reason }: { due: number; reason: string },
  ): Promise<void> {
    const ledger = await this.#home.readable();
    const settlements = lost
      .filter((delivery) => isCurrent(ledger, delivery))
      .map(({ id }) => this.returned(ledger.messages[id]!, { due, reason }));
    await this.#expire(settlements);
  }

  async #expire(settlements: readonly Settlement[]): Promise<void> {
    for (let at = 0; at < settlements.length; at += MAX_SETTLEMENTS) {
      const expire = settlements.slice(at, at + MAX_SETTLEMENTS);
      // Were it lost in a power cut, opening would find the same.
      await this.#home.enter({ expire }, false);
    }
  }

  /** Leases that have run out already, so that they are taken back another time. */
  takeUntilNow(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#leases.take(delivery, this.#now());
    this.#poke.fire();
  }

  /** Runs what removes every message; no delivery can be settled from here on. */
  async purge(task: () => Promise<void>): Promise<void> {
    const lost = this.#leases.loseAll();
    try {
      await task();
    } catch (error) {
      this.takeUntilNow(lost);
      throw error;
    }
  }

  /** Calls back once a delivery is lost. */
  onLost(delivery: Delivery, call: () => void): void {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined) lease.onLost = call;
  }

  /** Whether a delivery can be settled. */
  isCurrent(delivery: Delivery): boolean {
    if (this.#leases.of(delivery) === undefined) return false;
    const ledger = this.#home.ifReadable();
    return ledger === undefined || isCurrent(ledger, delivery);
  }

  /** Moves the end of a lease, where it has one; says whether there is a lease. */
  extend(delivery: Delivery, ms: number): boolean {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined && lease.deadline < Infinity) {
      this.#move(lease, ms);
    }
    return lease !== undefined;
  }

  /** Has a lease that had no end run out as any other, also one whose delivery is being settled, should that fail. */
  letRunOut(delivery: Delivery): void {
    const lease = this.#leases.find(delivery);
    if (lease === undefined || lease.deadline < Infinity) return;
    this.#move(lease, this.#options.visibilityTimeoutMs);
  }

  #move(lease: Lease, ms: number): void {
    this.#leases.move(lease, this.#now() + ms);
    this.#poke.fire();
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
function isReceiptExpired(error: unknown): boolean {
  if (!(error instanceof MiniError)) return false;
  const { code, cause } = error;
  return code === "RECEIPT_EXPIRED" ||
    code === "ABORTED_MUTATION" && isReceiptExpired(cause);
}

/** The consumer's own: the ledger's must not change. */
function copyOf<T>(payload: T): T {
  return typeof payload === "object"
    ? JSON.parse(JSON.stringify(payload))
    : payload;
}
