/** The known facts about a message that a producer tried to enqueue. */
interface Known {
  readonly name: string;
  readonly group: string | undefined;
  /** Whether it is in the queue, as far as the producer was told. */
  enqueued: "unknown" | "ok" | "failed";
  /** Its place among those of its group. */
  readonly place: number;
  /** How it has ended, as far as its consumer, or who cancelled it, was told. */
  settled: End;
  /** How many are cancelling it. */
  cancelling: number;
  /** Whether it was only seen to be dead, which nobody was promised, and a power cut may undo. */
  isOnlySeenDead: boolean;
  /** The receipts that were current when a consumer began to give the message back. */
  readonly givenBack: Set<number>;
  /** How many deliveries a consumer was handed that count. */
  attempts: number;
}

/** How a message has ended, as far as anybody was told. */
export type End = "no" | "unknown" | "acked" | "dead" | "cancelled";

/** A delivery that a consumer has. */
export interface Held {
  readonly name: string;
  readonly receipt: number;
  /** When the lease ends, by the test's clock. */
  readonly until: number;
  /** Whether it is being settled, so that it may be over at any time. */
  readonly isSettling?: boolean;
}

/**
 * The answers to producers and consumers of a queue, and whether what they are
 * told next can be true. An operation that was cut off by a crash may have
 * happened or not.
 */
export class History {
  readonly #messages = new Map<string, Known>();
  readonly #held = new Map<string, Held>();
  readonly violations: string[] = [];
  readonly #label: string;
  /** Whether every receive count is exact: until a power cut has lost some. */
  #countsHold = true;
  deliveries = 0;
  duplicates = 0;

  constructor(label: string) {
    this.#label = label;
  }

  #violation(what: string): void {
    this.violations.push(`${this.#label}: ${what}`);
  }

  invokeEnqueue(name: string, group: string | undefined): void {
    this.#messages.set(name, {
      name,
      group,
      enqueued: "unknown",
      place: this.#messages.size,
      settled: "no",
      cancelling: 0,
      isOnlySeenDead: false,
      givenBack: new Set(),
      attempts: 0,
    });
  }

  enqueued(name: string, outcome: "ok" | "failed"): void {
    this.#messages.get(name)!.enqueued = outcome;
  }

  /** A consumer was handed a message. */
  delivered(
    { name, receipt, attempts }: {
      name: string;
      receipt: number;
      attempts: number;
    },
    now: number,
    timeoutMs: number,
  ): void {
    this.deliveries++;
    const message = this.#messages.get(name);
    if (message === undefined || message.enqueued === "failed") {
      return this.#violation(`${name} was invented`);
    }
    if (message.settled !== "no" && message.settled !== "unknown") {
      this.#violation(`${name} came back after it was ${message.settled}`);
    }
    const held = this.#held.get(name);
    if (isInFlight(held, now)) {
      this.#violation(`${name} was delivered while somebody has it`);
    }
    if (this.#countsHold && attempts <= message.attempts) {
      this.#violation(
        `${name} says delivery ${attempts} after ${message.attempts}`,
      );
    }
    if (message.attempts > 0) this.duplicates++;
    message.attempts = attempts;
    this.#checkGroup(message, now);
    this.#held.set(name, { name, receipt, until: now + timeoutMs });
  }

  #checkGroup({ group, place, name }: Known, now: number): void {
    if (group === undefined) return;
    for (const other of this.#messages.values()) {
      if (other.group !== group || other.name === name) continue;
      if (other.cancelling > 0) continue;
      const held = this.#held.get(other.name);
      if (isInFlight(held, now)) {
        this.#violation(`${name} and ${other.name} of one group in flight`);
      }
      const isBefore = other.place < place && other.enqueued === "ok" &&
        other.settled === "no" && held?.isSettling !== true;
      if (isBefore) this.#violation(`${name} overtook ${other.name}`);
    }
  }

  get held(): Held[] {
    return [...this.#held.values()];
  }

  /** A consumer has begun to settle a delivery. */
  settling(
    name: string,
    receipt: number,
    as: "acked" | "dead" | "retried",
  ): void {
    const held = this.#held.get(name);
    if (held?.receipt !== receipt) return;
    if (as === "retried") this.#messages.get(name)!.givenBack.add(receipt);
    this.#held.set(name, { ...held, isSettling: true });
  }

  /** A consumer was told what became of settling a delivery. */
  settled(
    { name, receipt }: Held,
    as: "acked" | "dead" | "retried",
    outcome: "ok" | "expired" | "failed" | "unknown",
    now: number,
  ): void {
    const message = this.#messages.get(name)!;
    const held = this.#held.get(name);
    const isCurrent = held?.receipt === receipt;
    if (outcome === "failed") {
      if (isCurrent) this.#held.set(name, { ...held, isSettling: false });
      return;
    }
    if (outcome === "expired") {
      if (isCurrent && held.until > now && message.cancelling === 0) {
        this.#violation(`${name} could not be settled by who had it`);
      }
      return;
    }
    // The next delivery may be made before who has given it back is told.
    const isRight = isCurrent || message.givenBack.has(receipt) ||
      message.settled === "cancelled";
    if (outcome === "ok" && !isRight) {
      this.#violation(`${name} was settled with a receipt of the past`);
    }
    if (isCurrent) this.#held.delete(name);
    if (as === "retried") return;
    if (message.settled === "cancelled") {
      if (outcome === "ok") this.#violation(`${name} was ${as} and cancelled`);
      return;
    }
    message.settled = outcome === "ok" ? as : "unknown";
    message.isOnlySeenDead = false;
  }

  /** Somebody has begun to cancel a message. */
  cancelling(name: string): void {
    this.#messages.get(name)!.cancelling++;
  }

  /** Who cancels a message was told what became of that. */
  cancelled(
    name: string,
    outcome: "cancelled" | "not" | "failed" | "unknown",
  ): void {
    const message = this.#messages.get(name)!;
    message.cancelling--;
    if (outcome === "failed" || outcome === "not") return;
    if (outcome === "unknown") {
      if (message.settled === "no") message.settled = "unknown";
      return;
    }
    if (message.settled === "acked" || message.settled === "dead") {
      this.#violation(`${name} was cancelled after it was ${message.settled}`);
    }
    message.settled = "cancelled";
    this.#held.delete(name);
  }

  /** How a message has ended. */
  endOf(name: string): End {
    return this.#messages.get(name)!.settled;
  }

  /** A delivery was given more time. */
  extended({ name, receipt }: Held, until: number): void {
    const held = this.#held.get(name);
    if (held?.receipt === receipt) {
      this.#held.set(name, { ...held, until });
    }
  }

  /** Learns whether a message is done, which no caller was told. */
  decided(name: string, isDone: boolean): void {
    const message = this.#messages.get(name)!;
    if (message.settled === "unknown") {
      message.settled = isDone ? "acked" : "no";
    }
  }

  /** A message was seen among the dead. */
  sawDead(name: string): void {
    const message = this.#messages.get(name);
    if (message === undefined) return this.#violation(`${name} was invented`);
    if (message.settled === "acked" || message.settled === "cancelled") {
      this.#violation(`${name} died after it was ${message.settled}`);
    }
    if (message.settled !== "dead") message.isOnlySeenDead = true;
    message.settled = "dead";
  }

  /** Every consumer has ended. */
  crashed(isPowerCut: boolean): void {
    this.#held.clear();
    if (!isPowerCut) return;
    this.#countsHold = false;
    for (const message of this.#messages.values()) {
      if (message.isOnlySeenDead) message.settled = "no";
      message.isOnlySeenDead = false;
    }
  }

  /** Compares what is left at the end with what was told. */
  end(left: ReadonlySet<string>, dead: ReadonlySet<string>): void {
    for (const { name, enqueued, settled } of this.#messages.values()) {
      const isThere = left.has(name) || dead.has(name);
      if (enqueued === "ok" && settled === "no" && !isThere) {
        this.#violation(`${name} was lost`);
      }
      if (settled === "dead" && !dead.has(name)) {
        this.#violation(`${name} was dead, and is gone`);
      }
      if (enqueued === "failed" && isThere) {
        this.#violation(`${name} was refused, and is there`);
      }
      if ((settled === "acked" || settled === "cancelled") && isThere) {
        this.#violation(`${name} was ${settled}, and is there`);
      }
    }
    for (const name of [...left, ...dead]) {
      if (!this.#messages.has(name)) this.#violation(`${name} was invented`);
    }
  }
}

/** Whether somebody has the message for sure. */
function isInFlight(held: Held | undefined, now: number): boolean {
  return held !== undefined && held.until > now && held.isSettling !== true;
}
