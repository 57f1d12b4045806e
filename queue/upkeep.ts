import { checkCount } from "../base/checks.ts";
import { Mutex } from "../base/mutex.ts";
import { given } from "../base/promise.ts";
import type { CompactionReport } from "../state/mod.ts";
import type { Deliveries } from "./delivery/deliveries.ts";
import { nextKeyExpiry } from "./ledger/dedupe_index.ts";
import { type DeadLetter, deadLetterPage } from "./ledger/status.ts";
import type { LedgerLog } from "./ledger_log.ts";
import type {
  CheckedOptions,
  DeadLetterChoice,
  RedriveOptions,
} from "./options.ts";

/** The dead letters that a filter sees at a time. */
const PAGE = 1_000;

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

  /** On opening: limits what is kept, takes back what the consumers of an earlier process held, and compacts the log if that is overdue. */
  async takeOver(
    { policy, onError }: Pick<CheckedOptions<T>, "policy" | "onError">,
  ): Promise<void> {
    const found = this.#log.changeCount;
    await this.#log.limit(policy).catch(onError);
    await this.#deliveries.takeBackAll();
    if (found < await this.#log.garbageThreshold()) return;
    // The queue works without it; a later compaction does the same.
    await this.compact().catch(() => {});
  }

  redrive(
    which: DeadLetterChoice<T>,
    { perSecond = Infinity }: RedriveOptions,
  ): Promise<number> {
    return this.#mutex.run(async () => {
      const ids = await this.#deadIds(which);
      const now = this.#log.now();
      const later = ids.map((id, index) => {
        const afterMs = Math.floor(1_000 * index / perSecond);
        return afterMs === 0 ? id : { id, due: Math.ceil(now + afterMs) };
      });
      for (const redrive of chunks(later)) {
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

  /** The ids of dead letters, in the order in which they were enqueued. */
  async #deadIds(which: DeadLetterChoice<T>): Promise<number[]> {
    const view = await this.#log.view();
    const { dead } = view.ledger;
    const ids = typeof which === "function"
      ? await this.#matching(which)
      : which === "all"
      ? Object.values(dead).map(({ id }) => id)
      : [which].flat();
    for (const id of ids) checkCount("id", id);
    return [...new Set(ids)].filter((id) => dead[id] !== undefined)
      .sort((a, b) => dead[a]!.order - dead[b]!.order);
  }

  async #matching(
    filter: (letter: DeadLetter<T>) => boolean,
  ): Promise<number[]> {
    const ids: number[] = [];
    for (let after = 0;;) {
      const options = { after, limit: PAGE };
      const page = deadLetterPage(await this.#log.view(), options);
      if (page.length === 0) return ids;
      after = page.at(-1)!.id;
      for (const letter of page) {
        const isMatch = given("filter", filter(letter), true);
        if (isMatch) ids.push(letter.id);
      }
    }
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

function* chunks<I>(ids: readonly I[]): Generator<I[], void, undefined> {
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    yield ids.slice(at, at + MAX_IDS);
  }
}
