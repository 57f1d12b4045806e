import { receiptExpired } from "../../queue/internal.ts";
import { systemClock } from "../../queue/mod.ts";
import type { Calls } from "./wire/calls.ts";

const now = () => systemClock.monotonic();

/** A delivery as a server describes it in the address that takes its acknowledgement. */
export interface Address {
  readonly reply: string;
  /** The number of the message in the stream. */
  readonly id: number;
  /** The number of the delivery among all of the consumer. */
  readonly receipt: number;
  readonly attempts: number;
  readonly storedAt: Date;
}

/** Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream number>.<delivery number>.<time>.<pending>`; after `ACK` a domain and an account may stand. */
export function addressOf(reply: string): Address {
  const tokens = reply.split(".");
  const at = tokens.length > 9 ? 6 : 4;
  const [attempts, id, receipt, nanos] = tokens.slice(at).map(Number);
  return {
    reply,
    id: id!,
    receipt: receipt!,
    attempts: attempts!,
    storedAt: new Date(Math.floor(nanos! / 1e6)),
  };
}

/** The right to settle a delivery, by this process's own clock: the servers take an answer of anybody, at any time. */
export interface Hold extends Address {
  /** When it ends. */
  deadline: number;
  /** Until when it is to be moved on. */
  keepUntil: number;
  state: "open" | "settling" | "withdrawn" | "over";
  /** Called when it is lost while it was to be kept. */
  onLost: () => void;
  readonly end: AbortController;
  isKept: boolean;
}

/** The share of the timeout that a delivery and its answer may take on the way. */
const MARGIN = 0.05;
const MAX_MARGIN_MS = 500;

/** The deliveries that this process holds. */
export class Receipts {
  readonly #calls: Calls;
  readonly #timeoutMs: number;
  readonly #holds = new Set<Hold>();

  constructor(calls: Calls, timeoutMs: number) {
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes a delivery that has just arrived. */
  take(reply: string): Hold {
    const hold: Hold = {
      ...addressOf(reply),
      deadline: this.#from(now()),
      keepUntil: 0,
      state: "open",
      onLost: () => {},
      end: new AbortController(),
      isKept: false,
    };
    this.#holds.add(hold);
    return hold;
  }

  #from(start: number): number {
    const margin = Math.min(this.#timeoutMs * MARGIN, MAX_MARGIN_MS);
    return start + this.#timeoutMs - margin;
  }

  isCurrent(hold: Hold): boolean {
    if (hold.state === "open" && hold.deadline <= now()) this.lose(hold);
    return hold.state === "open";
  }

  /** Takes a delivery from its consumer. Returns whether it was unsettled. */
  lose(hold: Hold): boolean {
    if (hold.state !== "open") return false;
    this.#over(hold);
    hold.onLost();
    return true;
  }

  /** Takes a delivery that is kept from its handler, and keeps it: nobody else has the message before it is given back. Returns whether it was unsettled. */
  withdraw(hold: Hold): boolean {
    if (!this.isCurrent(hold)) return false;
    hold.state = "withdrawn";
    hold.onLost();
    return true;
  }

  /** Ends a delivery that was withdrawn, once `task` has settled it. */
  async giveUp(hold: Hold, task: () => Promise<void>): Promise<void> {
    await task();
    this.#over(hold);
  }

  /** Takes all deliveries from their consumers. */
  loseAll(): void {
    for (const hold of [...this.#holds]) this.lose(hold);
  }

  #over(hold: Hold): void {
    hold.state = "over";
    this.#holds.delete(hold);
    hold.end.abort("over");
  }

  /** Settles a delivery, unless it is lost: no other call can while this one runs. */
  async settle(
    hold: Hold,
    doing: string,
    task: () => Promise<void>,
  ): Promise<void> {
    if (!this.isCurrent(hold)) throw receiptExpired(hold.id, doing);
    hold.state = "settling";
    try {
      await task();
    } catch (error) {
      hold.state = "open";
      throw error;
    }
    this.#over(hold);
  }

  /** Tells the servers about a delivery, and waits until they know it. Gives up when the delivery ends. */
  async tell(hold: Hold, word: string, doing: string): Promise<void> {
    await this.#calls.patiently(
      `${doing} message ${hold.id}`,
      async () => {
        const timeoutMs = hold.deadline - now();
        await this.#calls.request(hold.reply, word, { timeoutMs });
      },
      {
        forMs: hold.deadline - now(),
        known:
          "whether the servers know it is unknown; if not, the message is delivered again",
      },
    );
  }

  /** Tells the servers to deliver a message again, after a delay in milliseconds. */
  nack(hold: Hold, delayMs: number): Promise<void> {
    const delay = Math.round(delayMs * 1e6);
    return this.tell(hold, `-NAK {"delay":${delay}}`, "nack");
  }

  /** Moves the end of a delivery to `ms` from now. */
  async extend(hold: Hold, ms: number): Promise<void> {
    if (!this.isCurrent(hold)) throw receiptExpired(hold.id, "extend");
    if (hold.keepUntil === Infinity) return;
    const start = now();
    await this.tell(hold, "+WPI", "extend");
    // It may have been settled meanwhile.
    if (!this.isCurrent(hold)) throw receiptExpired(hold.id, "extend");
    hold.deadline = Math.min(this.#from(start), start + ms);
    this.keep(hold, start + ms);
  }

  /** Moves the end of a delivery on and on, until a time. */
  keep(hold: Hold, until: number): void {
    hold.keepUntil = until;
    if (hold.isKept || hold.deadline >= until) return;
    hold.isKept = true;
    void this.#keep(hold);
  }

  async #keep(hold: Hold): Promise<void> {
    const { signal } = hold.end;
    const timeoutMs = this.#timeoutMs / 3;
    while (hold.deadline < hold.keepUntil) {
      await systemClock.sleep(timeoutMs, signal);
      if (signal.aborted) return;
      const start = now();
      // While it is being settled, that may still succeed.
      if (hold.state === "open" && !this.isCurrent(hold)) return;
      const isTold = await this.#calls
        .request(hold.reply, "+WPI", { timeoutMs })
        .then(() => true, () => false);
      if (isTold) {
        hold.deadline = Math.min(this.#from(start), hold.keepUntil);
      }
    }
    hold.isKept = false;
  }

  /** Lets a delivery that is kept end like any other. */
  letRunOut(hold: Hold): void {
    hold.keepUntil = 0;
    if (hold.state === "withdrawn") this.#over(hold);
  }
}
