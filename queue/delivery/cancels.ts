import { checkCount } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { hadEffect } from "../effect_of.ts";
import { type Effect, observe } from "../ledger/effects.ts";
import { isCurrent, type Ledger, receiptExpired } from "../ledger/ledger.ts";
import type { Cancellation } from "../ledger/entry.ts";
import type { Hold } from "../ledger/read.ts";
import type { LedgerLog } from "../ledger_log.ts";
import { settleTold } from "../telemetry/told.ts";
import type { Delivery, Leases } from "./leases.ts";
import { checkReason } from "./reason.ts";

/**
 * The result of `cancel`. `"cancelled"`: the message is gone. `"stopping"`: it is
 * gone too, and its handler, which runs, was told to stop. `"finished"`: it had
 * ended before. `"unknown"`: there is no trace of it.
 */
export type CancelResult = "cancelled" | "stopping" | "finished" | "unknown";

/** A delivery that a handler has. */
type Handled = Delivery & { readonly group: string | undefined };

/** A handler that runs. */
interface Attended extends Handled {
  /** The last effect on its message that was seen. */
  seen?: Pick<Effect, "type" | "reason"> | undefined;
  /** Tells it that its message was cancelled, or its delivery was ended otherwise. */
  readonly onCancel: (why: MiniError, as: "cancelled" | "lost") => void;
  /** Frees the group of the message, which was cancelled. */
  release?: () => void;
}

/** A cancellation that is not logged yet. */
interface Pending {
  readonly ended: Promise<CancelResult>;
  /** Whether the message was delivered meanwhile, and given to nobody. */
  isPassedOver: boolean;
}

/** Cancels messages, and tells their handlers. */
export class Cancels<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #leases: Leases;
  /** Takes back a message that was delivered to nobody. */
  readonly #giveBack: (id: number) => Promise<void>;
  /** The monotonic clock. */
  readonly #now: () => number;
  readonly #pending = new Map<number, Pending>();
  readonly #attended = new Map<number, Attended>();
  /** The ledger that is observed, where others change it too. */
  #observed: Ledger<T> | undefined;
  #unobserve = () => {};
  #isFollowing = false;

  constructor({ log, leases, giveBack, now }: {
    readonly log: LedgerLog<T, M>;
    readonly leases: Leases;
    readonly giveBack: (id: number) => Promise<void>;
    readonly now: () => number;
  }) {
    this.#log = log;
    this.#leases = leases;
    this.#giveBack = giveBack;
    this.#now = now;
  }

  /** Resolves when a message is cancelled, if it is being cancelled now: its delivery cannot be settled. */
  pending(id: number): Promise<unknown> | undefined {
    return this.#pending.get(id)?.ended;
  }

  /** Whether a message that is about to be handed out is being cancelled: nobody is given it then. */
  passOver(id: number): boolean {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.isPassedOver = true;
    return pending !== undefined;
  }

  /** Notes that a handler runs. Returns whether its delivery is still there. */
  attend(delivery: Handled, onCancel: Attended["onCancel"]): boolean {
    const { id, receipt, group } = delivery;
    if (this.#leases.find(delivery) === undefined) return false;
    this.#attended.set(id, { id, receipt, group, onCancel });
    if (this.#log.isShared && !this.#isFollowing) void this.#follow();
    return true;
  }

  /** Looks at each change of a ledger that others change too, while handlers run. */
  async #follow(): Promise<void> {
    this.#isFollowing = true;
    while (this.#attended.size > 0 && !this.#log.isOver) {
      const { changed } = this.#log;
      void this.#lookOnce();
      await changed;
    }
    this.#isFollowing = false;
    this.#unobserve();
    this.#observed = undefined;
  }

  /** Looks once the ledger can be read. What fails here fails for those who receive, and they are told. */
  #lookOnce(): Promise<void> {
    return this.#log.whenReadable((ledger) => this.look(ledger))
      .catch(() => {});
  }

  /** Tells the handlers whose delivery was ended by what others have applied to the ledger. */
  look(ledger: Ledger<T>): void {
    if (!this.#log.isShared || this.#attended.size === 0) return;
    if (ledger !== this.#observed) this.#observe(ledger);
    for (const attended of this.#attended.values()) {
      if (!isCurrent(ledger, attended)) this.#tell(attended, ledger);
    }
  }

  #observe(ledger: Ledger<T>): void {
    this.#observed = ledger;
    for (const attended of this.#attended.values()) attended.seen = undefined;
    this.#unobserve = observe<T>(ledger, ({ type, message, reason }) => {
      const attended = this.#attended.get(message.id);
      if (attended?.receipt !== message.receipt) return;
      attended.seen = { type, reason };
    });
  }

  /** Tells a handler that its delivery is over, unless it has ended it itself, or is told by others. */
  #tell(attended: Attended, { messages }: Ledger<T>): void {
    const { id, group, seen, onCancel } = attended;
    const lease = this.#leases.of(attended);
    if (lease === undefined || this.#pending.has(id)) return;
    // Where it was not seen, a mutation that acknowledges it is likely to have.
    const isDone = seen ? seen.type === "done" : lease.mayBeAcked;
    if (isDone) return;
    if (messages[id] === undefined) attended.release = this.#hold(group);
    if (seen?.type === "cancelled") {
      onCancel(cancelled(id, seen.reason), "cancelled");
    } else onCancel(receiptExpired(id, "continue with"), "lost");
    this.#leases.lose(lease);
  }

  /** Notes that a handler has ended, or is given up. */
  leave({ id, receipt }: Delivery): void {
    const attended = this.#attended.get(id);
    if (attended?.receipt !== receipt) return;
    this.#attended.delete(id);
    attended.release?.();
  }

  /** The hold of a consumer on a message in flight. */
  readonly holdOf = (id: number): Hold | undefined => {
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    const { receipt, since, deadline } = lease;
    const now = this.#now();
    return {
      by: this.#attended.get(id)?.receipt === receipt ? "work" : "receive",
      heldMs: now - since,
      leftMs: Math.max(0, deadline - now),
    };
  };

  /** Cancels a message, durably. From here on its delivery cannot be settled, unless this fails. */
  cancel(id: number, reason: string | undefined): Promise<CancelResult> {
    checkCount("id", id);
    const because = checkReason(reason);
    const earlier = this.#pending.get(id);
    if (earlier !== undefined) {
      return earlier.ended.then((found) =>
        found === "unknown" ? found : "finished"
      );
    }
    const ended = this.#cancel(id, because)
      .finally(() => {
        this.#pending.delete(id);
        void this.#lookOnce();
      });
    this.#pending.set(id, { ended, isPassedOver: false });
    return ended;
  }

  async #cancel(
    id: number,
    reason: string | undefined,
  ): Promise<CancelResult> {
    const found = await this.#log.readable();
    if (found.messages[id] === undefined) {
      return isKept(found, id) ? "finished" : "unknown";
    }
    // What was called before stands first in the log.
    await this.#leases.get(id)?.settling?.catch(() => {});
    const ledger = await this.#log.readable();
    const message = ledger.messages[id];
    if (message === undefined) return "finished";
    const { receipt, inFlight, group } = message;
    const release = inFlight ? this.#hold(group) : () => {};
    const why = reason === undefined ? {} : { reason };
    try {
      const isOurs = await settleTold(
        this.#log.about,
        {
          by: "cancel",
          durable: true,
          settlements: [{ id, as: "cancelled" }],
        },
        () => this.#enter({ id, ...why }),
        (told, isOurs) => {
          if (!isOurs) told.settlements = [];
        },
      );
      if (isOurs) return this.#stop({ id, receipt }, inFlight, reason, release);
    } catch (error) {
      if (this.#pending.get(id)!.isPassedOver) await this.#giveBack(id);
      release();
      throw error;
    }
    release();
    return "finished";
  }

  /** Logs a cancellation. Returns whether it has ended the message. */
  #enter(cancellation: Cancellation): Promise<boolean> {
    const { id } = cancellation;
    return hadEffect(this.#log, { cancel: [cancellation] }, {
      type: "cancelled",
      id,
      isDue: ({ messages }) => messages[id] !== undefined,
      isSure: (now) => hasEnded(now, id) ? false : undefined,
      isLikely: true,
    });
  }

  /** Holds a group: a handler may still run when its message is gone. */
  #hold(group: string | undefined): () => void {
    return group === undefined ? () => {} : this.#log.hold(group);
  }

  /** Ends the delivery of a message that was cancelled, and frees its group once its handler has ended. */
  #stop(
    delivery: Delivery,
    inFlight: boolean,
    reason: string | undefined,
    release: () => void,
  ): CancelResult {
    const { id, receipt } = delivery;
    const attended = this.#attended.get(id);
    const isRunning = inFlight && attended?.receipt === receipt;
    if (isRunning) {
      attended.release = release;
      attended.onCancel(cancelled(id, reason), "cancelled");
    } else release();
    const lease = this.#leases.find(delivery);
    if (lease !== undefined) this.#leases.lose(lease);
    return isRunning ? "stopping" : "cancelled";
  }
}

/** Whether a message that is not in the ledger any more ended otherwise than by a cancellation, as far as that is known. */
function hasEnded({ dead, finished }: Ledger, id: number): boolean {
  return dead[id] !== undefined || finished?.[id]?.as === "acked";
}

/** Whether a message that has ended is kept. */
function isKept({ dead, finished }: Ledger, id: number): boolean {
  return dead[id] !== undefined || finished?.[id] !== undefined;
}

function cancelled(id: number, reason: string | undefined): MiniError {
  const why = reason === undefined ? "" : `: ${reason}`;
  return new MiniError(
    "RECEIPT_EXPIRED",
    `Cannot continue with message ${id}: it was cancelled${why}`,
    { cause: reason },
  );
}
