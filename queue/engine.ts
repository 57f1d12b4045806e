import { onAbort } from "../base/abort.ts";
import { MiniError } from "../base/errors.ts";
import type { CompactionReport } from "../state/mod.ts";
import { Mutex } from "../base/mutex.ts";
import { checkCount } from "../base/checks.ts";
import { Signal } from "../base/signal.ts";
import { Deliveries } from "./delivery/deliveries.ts";
import { nextEnd } from "./ledger/dedupe_index.ts";
import { Dispatcher } from "./delivery/dispatcher.ts";
import type { Home } from "./ledger_log.ts";
import type { DeadLetter, LedgerMessage } from "./ledger/ledger.ts";
import {
  type CheckedOptions,
  checkSpan,
  type EnqueueResult,
  type MessageInput,
  type PageOptions,
  type QueueStats,
  type ReceiveOptions,
} from "./options.ts";
import type { QueueMessage } from "./delivery/message.ts";
import { Producer } from "./producer.ts";
import { type Handler, Work, type WorkOptions } from "./delivery/worker.ts";

/** An entry holds no more numbers of messages than this. */
const MAX_NUMBERS = 100_000;

/** The work behind a `MiniQueue`, wherever its ledger is. */
export class QueueEngine<T, M> {
  readonly #home: Home<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #deliveries: Deliveries<T, M>;
  readonly #dispatcher: Dispatcher<T, M>;
  readonly #producer: Producer<T, M>;
  readonly #works = new Map<Work<T, M>, Promise<void>>();
  readonly #mutex = new Mutex();
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(home: Home<T, M>, options: CheckedOptions<T>) {
    this.#home = home;
    this.#options = options;
    this.#producer = new Producer(home, options);
    const poke = new Signal();
    this.#deliveries = new Deliveries(home, options, poke);
    this.#dispatcher = new Dispatcher(home, this.#deliveries, options, poke);
  }

  /** Takes back what the consumers of an earlier process had. */
  async start(): Promise<void> {
    await this.#producer.start();
    await this.#deliveries.takeBackAll();
  }

  enqueue(messages: readonly MessageInput<T>[]): Promise<EnqueueResult[]> {
    this.assertOpen();
    return this.#producer.enqueue(messages);
  }

  enqueueMutation(message: MessageInput<T>): M {
    this.assertOpen();
    return this.#producer.enqueueMutation(message);
  }

  async receive(
    max: number,
    options: ReceiveOptions,
  ): Promise<QueueMessage<T, M>[]> {
    this.assertOpen();
    checkCount("max", max);
    return await this.#dispatcher.receive(max, options);
  }

  /** Receives until the queue is closed. */
  async *receiveAll(): AsyncGenerator<QueueMessage<T, M>, void, undefined> {
    for (;;) {
      const [message] = await this.#dispatcher.receive(1, { waitMs: Infinity });
      if (message === undefined) return;
      let isLeft = true;
      try {
        yield message;
        isLeft = false;
      } finally {
        // Not where the next one is asked for: it may be settled elsewhere.
        if (isLeft) await this.#deliveries.abandon(message);
      }
    }
  }

  async work(handler: Handler<T, M>, options: WorkOptions): Promise<void> {
    this.assertOpen();
    const { signal, concurrency = 1, ...limits } = options;
    const { handlerTimeoutMs = Infinity, stopTimeoutMs = 30_000 } = limits;
    checkCount("concurrency", concurrency);
    checkSpan("handlerTimeoutMs", handlerTimeoutMs);
    checkSpan("stopTimeoutMs", stopTimeoutMs);
    const parts = {
      dispatcher: this.#dispatcher,
      deliveries: this.#deliveries,
      options: this.#options,
    };
    const all = { concurrency, handlerTimeoutMs, stopTimeoutMs };
    const work = new Work(parts, handler, all);
    if (signal?.aborted) return;
    const letGo = onAbort(signal, () => work.stop());
    const done = work.run();
    this.#works.set(work, done);
    try {
      await done;
    } finally {
      this.#works.delete(work);
      letGo();
    }
  }

  async stats(): Promise<QueueStats> {
    await this.#takeBackDue();
    const ledger = await this.#home.readable();
    const lines = await this.#home.lines();
    const { blocked, dead: { size: dead }, inFlight: { size: inFlight } } =
      lines;
    const delayed = lines.delayed(this.#home.now());
    const ready = lines.size - blocked - inFlight - delayed;
    const { paused } = ledger;
    return { ready, blocked, delayed, inFlight, dead, paused };
  }

  /** What has run out can be received, also while nobody does. */
  async #takeBackDue(): Promise<void> {
    // What cannot be put on record now will be when somebody receives.
    if (!this.#isOver) await this.#deliveries.takeBackDue().catch(() => {});
  }

  async peek(limit: number): Promise<LedgerMessage<T>[]> {
    checkCount("limit", limit);
    await this.#takeBackDue();
    return structuredClone(await this.#home.waiting(limit));
  }

  async deadLetters(
    { after = 0, limit = Number.MAX_SAFE_INTEGER }: PageOptions,
  ): Promise<DeadLetter<T>[]> {
    checkCount("after", after, 0);
    checkCount("limit", limit);
    const { dead } = await this.#home.lines();
    return structuredClone(dead.above(after, limit));
  }

  redrive(which: number | "all"): Promise<number> {
    return this.#alone(async () => {
      const ids = await this.#deadIds(which);
      for (const redrive of chunks(ids)) {
        await this.#home.enter({ redrive }, true);
      }
      return ids.length;
    });
  }

  purge(which: number | "dead" | "all"): Promise<number> {
    return this.#alone(async () => {
      const ids = await this.#deadIds(which === "dead" ? "all" : which);
      if (which !== "all") {
        for (const purge of chunks(ids)) {
          await this.#home.enter({ purge }, true);
        }
        return ids.length;
      }
      const { size } = await this.#home.lines();
      await this.#deliveries.purge(() =>
        this.#home.enter({ purge: "all" }, true)
      );
      return size + ids.length;
    });
  }

  /** One such task at a time, so that each counts what it has done. */
  async #alone<R>(task: () => Promise<R>): Promise<R> {
    this.assertOpen();
    return await this.#mutex.run(task);
  }

  async #deadIds(which: number | "all"): Promise<number[]> {
    const { dead } = await this.#home.readable();
    if (which === "all") {
      return Object.values(dead).sort((a, b) => a.order - b.order)
        .map(({ id }) => id);
    }
    checkCount("id", which);
    return dead[which] === undefined ? [] : [which];
  }

  async setPaused(paused: boolean): Promise<void> {
    this.assertOpen();
    await this.#home.enter({ paused }, true);
  }

  async compact(): Promise<CompactionReport> {
    this.assertOpen();
    await this.#dropKeys();
    const { report, left } = await this.#home.compact();
    // The log stays as far back as the snapshot before this one, which may stand
    // where there was still much to do: with another one that is gone as well.
    if (left < await this.#home.deadWeight()) return report;
    await this.#home.enter({ tick: true }, true);
    const { report: next } = await this.#home.compact();
    return {
      removed: [...report.removed ?? [], ...next.removed ?? []],
      removedBytes: (report.removedBytes ?? 0) + (next.removedBytes ?? 0),
      firstSequence: next.firstSequence,
    };
  }

  /** Has the time on record that lets the ledger forget keys: nothing else may have happened since. */
  async #dropKeys(): Promise<void> {
    const ledger = await this.#home.readable();
    if (nextEnd(ledger) > this.#home.now()) return;
    // Where the disk is full, compaction frees it.
    await this.#home.enter({ tick: true }, false).catch(() => {});
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#home.isClosed;
  }

  assertOpen(): void {
    if (!this.#isOver) return;
    throw new MiniError("CLOSED", "Cannot use the queue: it was closed");
  }

  /** Stops every work, and serves nobody any more. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#closing ??= this.#end();
  }

  async #end(): Promise<void> {
    for (const work of this.#works.keys()) work.stop();
    await Promise.allSettled(this.#works.values());
    await this.#dispatcher.end();
    const { isClosed, failure } = this.#home;
    if (isClosed || failure !== undefined || !this.#home.hasDrifted) return;
    // The next opening would take what the clock has jumped for time that has passed.
    await this.#home.enter({ tick: true }, false).catch(() => {});
  }
}

function* chunks(ids: readonly number[]): Generator<number[], void, undefined> {
  for (let at = 0; at < ids.length; at += MAX_NUMBERS) {
    yield ids.slice(at, at + MAX_NUMBERS);
  }
}
