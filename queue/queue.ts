import { assertKnown, assertOptions, checkCount } from "../base/checks.ts";
import { MiniError } from "../base/errors.ts";
import { Signal } from "../base/signal.ts";
import type { CompactionReport, Health } from "../state/mod.ts";
import type { CancelResult } from "./delivery/cancels.ts";
import { Deliveries } from "./delivery/deliveries.ts";
import { Dispatcher } from "./delivery/dispatcher.ts";
import type { Handler, WorkOptions } from "./delivery/handler.ts";
import type { QueueMessage } from "./delivery/message.ts";
import { WorkerPools } from "./delivery/pools.ts";
import type { EventOptions, QueueEvent } from "./events/event.ts";
import { EventHub } from "./events/hub.ts";
import { type MessageOutcome, Outcomes } from "./events/outcome.ts";
import type { LedgerEntry } from "./ledger/entry.ts";
import type { LedgerView } from "./ledger/read.ts";
import type { LedgerHost } from "./ledger_host.ts";
import { LedgerLog } from "./ledger_log.ts";
import { Inbox } from "./inbox/inbox.ts";
import { postBatch, postOne } from "./inbox/post.ts";
import {
  claimLedger,
  directoryOf,
  type EntryIn,
  type OpenLedger,
  openLedger,
  type PayloadOf,
  type StateWith,
} from "./open.ts";
import {
  type DeadLetterChoice,
  type DeliveryOptions,
  type EnqueueOptions,
  type EnqueueResult,
  type MessageChanges,
  type MessageInput,
  messageOf,
  type PostOptions,
  type QueueOptions,
  RECEIVE_CHECKS,
  type ReceiveOptions,
  REDRIVE_CHECKS,
  type RedriveOptions,
} from "./options.ts";
import type { ScheduleStatus } from "./schedule/options.ts";
import { Schedules } from "./schedule/schedules.ts";
import type { Source } from "./source.ts";
import { Producer } from "./producer.ts";
import { QueueReader } from "./reader.ts";
import { queueHealth, type QueueHealthOptions } from "./telemetry/health.ts";
import type { QueueMetrics } from "./telemetry/meter.ts";
import { OPEN, type QueueOpenMessage } from "./telemetry/messages.ts";
import { Upkeep } from "./upkeep.ts";

/**
 * A local message queue. A message is durable when `enqueue` resolves. It is
 * delivered at least once: again and again until a consumer acknowledges it, or
 * until `maxAttempts` deliveries have failed and it becomes a dead letter.
 *
 * @typeParam T The payload of the messages: any value that JSON keeps unchanged.
 * @typeParam R The results of their handlers.
 * @typeParam M A mutation of the state that holds the queue.
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
export class MiniQueue<T, R = unknown, M = LedgerEntry<T>>
  extends QueueReader<T, R>
  implements AsyncDisposable {
  readonly #log: LedgerLog<T, M>;
  readonly #free: () => Promise<void>;
  readonly #producer: Producer<T, M>;
  readonly #deliveries: Deliveries<T, M>;
  readonly #dispatcher: Dispatcher<T, M>;
  readonly #pools: WorkerPools<T, M>;
  readonly #upkeep: Upkeep<T, M>;
  readonly #inbox: Inbox<T, M> | undefined;
  readonly #schedules: Schedules<T, M> | undefined;
  readonly #sources: readonly Source[];
  readonly #events: EventHub<T>;
  readonly #outcomes: Outcomes<T, R>;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /** The file of the log that the queue is in, absolute; `undefined` if that has none. */
  readonly journalPath: string | undefined;

  private constructor(
    log: LedgerLog<T, M>,
    { options, free, inbox, journalPath }: OpenLedger<T, M>,
  ) {
    super(() => this.#current());
    this.#log = log;
    this.#free = free;
    this.journalPath = journalPath;
    const producer = this.#producer = new Producer(log, options);
    const poke = new Signal();
    log.onReleased = () => poke.fire();
    const onHint = () => poke.fire();
    this.#inbox = inbox && new Inbox(inbox, { log, producer, options, onHint });
    const { schedules } = options;
    this.#schedules = schedules &&
      new Schedules(schedules, { log, producer, options });
    const sources = this.#sources = [this.#inbox, this.#schedules]
      .filter((source) => source !== undefined);
    const parts = { log, options, poke, sources };
    const deliveries = this.#deliveries = new Deliveries(log, options, poke);
    const dispatcher = new Dispatcher({ ...parts, deliveries });
    this.#dispatcher = dispatcher;
    this.#pools = new WorkerPools({ ...parts, deliveries, dispatcher });
    this.#upkeep = new Upkeep(log, deliveries);
    const events = this.#events = new EventHub(log, options.clock);
    deliveries.progress.onNote = (delivery, progress) =>
      events.note(delivery, progress);
    this.#outcomes = new Outcomes(events, log, deliveries.acks);
  }

  /**
   * Opens the queue in a directory, or creates it. Messages that were in flight
   * when an earlier process ended can be received again at once; that delivery
   * counts.
   *
   * @param dir The directory. It holds a log and snapshots, as that of a state does.
   * Instead, options with a `log` and `snapshots` of the caller's.
   * @param options How messages are delivered and kept.
   * @returns The queue. Close it to free the lock.
   * @throws {TypeError} As `StateManager.open`; if the directory holds a state.
   * @throws {MiniError} As `StateManager.open`; `CORRUPT` if a record is not an
   * entry of a queue, `UNSUPPORTED_FORMAT` if a record or a snapshot has a kind
   * or a version that this code does not know.
   */
  static async open<T, R = unknown>(
    dir: string | URL | QueueOptions<T>,
    options: QueueOptions<T> = {},
  ): Promise<MiniQueue<T, R>> {
    return await MiniQueue.#open(
      () => directoryOf(dir),
      () => openLedger(dir, options),
    );
  }

  /**
   * Opens a queue whose ledger is part of a state of your own. A change of that
   * state, the messages that it sends and the acknowledgement of the message
   * that caused it can then be one atomic, durable record: see
   * {@linkcode MiniQueue.enqueueMutation} and {@linkcode QueueMessage.ackMutation}.
   *
   * The state has a {@linkcode Ledger} under `name`, created by `emptyLedger`.
   * Its `apply` passes mutations `{ [name]: entry }` on to `applyToLedger`.
   *
   * @param manager The state. It stays open when the queue is closed.
   * @param name The name of the ledger in the state.
   * @param options How messages are delivered.
   * @returns The queue.
   * @throws {TypeError} If there is no ledger, or another queue is attached to it.
   * @throws {MiniError} `UNSUPPORTED_FORMAT` if this code does not know the
   * version of the ledger.
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
  static async attach<K extends string, M, R = unknown>(
    manager:
      & LedgerHost<StateWith<K>, M>
      & Pick<LedgerHost<unknown, EntryIn<K, PayloadOf<M, K>>>, "apply">,
    name: K,
    options: DeliveryOptions<PayloadOf<M, K>> = {},
  ): Promise<MiniQueue<PayloadOf<M, K>, R, EntryIn<K, PayloadOf<M, K>>>> {
    return await MiniQueue.#open(
      () => ({ name }),
      () => claimLedger(manager, name, options),
    );
  }

  /**
   * Posts a message to a queue that another process has open, or will open. It
   * needs read and write access to the folder `inbox` in the directory of the
   * queue, and nothing else. The owner of the queue, opened with `inbox: true`,
   * takes the message in, once, and in the order in which this process has
   * posted its messages; docs/DURABILITY.md names the exceptions.
   *
   * @param dir The directory of the queue.
   * @param payload The content of the message; taken as it is at the call.
   * @param options When and in which order it is delivered, and its deduplication
   * key. Times begin when the queue takes the message in.
   * @returns Resolves once the message is durable.
   * @throws {MiniError} `NOT_FOUND` if there is no such folder; `UNSERIALIZABLE`;
   * `TOO_LARGE` for more than 8 MiB; `PERMISSION` and `NO_SPACE`, and nothing
   * was posted; `IO`, and the message says whether something was.
   *
   * @example From a process that cannot open the queue
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * const dir = await Deno.makeTempDir();
   * await using queue = await MiniQueue.open<string>(dir, { inbox: true });
   * await MiniQueue.post(dir, "from elsewhere", { priority: 1 });
   * assertEquals((await queue.receive())?.payload, "from elsewhere");
   * ```
   */
  static async post<T>(
    dir: string | URL,
    payload: T,
    options: PostOptions = {},
  ): Promise<void> {
    await postOne(dir, payload, options);
  }

  /**
   * Posts messages together: the queue takes in all of them or none.
   *
   * @param dir The directory of the queue.
   * @param messages The messages, each with its own options; at most 10,000.
   * @param options The file system.
   * @returns Resolves once the messages are durable.
   * @throws {MiniError} As {@linkcode MiniQueue.post}.
   */
  static async postBatch<T>(
    dir: string | URL,
    messages: readonly MessageInput<T>[],
    options: Pick<PostOptions, "fs"> = {},
  ): Promise<void> {
    await postBatch(dir, messages, options);
  }

  /** Opens a queue, and tells of it. */
  static #open<T, R, M>(
    about: () => Pick<QueueOpenMessage, "directory" | "name">,
    claim: () => OpenLedger<T, M> | Promise<OpenLedger<T, M>>,
  ): Promise<MiniQueue<T, R, M>> {
    return OPEN.run(
      () => ({ kind: "queue", ...about() }),
      async () => await MiniQueue.#start<T, R, M>(await claim()),
      (message, queue) => Object.assign(message, queue.#log.about),
    );
  }

  static async #start<T, R, M>(
    ledger: OpenLedger<T, M>,
  ): Promise<MiniQueue<T, R, M>> {
    try {
      const { binding, options } = ledger;
      const log = await LedgerLog.open(binding, options.clock);
      const queue = new MiniQueue<T, R, M>(log, ledger);
      await queue.#upkeep.takeOver(options);
      await queue.#inbox?.look();
      await queue.#schedules?.open();
      return queue;
    } catch (error) {
      await ledger.free().catch(() => {});
      throw error;
    }
  }

  /**
   * Enqueues a message.
   *
   * @param payload The content of the message; taken as it is at the call.
   * @param options When and in which order it is delivered, and its deduplication key.
   * @returns The id of the message, or of the one that kept it out; durable.
   * @throws {MiniError} As `StateManager.apply`; `INVALID` if the schema rejects
   * the payload.
   */
  async enqueue(
    payload: T,
    options: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    this.#assertOpen();
    const message = messageOf("enqueue()", payload, options);
    return (await this.#producer.enqueue([message]))[0]!;
  }

  /**
   * Enqueues messages atomically: after a crash either all of them are there or
   * none.
   *
   * @param messages The messages, each with its own options.
   * @returns Their ids, in order; durable.
   * @throws {MiniError} As {@linkcode MiniQueue.enqueue}.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async enqueueBatch(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    this.#assertOpen();
    return this.#producer.enqueue(messages);
  }

  /**
   * The mutation that enqueues a message: apply it with `applyBatch` or
   * `transact` of the state that the queue is attached to, together with other
   * mutations. Apply it at most once.
   *
   * @param payload The content of the message.
   * @param options When and in which order it is delivered, and its deduplication key.
   * @returns The mutation.
   * @throws {MiniError} `INVALID` if the schema rejects the payload.
   */
  enqueueMutation(payload: T, options: EnqueueOptions = {}): M {
    this.#assertOpen();
    return this.#producer.enqueueMutation(payload, options);
  }

  /**
   * Receives the next message. The caller may settle it until the visibility
   * timeout has passed. The delivery counts even if the process crashes.
   *
   * @param options How long to wait.
   * @returns The delivery; `undefined` if there was none in time, or the queue
   * was closed.
   * @throws {MiniError} As `StateManager.apply`.
   */
  async receive(
    options: ReceiveOptions = {},
  ): Promise<QueueMessage<T, R, M> | undefined> {
    this.#assertOpen();
    assertKnown("receive()", options, RECEIVE_CHECKS);
    return (await this.#dispatcher.receive(1, options))[0];
  }

  /**
   * Receives up to `max` messages. Waits for the first one only.
   *
   * @param max The maximum number of messages; more than 100,000 are not given at
   * once.
   * @param options How long to wait.
   * @returns The deliveries, each to be settled on its own.
   * @throws {MiniError} As `StateManager.apply`.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async receiveBatch(
    max: number,
    options: ReceiveOptions = {},
  ): Promise<QueueMessage<T, R, M>[]> {
    this.#assertOpen();
    checkCount("max", max);
    assertKnown("receiveBatch()", options, RECEIVE_CHECKS);
    return this.#dispatcher.receive(max, options);
  }

  /**
   * Receives messages until the queue is closed. The loop has to settle each
   * message. If it ends by `break` or an error, an unsettled last message is
   * given back at once, and its delivery counts.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<QueueMessage<T, R, M>> {
    return this.#dispatcher.messages();
  }

  /**
   * Handles messages, up to `concurrency` at a time, until `signal` is aborted,
   * the queue is closed, or, with `until: "empty"`, there is nothing left.
   *
   * A message is acknowledged when its handler returns. If the handler throws,
   * the message is given back with the back-off of the queue; `RetryLaterError`
   * and `DeadLetterError` override that. The visibility timeout does not end
   * while the handler runs. On stopping, handlers have `stopTimeoutMs` to end. So
   * have they after `handlerTimeoutMs`: until they end or are given up, they
   * count towards `concurrency` and hold their message and its group; then the
   * message is given back as if they had thrown.
   *
   * While nothing can be logged, as on a full disk, it tells `onError` and tries
   * again with a back-off.
   *
   * @param handler Handles one message.
   * @param options How many at a time, and until when.
   * @returns Resolves once the work has stopped.
   * @throws {MiniError} `POISONED` if it cannot continue.
   *
   * @example Work until there is nothing left
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<number>(await Deno.makeTempDir());
   * await queue.enqueueBatch([1, 2, 3].map((payload) => ({ payload })));
   * let sum = 0;
   * await queue.work(({ payload }) => {
   *   sum += payload;
   * }, { until: "empty" });
   * assertEquals(sum, 6);
   * ```
   */
  async work(
    handler: Handler<T, R, M>,
    options: WorkOptions = {},
  ): Promise<void> {
    this.#assertOpen();
    await this.#pools.work(handler, options);
  }

  /**
   * Tells whether the queue is well, the state that it is in, and its log: for a
   * check of liveness or readiness. Reads no record, and takes nothing back or in.
   *
   * @param options From when on something is worth a look.
   * @returns Plain JSON; see {@linkcode HealthCode}. Of the messages that wait, the
   * next 1,000 in the order of delivery are looked at. Rejects for no state that the
   * queue may be in, closed and poisoned included.
   * @throws {TypeError} For an option that does not exist.
   * @throws {RangeError} For a threshold that is no number from 0 on.
   *
   * @example Somebody should look at what nobody could handle
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * await queue.enqueue("hello");
   * await (await queue.receive())?.deadLetter("no such user");
   * const { status, reasons } = await queue.health({ minFreeBytes: 0 });
   * assertEquals([status, reasons[0]?.code], ["degraded", "DEAD_LETTERS"]);
   * ```
   */
  async health(options: QueueHealthOptions = {}): Promise<Health> {
    return await queueHealth(this.#log, options, {
      isClosed: this.#isOver,
      stopped: this.#schedules?.stopped ?? [],
    });
  }

  /** Shows the status of each schedule that the queue was opened with, in that order. */
  override async schedules(): Promise<ScheduleStatus[]> {
    this.#assertOpen();
    return await this.#schedules?.status() ?? [];
  }

  /**
   * The numbers of this queue since it was opened: what was enqueued, delivered
   * and settled, what waits, and how long messages waited and handlers took.
   *
   * In a state that is `immutable`, `attempts` leaves out the messages that an
   * `ackMutation` has acknowledged; the counters have them. In one that is not, the
   * counters may miss what is logged while that state is rebuilt after an abort.
   *
   * @returns Plain JSON; see {@linkcode QueueMetrics}.
   *
   * @example How much there is to do
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
   * await (await queue.receive())?.ack();
   * const { enqueued, acked, waiting } = await queue.metrics();
   * assertEquals([enqueued, acked, waiting], [2, 1, 1]);
   * ```
   */
  async metrics(): Promise<QueueMetrics> {
    this.#assertOpen();
    return this.#log.meter.read(await this.#current(), this.#pools.running);
  }

  /**
   * Waits for what becomes of a message. Nothing is thrown for one that is dead.
   *
   * What has ended before the call is told as far as the queue keeps it; what
   * ends afterwards in any case, with its result. A dead letter that was redriven
   * waits again.
   *
   * @param id The id of the message.
   * @param options When to stop waiting.
   * @returns What has become of it; `undefined` if it ended before and was not
   * kept, or there was none.
   * @throws {MiniError} `CLOSED` if the queue was closed before the message has
   * ended; `POISONED` as `StateManager.apply`.
   *
   * @example Wait for a job
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * const { id } = await queue.enqueue("resize 7.png");
   * const outcome = queue.outcome(id, { signal: AbortSignal.timeout(60_000) });
   * await (await queue.receive())?.ack();
   * assertEquals((await outcome)?.state, "done");
   * ```
   */
  async outcome(
    id: number,
    options: { signal?: AbortSignal } = {},
  ): Promise<MessageOutcome<R> | undefined> {
    this.#assertOpen();
    const outcome = this.#outcomes.of(id, options);
    // Its last delivery may be over, and nobody has noticed.
    this.#deliveries.takeBackDue().catch(() => {});
    return await outcome;
  }

  /**
   * Reads what becomes of messages, on record: what was enqueued, delivered, is
   * done, was given back, is dead or cancelled, in the order of the log. Ends
   * when the queue is closed and all that was on record is told. In between it tells progress in memory, which is on
   * no record: `durable` is false then, and `seq` that of the last record before.
   *
   * A reader may be slow: nothing waits for it, and it misses nothing on record;
   * of progress in memory it gets the last of each message in flight. One that
   * begins in the past, or is more than about a thousand records late, reads the
   * log, with a copy of the queue as it was then. So does every one, at each change,
   * where the queue is in a state that is `immutable`: each record makes another
   * ledger then, and the log alone tells what a record did. `outcome` pays that too.
   *
   * @param options Where to start, and when to stop.
   * @returns The events. Those of one record share a number: a reader that stops
   * between them and continues with that number gets all of them again.
   * @throws {MiniError} While iterating: `COMPACTED` if the log does not reach
   * back to a record, which is `seq`. That of a queue with a state of its own
   * reaches back to the last compaction, which a slow reader does not hold up;
   * `CLOSED` if the queue was closed before a reader that is behind could read
   * the rest of the log; `POISONED` as `StateManager.apply`.
   *
   * @example Everything that becomes of a message
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * const types = Array.fromAsync(queue.events({ from: 1 }), ({ type }) => type);
   * await queue.enqueue("hello");
   * await (await queue.receive())?.ack();
   * await queue.close();
   * assertEquals(await types, ["enqueued", "delivered", "done"]);
   * ```
   */
  events(options: EventOptions = {}): AsyncIterable<QueueEvent<T, R>> {
    this.#assertOpen();
    return this.#events.events(options);
  }

  /** Takes back deliveries that have timed out, and takes in what was posted, so that what is shown is true also while nobody receives. */
  async #current(): Promise<LedgerView<T>> {
    if (!this.#isOver) {
      // If it cannot be logged now, the next `receive` tries again.
      await this.#deliveries.takeBackDue().catch(() => {});
      await this.#inbox?.look();
    }
    const { progress: { latestOf }, cancels: { holdOf } } = this.#deliveries;
    return { ...await this.#log.view(), latestOf, holdOf };
  }

  /**
   * Lets dead letters wait again, after all other messages and with no attempts.
   *
   * @param which The id of one, several ids, all, or a synchronous function that
   * chooses. Ids of messages that are not dead are ignored.
   * @param options How fast they become ready.
   * @returns How many there were; durable.
   * @throws {MiniError} As `StateManager.apply`.
   *
   * @example Those that failed for one reason, ten a second
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
   * for (const message of await queue.receiveBatch(3)) {
   *   await message.deadLetter(message.payload === "b" ? "no address" : "no route");
   * }
   * const wasDown = ({ reason }: { reason: string }) => reason === "no route";
   * assertEquals(await queue.redrive(wasDown, { perSecond: 10 }), 2);
   * assertEquals((await queue.peek()).map(({ payload }) => payload), ["a", "c"]);
   * ```
   */
  async redrive(
    which: DeadLetterChoice<T>,
    options: RedriveOptions = {},
  ): Promise<number> {
    this.#assertOpen();
    assertOptions("redrive()", options, REDRIVE_CHECKS);
    return await this.#upkeep.redrive(which, options);
  }

  /**
   * Removes messages for good; durable.
   *
   * @param which The id of a dead letter, all dead letters, or all messages,
   * those in flight included.
   * @returns How many there were.
   * @throws {MiniError} As `StateManager.apply`.
   */
  async purge(which: number | "dead" | "all" = "dead"): Promise<number> {
    this.#assertOpen();
    return await this.#upkeep.purge(which);
  }

  /**
   * Cancels a message that waits or is in flight; durable. It is not delivered
   * any more, and a later `ack` is `RECEIPT_EXPIRED`. If its handler runs in
   * `work`, its `signal` is aborted; until it ends, and for at most
   * `stopTimeoutMs`, it counts towards `concurrency` and holds its group.
   * Whichever of `ack` and `cancel` is called first stands first in the log, and
   * has won.
   *
   * @param id The id of the message.
   * @param reason Why: kept with the message, and told to its handler. Cut after
   * 1,000 characters.
   * @returns What it found.
   * @throws {MiniError} As `StateManager.apply`; the message stays as it was.
   */
  async cancel(id: number, reason?: string): Promise<CancelResult> {
    this.#assertOpen();
    return await this.#deliveries.cancels.cancel(id, reason);
  }

  /**
   * Changes a message that waits: one that is ready, blocked or delayed. Durable.
   * It keeps its place within its group.
   *
   * @param id The id of the message.
   * @param changes At least one. With a `delayMs` of 0 it can be received at once.
   * @returns Whether it still waited.
   * @throws {MiniError} As {@linkcode MiniQueue.enqueue}.
   */
  async update(id: number, changes: MessageChanges<T>): Promise<boolean> {
    this.#assertOpen();
    return await this.#producer.update(id, changes);
  }

  /** Stops delivery until {@linkcode MiniQueue.resume}, across restarts. Durable. */
  async pause(): Promise<void> {
    this.#assertOpen();
    await this.#log.pause();
  }

  /** Resumes delivery. Durable. */
  async resume(): Promise<void> {
    this.#assertOpen();
    await this.#log.enter({ paused: false }, true);
  }

  /**
   * Makes a snapshot, and removes the records that it makes unnecessary. A queue
   * with a state of its own does so by itself once most of its log is garbage.
   *
   * @returns What was removed.
   * @throws {MiniError} As `StateManager.compact`.
   */
  async compact(): Promise<CompactionReport> {
    this.#assertOpen();
    return await this.#upkeep.compact();
  }

  /**
   * Stops all work, ends all waiting, also for an outcome, and frees the lock. Waits
   * for the handlers that run, so none of them may wait for it. Messages in flight can be received
   * after the next opening. Closing twice is fine.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#closing ??= this.#end()
      .finally(() => this.#events.end())
      .finally(this.#free);
  }

  async #end(): Promise<void> {
    this.#pools.stop();
    // A handler may wait for one.
    await this.#outcomes.end();
    await this.#pools.ended();
    await this.#dispatcher.end();
    for (const source of this.#sources) await source.end();
    if (this.#log.isOver || !this.#log.hasDrifted) return;
    // Otherwise the next opening would count a jump of the wall clock as time.
    await this.#log.enter({ tick: true }, false).catch(() => {});
  }

  /** The number of the last record in the log that the queue has applied: {@linkcode QueueView.until} waits for it elsewhere. */
  get sequence(): number {
    return this.#log.sequence;
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#log.isClosed;
  }

  #assertOpen(): void {
    if (!this.#isOver) return;
    throw new MiniError("CLOSED", "Cannot use the queue: it was closed");
  }

  /** The same as {@linkcode MiniQueue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
