import { Heap } from "../ledger/heap.ts";

/** One delivery of a message. */
export interface Delivery {
  readonly id: number;
  readonly receipt: number;
}

/** A delivery that a consumer may settle. */
export interface Lease extends Delivery {
  /** When it runs out, by the monotonic clock. */
  deadline: number;
  /** Called when it is lost. */
  onLost?: (() => void) | undefined;
  /** Whether its delivery is being settled: it lasts only where that fails. */
  isSettling?: boolean;
}

/** A moment at which a lease was to run out, when it was set. */
interface Deadline {
  readonly lease: Lease;
  readonly at: number;
}

/** So many deadlines of leases that have ended, or were extended, are kept before they are cleared away. */
const MAX_STALE = 64;

/** Who has which message, and until when. Only in memory: consumers die with the process. */
export class Leases {
  readonly #leases = new Map<number, Lease>();
  #deadlines = newHeap();

  /** Gives a lease on a delivery. */
  take({ id, receipt }: Delivery, deadline: number): void {
    this.restore({ id, receipt, deadline });
  }

  /** Gives back a lease whose delivery could not be settled; none that would take the place of another. */
  restore(lease: Lease): void {
    const { id, receipt } = lease;
    lease.isSettling = false;
    if ((this.#leases.get(id)?.receipt ?? 0) > receipt) return;
    this.#leases.set(id, lease);
    this.#schedule(lease);
  }

  #schedule(lease: Lease): void {
    const { deadline: at } = lease;
    if (at < Infinity) this.#deadlines.push({ lease, at });
    if (this.#deadlines.size <= MAX_STALE + 2 * this.#leases.size) return;
    this.#deadlines = newHeap();
    for (const lease of this.#leases.values()) {
      const { deadline: at } = lease;
      if (at < Infinity) this.#deadlines.push({ lease, at });
    }
  }

  /** The lease on a delivery, while it lasts. */
  of(delivery: Delivery): Lease | undefined {
    const lease = this.find(delivery);
    return lease?.isSettling ? undefined : lease;
  }

  /** The same, also while its delivery is being settled. */
  find({ id, receipt }: Delivery): Lease | undefined {
    const lease = this.#leases.get(id);
    return lease?.receipt === receipt ? lease : undefined;
  }

  /** Moves the end of a lease. */
  move(lease: Lease, deadline: number): void {
    lease.deadline = deadline;
    this.#schedule(lease);
  }

  /** Has the lease on a delivery wait for what comes of settling it. */
  settle(delivery: Delivery): Lease | undefined {
    const lease = this.of(delivery);
    if (lease !== undefined) lease.isSettling = true;
    return lease;
  }

  /** Ends a lease, unless another has taken its place. */
  end(lease: Lease): void {
    if (this.find(lease) === lease) this.#leases.delete(lease.id);
  }

  /** Ends all leases against the will of their consumers. */
  loseAll(): Lease[] {
    const lost = [...this.#leases.values()].filter((lease) => this.of(lease));
    for (const lease of lost) this.lose(lease);
    this.#deadlines = newHeap();
    return lost;
  }

  /** Ends a lease against the will of its consumer. */
  lose(lease: Lease): void {
    this.end(lease);
    lease.onLost?.();
  }

  /** When the next lease may run out, by the monotonic clock. */
  get next(): number {
    return this.#deadlines.peek()?.at ?? Infinity;
  }

  /** Takes out those that have run out. */
  takeExpired(now: number): Lease[] {
    const expired: Lease[] = [];
    while (this.next <= now) {
      const { lease, at } = this.#deadlines.pop()!;
      // Another deadline stands for one that was extended.
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
