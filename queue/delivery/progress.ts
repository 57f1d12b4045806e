import { toJsonOnce } from "../../base/json.ts";
import { hadEffect } from "../effect_of.ts";
import { isCurrent, type Ledger, receiptExpired } from "../ledger/ledger.ts";
import { type LedgerLog, MAX_LIST_DEPTH } from "../ledger_log.ts";
import type { Delivery, Lease, Leases } from "./leases.ts";

/** In an entry, the progress lies within an item of a list. */
const MAX_DEPTH = MAX_LIST_DEPTH - 2;

/**
 * Says how far a handler is: any value that JSON keeps, up to `maxResultBytes`.
 * In memory, where `get` of this queue shows it until the delivery ends, and as an
 * event for those who read the `events` of this queue now; a delivery that is lost
 * is ignored. No `QueueView` can see it. With `durable`, a record of the log: every
 * reader sees it and its event, and the next delivery has it as `progress`.
 *
 * Throws, or rejects with, `UNSERIALIZABLE` and `TOO_LARGE`; with `durable`, also
 * `RECEIPT_EXPIRED`, and as `StateManager.apply`.
 */
export interface ReportProgress {
  (value: unknown, options?: { readonly durable?: false }): void;
  (value: unknown, options: { readonly durable: true }): Promise<void>;
}

/** How far handlers are: in memory, and on record. */
export class Progress<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #leases: Leases;
  readonly #maxBytes: number;
  /** Called with what is told in memory. */
  onNote: (delivery: Delivery, progress: unknown) => void = () => {};

  constructor(log: LedgerLog<T, M>, leases: Leases, maxBytes: number) {
    this.#log = log;
    this.#leases = leases;
    this.#maxBytes = maxBytes;
  }

  /** The last progress of a message in flight, logged or not. */
  readonly latestOf = (id: number): Pick<Lease, "progress"> | undefined =>
    this.#leases.get(id);

  /** The function with which a handler tells its progress. */
  reporter(delivery: Delivery): ReportProgress {
    const report = (value: unknown, { durable = false } = {}) =>
      durable ? this.record(delivery, value) : this.note(delivery, value);
    return report as ReportProgress;
  }

  /** Notes in memory how far a delivery is, if it is still the current one. */
  note(delivery: Delivery, value: unknown): void {
    const copy = this.#copyOf(value);
    const lease = this.#current(delivery);
    if (lease === undefined) return;
    lease.progress = copy;
    this.onNote(delivery, copy);
  }

  /** Logs how far a delivery is, durably. */
  async record(delivery: Delivery, value: unknown): Promise<void> {
    const { id, receipt } = delivery;
    const progress = this.#copyOf(value);
    const lease = this.#current(delivery);
    const isDue = (ledger: Ledger) => isCurrent(ledger, delivery);
    const isLogged = lease !== undefined && await hadEffect(
      this.#log,
      { progress: [{ id, receipt, progress }] },
      {
        type: "progress",
        id,
        isDue,
        // It does not become the current one again.
        isSure: (ledger) => isDue(ledger) || undefined,
        isLikely: false,
      },
    );
    if (!isLogged) throw receiptExpired(id, "tell the progress of");
    lease.progress = progress;
  }

  #current(delivery: Delivery): Lease | undefined {
    const ledger = this.#log.ifReadable();
    const isLost = ledger !== undefined && !isCurrent(ledger, delivery);
    return isLost ? undefined : this.#leases.of(delivery);
  }

  #copyOf(value: unknown): unknown {
    return JSON.parse(toJsonOnce(value, this.#maxBytes, MAX_DEPTH));
  }
}
