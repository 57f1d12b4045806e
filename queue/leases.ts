import { Heap } from "./heap.ts";

/** One delivery of a message. */
export interface Delivery {
  readonly id: number;
  readonly receipt: number;
}

/** A delivery that a consumer may settle. */
interface Lease extends Delivery {
  /** When it runs out, by the monotonic clock. */
  deadline: number;
  /** Called when it is lost. */
  onLost?: (() => void) | undefined;
}

/** Who has which message, and until when. Only in memory: consumers die with the process. */
export class Leases {
  readonly #leases = new Map<number, Lease>();
  /** May hold leases that are over, or run out later than it knows. */
  readonly #deadlines = new Heap<{ lease: Lease; deadline: number }>((a, b) =>
    a.deadline < b.deadline
  );

  /** Gives a lease on a delivery. */
  take(delivery: Delivery, deadline: number): void {
    const { id, receipt } = delivery;
    const lease = { id, receipt, deadline };
    this.#leases.set(id, lease);
    this.#schedule(lease);
  }

  #schedule(lease: Lease): void {
    const { deadline } = lease;
    if (deadline < Infinity) this.#deadlines.push({ lease, deadline });
  }

  /** The lease on a delivery, while it lasts. */
  #of({ id, receipt }: Delivery): Lease | undefined {
    const lease = this.#leases.get(id);
    return lease?.receipt === receipt ? lease : undefined;
  }

  /** Whether the delivery is still its consumer's. */
  has(delivery: Delivery): boolean {
    return this.#of(delivery) !== undefined;
  }

  /** Moves the end of a lease. */
  extend(delivery: Delivery, deadline: number): void {
    const lease = this.#of(delivery);
    if (lease === undefined) return;
    lease.deadline = deadline;
    this.#schedule(lease);
  }

  /** Calls back once a lease is lost. */
  onLost(delivery: Delivery, call: () => void): void {
    const lease = this.#of(delivery);
    if (lease !== undefined) lease.onLost = call;
  }

  /** Ends the lease on a delivery that is being settled; gives its deadline. */
  end(delivery: Delivery): number | undefined {
    const lease = this.#of(delivery);
    if (lease === undefined) return undefined;
    this.#leases.delete(delivery.id);
    return lease.deadline;
  }

  /** Ends a lease against the will of its consumer. */
  lose(delivery: Delivery): void {
    const lease = this.#of(delivery);
    if (lease === undefined) return;
    this.#leases.delete(delivery.id);
    lease.onLost?.();
  }

  /** Ends all leases against the will of their consumers. */
  loseAll(): void {
    for (const lease of [...this.#leases.values()]) this.lose(lease);
  }

  /** When the next lease may run out, by the monotonic clock. */
  get next(): number {
    return this.#deadlines.peek()?.deadline ?? Infinity;
  }

  /** Takes out those that have run out. */
  *expired(now: number): Generator<Delivery, void, undefined> {
    while (this.next <= now) {
      const { lease, deadline } = this.#deadlines.pop()!;
      // Another entry stands for what was extended.
      if (lease.deadline !== deadline || this.#of(lease) !== lease) continue;
      this.lose(lease);
      yield lease;
    }
  }
}
