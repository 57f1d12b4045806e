import { onAbort } from "../../base/abort.ts";
import type { CheckedOptions } from "../options.ts";
import type { Source } from "../source.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Handler, limitsOf, type WorkOptions } from "./handler.ts";
import { type LedgerPool, ledgerPool } from "./ledger_work.ts";

/** The parts of a queue that workers need. */
interface Parts<T, M> {
  readonly dispatcher: Dispatcher<T, M>;
  readonly deliveries: Deliveries<T, M>;
  readonly options: CheckedOptions<T>;
  readonly sources: readonly Source[];
}

/** The workers of a queue: a pool for each call of `work`. */
export class WorkerPools<T, M> {
  readonly #parts: Parts<T, M>;
  readonly #pools = new Map<LedgerPool<T, M>, Promise<void>>();

  constructor(parts: Parts<T, M>) {
    this.#parts = parts;
  }

  /** Handles messages until `signal` is aborted or the pools are stopped. */
  async work(
    handler: Handler<T, unknown, M>,
    options: WorkOptions,
  ): Promise<void> {
    const { signal } = options;
    const pool = ledgerPool(this.#parts, handler, limitsOf(options));
    if (signal?.aborted) return;
    const letGo = onAbort(signal, () => pool.stop());
    const done = pool.run();
    this.#pools.set(pool, done);
    const leave = this.#parts.sources.map((source) => source.wait());
    try {
      await done;
    } finally {
      this.#pools.delete(pool);
      for (const each of leave) each();
      letGo();
    }
  }

  /** The number of handlers that run. */
  get running(): number {
    let running = 0;
    for (const pool of this.#pools.keys()) running += pool.running;
    return running;
  }

  stop(): void {
    for (const pool of this.#pools.keys()) pool.stop();
  }

  /** Resolves when all have stopped. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#pools.values());
  }
}
