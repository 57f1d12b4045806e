import { validate } from "../../base/schema.ts";
import type { Signal } from "../../base/signal.ts";
import type { Settlement } from "../ledger/entry.ts";
import type { LedgerLog } from "../ledger_log.ts";
import { Cancels } from "./cancels.ts";
import { copyOf } from "../../base/json.ts";
import { isReceiptExpired } from "./errors.ts";
import { type Delivery, type Lease, Leases } from "./leases.ts";
import {
  isCurrent,
  type Ledger,
  type LedgerMessage,
  receiptExpired,
} from "../ledger/ledger.ts";
import type { CheckedOptions } from "../options.ts";
import {
  DEAD_LETTER,
  LEASE_EXPIRED,
  type ToldQueue,
} from "../telemetry/messages.ts";
import { settleTold } from "../telemetry/told.ts";
import type { QueueMeter } from "../telemetry/meter.ts";
import { Progress } from "./progress.ts";
import { describe } from "./reason.ts";
import { Acknowledgements } from "./result.ts";

/** The most settlements by the queue itself in one entry. */
const MAX_SETTLEMENTS = 1_000;

/** A message, and how many of its deliveries count. */
type Counted = Pick<LedgerMessage, "id" | "attempts">;

/** The deliveries under way: how each begins and how it ends. */
export class Deliveries<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #leases = new Leases();
  /** Fired when a lease may expire earlier than the dispatcher knows. */
  readonly #poke: Signal;
  /** Cancels messages. */
  readonly cancels: Cancels<T, M>;
  /** How they are acknowledged. */
  readonly acks: Acknowledgements<T, M>;
  /** How far they are. */
  readonly progress: Progress<T, M>;

  constructor(log: LedgerLog<T, M>, options: CheckedOptions<T>, poke: Signal) {
    this.#log = log;
    this.#options = options;
    this.#poke = poke;
    const { maxResultBytes } = options;
    this.acks = new Acknowledgements(log, this.#leases, options);
    this.progress = new Progress(log, this.#leases, maxResultBytes);
    const giveBack = (id: number) => this.#giveBackOne(id);
    const parts = { log, leases: this.#leases, now: () => this.#now() };
    this.cancels = new Cancels({ ...parts, giveBack });
  }

  /** Copies the payloads of messages whose delivery is logged, and finds those that the schema rejects. */
  look(
    ids: readonly number[],
    { messages }: Ledger<T>,
  ): { payloads: Map<number, T>; rejected: Settlement[] } {
    const payloads = new Map<number, T>();
    const rejected: Settlement[] = [];
    for (const id of ids) {
      const message = messages[id];
      // It may have been purged in the meantime.
      if (message === undefined || !message.inFlight) continue;
      try {
        payloads.set(id, this.#payloadOf(message));
      } catch (error) {
        const { receipt } = message;
        rejected.push({ id, receipt, as: "dead", reason: describe(error) });
      }
    }
    return { payloads, rejected };
  }

  /** Makes messages that the schema rejects dead letters. */
  async reject(rejected: readonly Settlement[]): Promise<void> {
    await this.#expire(rejected).catch(() => {
      // They time out at once, and the next delivery tries again.
      this.timeOut(rejected);
    });
  }

  /** Takes leases, from now on, on those of the messages that are still there. */
  lease(
    ids: readonly number[],
    { messages }: Ledger<T>,
    now: number,
    timeoutMs: number,
  ): LedgerMessage<T>[] {
    const leased = [];
    for (const id of ids) {
      const message = messages[id];
      if (message === undefined || !message.inFlight) continue;
      if (this.cancels.passOver(id)) continue;
      const waitedMs = this.#log.meter.takeWait(id);
      this.#leases.take(message, now, timeoutMs, waitedMs);
      leased.push(message);
    }
    return leased;
  }

  #payloadOf({ id, payload }: LedgerMessage<T>): T {
    const copy = copyOf(payload);
    return validate(this.#options.schema, copy, `deliver message ${id}`);
  }

  /** Gives back messages that nobody takes any more, as if they had not been delivered. */
  async giveBack(ids: readonly number[]): Promise<void> {
    const { messages } = await this.#log.readable();
    const settlements = ids.flatMap((id): Settlement[] => {
      const message = messages[id];
      if (message === undefined || !message.inFlight) return [];
      const { receipt } = message;
      return [{ id, receipt, as: "retried", refund: true }];
    });
    await this.#expire(settlements);
  }

  /** Gives back a message that nobody holds, later if that fails now. */
  async #giveBackOne(id: number): Promise<void> {
    const { messages } = await this.#log.readable();
    await this.giveBack([id]).catch(() => this.timeOut([messages[id]!]));
  }

  /** The settlement of a delivery that failed: the message is retried, or is dead after too many attempts. */
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
  settle(settlement: Settlement, doing: string): Promise<void> {
    const settlements = [settlement];
    return settleTold(
      this.#log.about,
      { by: "consumer", durable: true, settlements },
      () => this.#settle(settlement, doing),
    );
  }

  async #settle(settlement: Settlement, doing: string): Promise<void> {
    const { id, as } = settlement;
    let attempts = 0;
    const lease = this.#leases.of(settlement);
    if (lease === undefined || this.cancels.pending(id)) {
      throw receiptExpired(id, doing);
    }
    try {
      // From here on it cannot time out or be settled again.
      await (lease.settling = this.#log.whenReadable((ledger) => {
        if (!isCurrent(ledger, settlement)) throw receiptExpired(id, doing);
        attempts = ledger.messages[id]!.attempts;
        return this.#log.settle(settlement);
      }));
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
    lease.settledAs = as;
    if (as === "dead") this.#tellDead({ id, attempts });
  }

  #tellDead({ id, attempts }: Counted): void {
    DEAD_LETTER.tell(() => ({ ...this.#log.about, id, attempts }));
  }

  /** Takes back, on opening, the messages that consumers of an earlier process held. */
  async takeBackAll(): Promise<void> {
    const { messages } = await this.#log.readable();
    const all = [...(await this.#log.readyIndex()).inFlight].map((id) =>
      messages[id]!
    );
    const reason = "the process ended before it was settled";
    // On a full disk the next `receive` tries again.
    await this.takeBack(all, { due: 0, reason })
      .catch(() => this.timeOut(all));
  }

  /** Takes back the messages that were not settled in time. */
  async takeBackDue(): Promise<void> {
    const expired = this.#leases.takeExpired(this.#now());
    if (expired.length === 0) return;
    const reason = "it was not settled within its visibility timeout";
    const taken = await this.#takeBackOrKeep(expired, reason);
    this.#log.meter.expired += taken.length;
    for (const { id, attempts: attempt } of taken) {
      LEASE_EXPIRED.tell(() => ({ ...this.#log.about, id, attempt }));
    }
  }

  /** Takes the lease of an unsettled delivery from its consumer. The message stays in flight until it is taken back. */
  lose(delivery: Delivery): Delivery | undefined {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined) this.#leases.lose(lease);
    return lease;
  }

  /** Takes back a message that its consumer has left unsettled, later if that fails now. */
  async abandon(delivery: Delivery): Promise<void> {
    const lost = this.lose(delivery);
    if (lost === undefined) {
      // If settling it fails, it times out at once.
      const settling = this.#leases.find(delivery);
      if (settling !== undefined) this.#move(settling, 0);
      return;
    }
    const reason = "its consumer did not settle it";
    await this.#takeBackOrKeep([lost], reason).catch(() => {});
  }

  async #takeBackOrKeep(
    lost: readonly Delivery[],
    reason: string,
  ): Promise<Counted[]> {
    try {
      return await this.takeBack(lost, { due: 0, reason });
    } catch (error) {
      this.timeOut(lost);
      throw error;
    }
  }

  /** Lets messages wait again whose deliveries were lost, unless they were settled since. Returns those. */
  async takeBack(
    lost: readonly Delivery[],
    { due, reason }: { due: number; reason: string },
  ): Promise<Counted[]> {
    const ledger = await this.#log.readable();
    const taken = lost
      .filter((delivery) => isCurrent(ledger, delivery))
      .map(({ id }) => ({ ...ledger.messages[id]! }));
    await this.#expire(
      taken.map((message) => this.returned(message, { due, reason })),
    );
    return taken;
  }

  async #expire(settlements: readonly Settlement[]): Promise<void> {
    for (let at = 0; at < settlements.length; at += MAX_SETTLEMENTS) {
      const expire = settlements.slice(at, at + MAX_SETTLEMENTS);
      let dead: Counted[] = [];
      await this.#log.whenReadable((ledger) => {
        dead = expire
          .filter((each) => each.as === "dead" && isCurrent(ledger, each))
          .map(({ id }) => ledger.messages[id]!);
        // Not durable: if a power cut loses it, opening does the same again.
        return settleTold(
          this.#log.about,
          { by: "queue", durable: false, settlements: expire },
          () => this.#log.enter({ expire }, false),
        );
      });
      for (const message of dead) this.#tellDead(message);
    }
  }

  /** Times out deliveries now: they are taken back when the dispatcher runs next. */
  timeOut(deliveries: readonly Delivery[]): void {
    const now = this.#now();
    for (const delivery of deliveries) this.#leases.take(delivery, now, 0);
    this.#poke.fire();
  }

  /** Runs a task that removes every message. No delivery can be settled from here on. */
  async purge(task: () => Promise<unknown>): Promise<void> {
    const lost = this.#leases.loseAll();
    try {
      await task();
    } catch (error) {
      this.timeOut(lost);
      throw error;
    }
    // Others may have been handed out before it stood in the log.
    const ledger = await this.#log.readable();
    this.#leases.loseAll((lease) => !isCurrent(ledger, lease));
  }

  /** Calls `call` when a delivery is lost. */
  onLost(delivery: Delivery, call: () => void): void {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined) lease.onLost = call;
  }

  /** Whether a delivery can be settled. */
  isCurrent(delivery: Delivery): boolean {
    const { id } = delivery;
    if (this.#leases.of(delivery) === undefined) return false;
    if (this.cancels.pending(id)) return false;
    const ledger = this.#log.ifReadable();
    return ledger === undefined || isCurrent(ledger, delivery);
  }

  /** The queue, for those who are told what it does. */
  get about(): ToldQueue {
    return this.#log.about;
  }

  /** Counts what is done. */
  get meter(): QueueMeter<T> {
    return this.#log.meter;
  }

  /** The lease on a delivery. */
  leaseOf(delivery: Delivery): Lease | undefined {
    return this.#leases.find(delivery);
  }

  /** Moves the deadline of a lease that has one. Returns whether there is a lease. */
  extend(delivery: Delivery, ms: number): boolean {
    const lease = this.#leases.of(delivery);
    if (lease !== undefined && lease.deadline < Infinity) {
      this.#move(lease, ms);
    }
    return lease !== undefined;
  }

  /** Gives a lease without a deadline the default one, also while its delivery is being settled. */
  letRunOut(delivery: Delivery): void {
    const lease = this.#leases.find(delivery);
    if (lease === undefined || lease.deadline < Infinity) return;
    this.#move(lease, this.#options.visibilityTimeoutMs);
  }

  #move(lease: Lease, ms: number): void {
    this.#leases.move(lease, this.#now() + ms);
    this.#poke.fire();
  }

  /** When the next delivery may time out, by the monotonic clock. */
  get nextDeadline(): number {
    return this.#leases.next;
  }

  /** The queue time `ms` from now; 0 for at once. */
  dueAfter(ms: number): number {
    return this.#log.dueAfter(ms);
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
