import type { Settlement } from "../ledger/entry.ts";
import type { ProgressEvent, Told } from "./event.ts";

/** An event that is in no record: its number is that of the last record before it. */
type LiveEvent = Omit<ProgressEvent, "seq">;

/** The last progress in memory of one delivery. */
interface Latest {
  /** How many there were of all deliveries. */
  readonly count: number;
  readonly receipt: number;
  readonly event: LiveEvent;
}

/** The progress in memory of the deliveries under way: of each the last one, however slow its readers are. */
export class LatestProgress {
  /** By message, the oldest first. */
  readonly #latest = new Map<number, Latest>();
  /** How many there were. */
  count = 0;

  note(event: LiveEvent, receipt: number): void {
    this.#latest.delete(event.id);
    this.#latest.set(event.id, { count: ++this.count, receipt, event });
  }

  /** Forgets that of a message of which something is on record. */
  forget(id: number): void {
    this.#latest.delete(id);
  }

  /** Forgets that of the deliveries for which `isThere` is false. */
  keep(
    isThere: (delivery: Pick<Settlement, "id" | "receipt">) => boolean,
  ): void {
    for (const [id, { receipt }] of this.#latest) {
      if (!isThere({ id, receipt })) this.#latest.delete(id);
    }
  }

  /** The first one after the first `count`, as an event after record `seq`. */
  after(
    count: number,
    seq: number,
  ): { readonly count: number; readonly told: Told<never> } | undefined {
    for (const latest of this.#latest.values()) {
      if (latest.count <= count) continue;
      const event = { ...latest.event, seq };
      return {
        count: latest.count,
        told: { event, receipt: latest.receipt },
      };
    }
    return undefined;
  }
}
