import { checkCount } from "../base/checks.ts";
import { Mutex } from "../base/mutex.ts";
import type { CompactionReport } from "../state/mod.ts";
import type { Deliveries } from "./delivery/deliveries.ts";
import { nextKeyExpiry } from "./ledger/dedupe_index.ts";
import type { LedgerLog } from "./ledger_log.ts";

/** The most ids in one entry. */
const MAX_IDS = 100_000;

/** The tasks of an operator: redrive, purge, compact. */
export class Upkeep<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #deliveries: Deliveries<T, M>;
  /** One task at a time, so that each counts its own changes. */
  readonly #mutex = new Mutex();

  constructor(log: LedgerLog<T, M>, deliveries: Deliveries<T, M>) {
    this.#log = log;
    this.#deliveries = deliveries;
  }

  redrive(which: number | "all"): Promise<number> {
    return this.#mutex.run(async () => {
      const ids = await this.#deadIds(which);
      for (const redrive of chunks(ids)) {
        await this.#log.enter({ redrive }, true);
      }
      return ids.length;
    });
  }

  purge(which: number | "dead" | "all"): Promise<number> {
    return this.#mutex.run(async () => {
      const ids = await this.#deadIds(which === "dead" ? "all" : which);
      if (which !== "all") {
        for (const purge of chunks(ids)) {
          await this.#log.enter({ purge }, true);
        }
        return ids.length;
      }
      const { size } = await this.#log.readyIndex();
      await this.#deliveries.purge(() =>
        this.#log.enter({ purge: "all" }, true)
      );
      return size + ids.length;
    });
  }

  async #deadIds(which: number | "all"): Promise<number[]> {
    const { dead } = await this.#log.readable();
    if (which === "all") {
      return Object.values(dead).sort((a, b) => a.order - b.order)
        .map(({ id }) => id);
    }
    checkCount("id", which);
    return dead[which] === undefined ? [] : [which];
  }

  async compact(): Promise<CompactionReport> {
    await this.#recordExpiry();
    const { report, left } = await this.#log.compact();
    // The log still reaches back to the snapshot before this one, which may be
    // much older; another snapshot takes its place. A consumer that holds the
    // records back holds them then too.
    if (report.heldBy !== undefined) return report;
    if (left < await this.#log.garbageThreshold()) return report;
    await this.#log.enter({ tick: true }, true);
    const { report: next } = await this.#log.compact();
    return {
      ...next,
      removed: [...report.removed ?? [], ...next.removed ?? []],
      removedBytes: (report.removedBytes ?? 0) + (next.removedBytes ?? 0),
    };
  }

  /** Records the time if keys have expired: the ledger forgets them with the next entry, and there may be no other. */
  async #recordExpiry(): Promise<void> {
    const ledger = await this.#log.readable();
    if (nextKeyExpiry(ledger) > this.#log.now()) return;
    // On a full disk this fails, and compaction frees space all the same.
    await this.#log.enter({ tick: true }, false).catch(() => {});
  }
}

function* chunks(ids: readonly number[]): Generator<number[], void, undefined> {
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    yield ids.slice(at, at + MAX_IDS);
  }
}
