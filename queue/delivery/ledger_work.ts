import type { Settlement } from "../ledger/entry.ts";
import { receiptExpired } from "../ledger/ledger.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Handler, PoolLimits } from "./handler.ts";
import type { QueueMessage } from "./message.ts";
import { loggedError } from "./reason.ts";
import type { ToldWork } from "../telemetry/process.ts";
import { toldDelivery } from "../telemetry/told.ts";
import { type PoolOptions, WorkerPool } from "./worker.ts";
import type { WorkFailure, WorkSource } from "./work_source.ts";

/** Workers on the messages of a ledger. */
export type LedgerPool<T, M> = WorkerPool<QueueMessage<T, unknown, M>>;

/** Workers on the messages of a ledger, which are about to run. */
export function ledgerPool<T, M>(
  { dispatcher, deliveries, options }: {
    readonly dispatcher: Dispatcher<T, M>;
    readonly deliveries: Deliveries<T, M>;
    readonly options: PoolOptions;
  },
  handler: Handler<T, unknown, M>,
  limits: PoolLimits,
): LedgerPool<T, M> {
  return new WorkerPool(
    new LedgerWork(dispatcher, deliveries),
    options,
    (message, signal) => {
      const progress = deliveries.progress.reporter(message);
      return handler(message, { signal, progress });
    },
    limits,
  );
}

/** The messages of a ledger, for workers. */
class LedgerWork<T, M> implements WorkSource<QueueMessage<T, unknown, M>> {
  readonly #dispatcher: Dispatcher<T, M>;
  readonly #deliveries: Deliveries<T, M>;

  constructor(dispatcher: Dispatcher<T, M>, deliveries: Deliveries<T, M>) {
    this.#dispatcher = dispatcher;
    this.#deliveries = deliveries;
  }

  async next(
    signal: AbortSignal,
    untilEmpty: boolean,
  ): Promise<QueueMessage<T, unknown, M> | undefined> {
    // A message does not time out while its handler runs.
    const held = { waitMs: Infinity, visibilityTimeoutMs: Infinity };
    const options = { ...held, signal };
    return (await this.#dispatcher.take(1, options, { untilEmpty }))[0];
  }

  attend(
    message: QueueMessage<T, unknown, M>,
    { onCancel, onLost }: Parameters<WorkSource<never>["attend"]>[1],
  ): boolean {
    if (!this.#deliveries.cancels.attend(message, onCancel)) return false;
    this.#deliveries.onLost(
      message,
      () => onLost(receiptExpired(message.id, "continue with")),
    );
    return true;
  }

  told(message: QueueMessage<T, unknown, M>): ToldWork {
    const lease = this.#deliveries.leaseOf(message);
    return {
      message: {
        ...this.#deliveries.about,
        ...toldDelivery(message),
        waitedMs: lease?.waitedMs ?? 0,
      },
      outcome(ended) {
        const ifExpired = lease?.mayBeAcked ? "acked" : "lost";
        return lease?.settledAs ?? ended ?? ifExpired;
      },
    };
  }

  handled(ms: number): void {
    this.#deliveries.meter.handlerMs.record(ms);
  }

  leave(message: QueueMessage<T, unknown, M>): void {
    this.#deliveries.cancels.leave(message);
  }

  cancelling(
    { id }: QueueMessage<T, unknown, M>,
  ): Promise<unknown> | undefined {
    return this.#deliveries.cancels.pending(id);
  }

  done(
    message: QueueMessage<T, unknown, M>,
    result: unknown,
  ): Promise<void> {
    return message.ack(result);
  }

  giveBack(
    message: QueueMessage<T, unknown, M>,
    failure: Partial<WorkFailure> = {},
  ): Promise<void> {
    return message.nack({ ...failure, countAttempt: false });
  }

  retry(
    message: QueueMessage<T, unknown, M>,
    { delayMs, reason }: WorkFailure,
    error: unknown,
  ): Promise<void> {
    const due = this.#deliveries.dueAfter(delayMs);
    const settlement = this.#deliveries.returned(message, { due, reason });
    return this.#settle(settlement, error);
  }

  bury(
    { id, receipt }: QueueMessage<T, unknown, M>,
    reason: string,
    error: unknown,
  ): Promise<void> {
    return this.#settle({ id, receipt, as: "dead", reason }, error);
  }

  #settle(settlement: Settlement, error: unknown): Promise<void> {
    const isDead = settlement.as === "dead";
    return this.#deliveries.settle({
      ...settlement,
      ...(isDead && { error: loggedError(error) }),
    }, "settle");
  }

  lose(message: QueueMessage<T, unknown, M>): boolean {
    return this.#deliveries.lose(message) !== undefined;
  }

  async takeBack(
    message: QueueMessage<T, unknown, M>,
    { delayMs, reason }: WorkFailure,
  ): Promise<void> {
    const due = this.#deliveries.dueAfter(delayMs);
    await this.#deliveries.takeBack([message], { due, reason });
  }

  timeOut(message: QueueMessage<T, unknown, M>): void {
    this.#deliveries.timeOut([message]);
  }

  letRunOut(message: QueueMessage<T, unknown, M>): void {
    this.#deliveries.letRunOut(message);
  }
}
