import type { CompactionReport } from "../state/mod.ts";
import type { QueueEngine } from "./engine.ts";
import type { LedgerEntry } from "./ledger/entry.ts";
import type { LedgerHost } from "./ledger_log.ts";
import type { DeadLetter, LedgerMessage } from "./ledger/ledger.ts";
import type { QueueMessage } from "./delivery/message.ts";
import {
  attachQueue,
  type EntryIn,
  type OpenQueue,
  openQueue,
  type PayloadOf,
  type StateWith,
} from "./open.ts";
import type {
  DeliveryOptions,
  EnqueueOptions,
  EnqueueResult,
  MessageInput,
  PageOptions,
  QueueOptions,
  QueueStats,
  ReceiveOptions,
} from "./options.ts";
import type { Handler, WorkOptions } from "./delivery/worker.ts";

/**
 * A local message queue. A message is durable when `enqueue` resolves, and is
 * delivered at least once: again and again until a consumer acknowledges it, or
 * `maxAttempts` deliveries have come to nothing and it is dead, with its reason.
 *
 * @typeParam T What messages carry: any value that JSON keeps unchanged.
 * @typeParam M A mutation of the state that the queue is in.
 *
 * @example Enqueue, receive, acknowledge
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<{ to: string }>(await Deno.makeTempDir());
 * await queue.enqueue({ to: "ada" });
 * const message = await queue.receive();
 * assertEquals(message?.payload, { to: "ada" });
 * await message?.ack();
 * ```
 */
export class MiniQueue<T, M = LedgerEntry<T>> implements AsyncDisposable {
  readonly #engine: QueueEngine<T, M>;
  readonly #free: () => Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor({ engine, free }: OpenQueue<T, M>) {
    this.#engine = engine;
    this.#free = free;
  }

  /**
   * Opens the queue in a directory, or creates it. Messages that were in flight
   * when an earlier process ended can be received again at once; the delivery
   * counts.
   *
   * @param dir The directory, which holds a log and snapshots as any state does.
   * @param options How messages are delivered, and kept.
   * @returns The queue. Close it to free the lock.
   * @throws {TypeError} As `StateManager.open`; where the directory holds a state.
   * @throws {MiniError} As `StateManager.open`; `CORRUPT` for a record that is no
   * entry of a queue, `UNSUPPORTED_FORMAT` for one, or a snapshot, of a kind or
   * a version that this code does not know.
   */
  static async open<T>(
    dir: string | URL,
    options: QueueOptions<T> = {},
  ): Promise<MiniQueue<T>> {
    return new MiniQueue(await openQueue(dir, options));
  }

  /**
   * Opens a queue whose ledger is part of a state of one's own, so that a change
   * of that state, the messages it sends and the acknowledgement of the message
   * that has caused it can be one atomic, durable record: see
   * {@linkcode MiniQueue.enqueueMutation} and {@linkcode QueueMessage.ackMutation}.
   *
   * The state has a {@linkcode Ledger} under `name`, made by `emptyLedger`; its
   * `apply` hands mutations `{ [name]: entry }` to `applyToLedger`.
   *
   * @param manager The state. It stays open when the queue is closed.
   * @param name Where the ledger is in the state.
   * @param options How messages are delivered.
   * @returns The queue.
   * @throws {TypeError} Where there is no ledger, or another queue on it.
   * @throws {MiniError} `UNSUPPORTED_FORMAT` where the ledger is of a version
   * that this code does not know.
   *
   * @example A state change and the message it sends are one record
   * ```ts
   * import { StateManager } from "@mini/state/state";
   * import { applyToLedger, emptyLedger, type LedgerEntry, MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * type Mutation = { order: string } | { outbox: LedgerEntry<string> };
   * await using shop = await StateManager.open(await Deno.makeTempDir(), {
   *   initial: () => ({ orders: [] as string[], outbox: emptyLedger<string>() }),
   *   apply: (state, mutation: Mutation) => {
   *     if ("outbox" in mutation) applyToLedger(state.outbox, mutation.outbox);
   *     else state.orders.push(mutation.order);
   *   },
   * });
   * const outbox = await MiniQueue.attach(shop, "outbox");
   * await shop.applyBatch([{ order: "tea" }, outbox.enqueueMutation("confirm tea")]);
   * assertEquals((await outbox.receive())?.payload, "confirm tea");
   * ```
   */
  static async attach<S extends StateWith<K>, K extends string>(
    manager: LedgerHost<S, EntryIn<K, PayloadOf<S[K]>>>,
    name: K,
    options: DeliveryOptions<PayloadOf<S[K]>> = {},
  ): Promise<MiniQueue<PayloadOf<S[K]>, EntryIn<K, PayloadOf<S[K]>>>> {
    return new MiniQueue(await attachQueue(manager, name, options));
  }

  /**
   * Enqueues a message.
   *
   * @param payload What it carries; taken as it is at the call.
   * @param options When, in which order, and whether at all.
   * @returns Its number, or that of the message that has kept it out; durable.
   * @throws {MiniError} As `StateManager.apply`; `INVALID` where the schema
   * refuses the payload.
   */
  async enqueue(
    payload: T,
    options: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    const [enqueued] = await this.#engine.enqueue([{ ...options, payload }]);
    return enqueued!;
  }

  /**
   * Enqueues messages as one: after a crash all of them are there, or none.
   *
   * @param messages What they carry, each with its own options.
   * @returns Their numbers, in order; durable.
   * @throws {MiniError} As {@linkcode MiniQueue.enqueue}.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async enqueueBatch(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    return this.#engine.enqueue(messages);
  }

  /**
   * The mutation that enqueues a message: for `applyBatch` and `transact` of the
   * state that the queue is attached to, to make it one with other mutations.
   * To be applied once at most.
   *
   * @param payload What it carries.
   * @param options When, in which order, and whether at all.
   * @returns The mutation.
   * @throws {MiniError} `INVALID` where the schema refuses the payload.
   */
  enqueueMutation(payload: T, options: EnqueueOptions = {}): M {
    return this.#engine.enqueueMutation({ ...options, payload });
  }

  /**
   * Receives the next message. It is the caller's to settle until the visibility
   * timeout has passed; that it was delivered survives a crash of the process.
   *
   * @param options How long to wait.
   * @returns The delivery; `undefined` where there was none in time, or the
   * queue was closed.
   * @throws {MiniError} As `StateManager.apply`.
   */
  async receive(
    options: ReceiveOptions = {},
  ): Promise<QueueMessage<T, M> | undefined> {
    return (await this.#engine.receive(1, options))[0];
  }

  /**
   * Receives up to so many messages, waiting for the first alone.
   *
   * @param max How many at most.
   * @param options How long to wait.
   * @returns The deliveries, each to be settled by itself.
   * @throws {MiniError} As `StateManager.apply`.
   */
  async receiveBatch(
    max: number,
    options: ReceiveOptions = {},
  ): Promise<QueueMessage<T, M>[]> {
    return await this.#engine.receive(max, options);
  }

  /**
   * Receives until the queue is closed. Every message is still to be settled; the
   * one with which a loop is left, by `break` or by an error, is given back at
   * once where it was not, and its delivery counts.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<QueueMessage<T, M>> {
    return this.#engine.receiveAll();
  }

  /**
   * Handles messages, so many at a time, until `signal` or the queue is closed.
   *
   * A message is acknowledged when its handler returns. When it throws, the
   * message is given back with the back-off of the queue; `RetryLaterError` and
   * `DeadLetterError` say otherwise. While its handler runs, a message does not run
   * out. On stopping, handlers have `stopTimeoutMs` to end. So have they after
   * `handlerTimeoutMs`, and until they do, or are given up, they count and their
   * message and its group wait; then the message is given back as if they had
   * thrown.
   *
   * Where nothing can be put on record, as on a full disk, it waits, tells
   * `onError`, and goes on once it can.
   *
   * @param handler Does what a message asks for.
   * @param options How many at a time, and until when.
   * @returns When it was stopped.
   * @throws {MiniError} `POISONED` when it cannot go on.
   *
   * @example Work until there is nothing left
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<number>(await Deno.makeTempDir());
   * await queue.enqueueBatch([1, 2, 3].map((payload) => ({ payload })));
   * const stop = new AbortController();
   * let sum = 0;
   * await queue.work(({ payload }) => {
   *   sum += payload;
   *   if (sum === 6) stop.abort();
   * }, { signal: stop.signal });
   * assertEquals(sum, 6);
   * ```
   */
  work(handler: Handler<T, M>, options: WorkOptions = {}): Promise<void> {
    return this.#engine.work(handler, options);
  }

  /** How many messages there are. */
  stats(): Promise<QueueStats> {
    return this.#engine.stats();
  }

  /**
   * Looks at the messages that wait, without receiving them: the next first.
   * What it costs grows with `limit` and with what is in flight, not with how
   * many wait.
   *
   * @param limit How many at most.
   * @returns Copies.
   */
  peek(limit: number = 10): Promise<LedgerMessage<T>[]> {
    return this.#engine.peek(limit);
  }

  /**
   * The messages that are dead, and why, in the order of their numbers. Where
   * there may be many, look at them in pages: each costs what it gives.
   *
   * @param options Behind which number to begin, and how many at most.
   * @returns Copies.
   *
   * @example Page by page, whatever becomes of those that were seen
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
   * for (const message of await queue.receiveBatch(3)) await message.deadLetter("no");
   * const seen: string[] = [];
   * for (let after = 0;;) {
   *   const page = await queue.deadLetters({ after, limit: 2 });
   *   if (page.length === 0) break;
   *   after = page.at(-1)!.id;
   *   for (const { id, payload } of page) {
   *     seen.push(payload);
   *     await queue.redrive(id);
   *   }
   * }
   * assertEquals(seen, ["a", "b", "c"]);
   * ```
   */
  deadLetters(options: PageOptions = {}): Promise<DeadLetter<T>[]> {
    return this.#engine.deadLetters(options);
  }

  /**
   * Lets dead messages wait again, behind all others, their deliveries forgotten.
   *
   * @param which The number of one, or all.
   * @returns How many there were; durable.
   * @throws {MiniError} As `StateManager.apply`.
   */
  redrive(which: number | "all"): Promise<number> {
    return this.#engine.redrive(which);
  }

  /**
   * Removes messages for good; durable.
   *
   * @param which A dead one, the dead ones, or all, those in flight as well.
   * @returns How many there were.
   * @throws {MiniError} As `StateManager.apply`.
   */
  purge(which: number | "dead" | "all" = "dead"): Promise<number> {
    return this.#engine.purge(which);
  }

  /** Delivers nothing until {@linkcode MiniQueue.resume}; also after a restart. Durable. */
  pause(): Promise<void> {
    return this.#engine.setPaused(true);
  }

  /** Delivers again. Durable. */
  resume(): Promise<void> {
    return this.#engine.setPaused(false);
  }

  /**
   * Makes a snapshot, and removes what it makes unneeded from the log. A queue
   * of its own does it by itself when most of its log is dead weight.
   *
   * @returns What was removed.
   * @throws {MiniError} As `StateManager.compact`.
   */
  compact(): Promise<CompactionReport> {
    return this.#engine.compact();
  }

  /**
   * Stops all work, waiting for the handlers that run (so that none of them may
   * wait for it), lets those go who wait to receive, and frees the lock. What is
   * in flight can be received after the next opening. Closing twice is fine.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#engine.close().finally(this.#free);
  }

  /** The same as {@linkcode MiniQueue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
