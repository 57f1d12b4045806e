import type { MiniError } from "../../base/errors.ts";
import type { Settlement } from "../ledger/entry.ts";
import { Heap } from "../ledger/heap.ts";

/** One delivery of a message. */
export interface Delivery {
  readonly id: number;
  readonly receipt: number;
}

/** The result of a handler: as JSON keeps it, or why it cannot be kept. */
export type HandlerResult =
  | { readonly result?: unknown }
  | { readonly resultError: MiniError };

/** The right of a consumer to settle a delivery. */
export interface Lease extends Delivery {
  /** When it was taken, by the monotonic clock. */
  readonly since: number;
  /** When it expires, by the monotonic clock. */
  deadline: number;
  /** Called when the lease is lost. */
  onLost?: (() => void) | undefined;
  /** Resolves when the delivery is settled: the lease continues only if that fails. */
  settling?: Promise<unknown> | undefined;
  /** Whether there is a mutation that acknowledges the delivery. */
  mayBeAcked?: boolean;
  /** How far the consumer is. */
  progress?: unknown;
  /** How long its message has waited, if somebody is told. */
  waitedMs?: number | undefined;
  /** How its consumer has settled the delivery. */
  settledAs?: Settlement["as"] | undefined;
  /** Gives the result of the handler, once it has ended. */
  result?: (() => HandlerResult) | undefined;
}

/** The deadline that a lease had when it was scheduled. */
interface Deadline {
  readonly lease: Lease;
  readonly at: number;
}

/** The heap is rebuilt once it holds more outdated deadlines than this. */
const MAX_STALE = 64;

/** The leases of all deliveries. Kept in memory only: consumers die with the process. */
export class Leases {
  readonly #leases = new Map<number, Lease>();
  #deadlines = newHeap();

  /** Takes a lease on a delivery. */
  take(
    { id, receipt }: Delivery,
    since: number,
    timeoutMs: number,
    waitedMs?: number,
  ): void {
    // All have one shape, which is faster.
    this.restore({
      id,
      receipt,
      since,
      deadline: since + timeoutMs,
      onLost: undefined,
      settling: undefined,
      mayBeAcked: false,
      progress: undefined,
      waitedMs,
      settledAs: undefined,
      result: undefined,
    });
  }

  /** Restores a lease whose delivery could not be settled, unless there is a newer one. */
  restore(lease: Lease): void {
    const { id, receipt } = lease;
    lease.settling = undefined;
    if ((this.#leases.get(id)?.receipt ?? 0) > receipt) return;
    this.#leases.set(id, lease);
    this.#schedule(lease);
  }

  #schedule(lease: Lease): void {
    this.#push(lease);
    if (this.#deadlines.size <= MAX_STALE + 2 * this.#leases.size) return;
    this.#deadlines = newHeap();
    for (const lease of this.#leases.values()) this.#push(lease);
  }

  #push(lease: Lease): void {
    const { deadline: at } = lease;
    if (at < Infinity) this.#deadlines.push({ lease, at });
  }

  /** The lease on a delivery, if it can be settled. */
  of(delivery: Delivery): Lease | undefined {
    const lease = this.find(delivery);
    return lease?.settling === undefined ? lease : undefined;
  }

  /** The lease on a delivery, also while it is being settled. */
  find({ id, receipt }: Delivery): Lease | undefined {
    const lease = this.#leases.get(id);
    return lease?.receipt === receipt ? lease : undefined;
  }

  /** Moves the deadline of a lease. */
  move(lease: Lease, deadline: number): void {
    lease.deadline = deadline;
    this.#schedule(lease);
  }

  /** The lease on a message. */
  get(id: number): Lease | undefined {
    return this.#leases.get(id);
  }

  /** Ends a lease, unless another one has replaced it. */
  end(lease: Lease): void {
    if (this.find(lease) === lease) this.#leases.delete(lease.id);
  }

  /** Takes leases from their consumers: all, or a choice of them. */
  loseAll(isLost: (lease: Lease) => boolean = () => true): Lease[] {
    const lost = [...this.#leases.values()].filter((lease) =>
      this.of(lease) && isLost(lease)
    );
    for (const lease of lost) this.lose(lease);
    return lost;
  }

  /** Takes a lease from its consumer. */
  lose(lease: Lease): void {
    this.end(lease);
    lease.onLost?.();
  }

  /** When the next lease may expire, by the monotonic clock. */
  get next(): number {
    return this.#deadlines.peek()?.at ?? Infinity;
  }

  /** Takes the leases that have expired from their consumers. */
  takeExpired(now: number): Lease[] {
    const expired: Lease[] = [];
    while (this.next <= now) {
      const { lease, at } = this.#deadlines.pop()!;
      // A lease that was extended has another deadline.
      if (lease.deadline !== at || this.of(lease) !== lease) continue;
      this.lose(lease);
      expired.push(lease);
    }
    return expired;
  }
}

function newHeap(): Heap<Deadline> {
  return new Heap((a, b) => a.at < b.at);
}
