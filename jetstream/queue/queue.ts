import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { onAbort } from "../../base/abort.ts";
import { assertOptions, checkCount } from "../../base/checks.ts";
import {
  limitsOf,
  messageOf,
  RECEIVE_CHECKS,
  REDRIVE_CHECKS,
  WorkerPool,
} from "../../queue/internal.ts";
import {
  type DeadLetter,
  type DeadLetterChoice,
  type EnqueueOptions,
  type EnqueueResult,
  type MessageHandler,
  type MessageInput,
  MiniError,
  type PageOptions,
  type PendingMessage,
  type Queue,
  type QueueStats,
  type ReceiveOptions,
  type RedriveOptions,
  systemClock,
  type WorkOptions,
} from "../../queue/mod.ts";
import type { JetStreamMessage } from "./message.ts";
import type { JetStreamQueueOptions } from "./options.ts";
import { openParts, type Parts } from "./parts.ts";
import { unsupported } from "./wire/unsupported.ts";

/** Enqueues a message under an id of its own, once within the window of the queue. */
export let enqueueOnce: <T>(
  queue: JetStreamQueue<T>,
  message: MessageInput<T>,
  id: string,
) => Promise<EnqueueResult>;

/** The end of a pause that `resume` ends: a time that the servers can read. */
const FAR = new Date(Date.UTC(2200, 0));

/**
 * A queue on the servers of NATS JetStream, which workers on many machines
 * share. A message is on a quorum of the servers when `enqueue` resolves; it is
 * delivered at least once.
 *
 * It stands on the servers' own work queue: streams `MINI_<name>_JOBS` and
 * `MINI_<name>_DEAD`, and one pull consumer. No process is its leader. What the
 * servers cannot do, such as groups, is `UNSUPPORTED`; docs/CLUSTER.md has the
 * list, and what is asked of the servers: **`sync_interval: always`** on each.
 *
 * @typeParam T The payload of the messages: any value that JSON keeps unchanged.
 *
 * @example Workers on any machine
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { JetStreamQueue } from "@mini/state/jetstream";
 *
 * const nc = await connect({ servers: ["10.0.0.1", "10.0.0.2", "10.0.0.3"] });
 * await using queue = await JetStreamQueue.open<{ to: string }>(nc, "mails");
 * await queue.enqueue({ to: "ada" }, { dedupeKey: "welcome ada" });
 * await queue.work(({ payload }) => console.log(payload.to), { concurrency: 8 });
 * ```
 */
export class JetStreamQueue<T> implements Queue<T>, AsyncDisposable {
  readonly #parts: Parts<T>;
  readonly #closed: AbortController;
  readonly #pools = new Map<WorkerPool<JetStreamMessage<T>>, Promise<void>>();
  #closing: Promise<void> | undefined;

  static {
    enqueueOnce = (queue, message, id) => {
      queue.#assertOpen();
      return queue.#parts.producer.enqueue(message, id);
    };
  }

  private constructor(parts: Parts<T>, closed: AbortController) {
    this.#parts = parts;
    this.#closed = closed;
  }

  /**
   * Opens a queue, and makes its streams and its consumer if they are missing.
   *
   * @param nc The connection. It stays open when the queue is closed.
   * @param name The name of the queue: letters, digits, `_` and `-`.
   * @param options How messages are delivered, and how streams are made.
   * @returns The queue.
   * @throws {MiniError} `UNSUPPORTED` if the server is older than 2.12 or has no
   * JetStream; `UNSUPPORTED_FORMAT` if streams that are there belong to no
   * queue, or would lose messages; `NOT_FOUND` if they are missing and `create`
   * is false; `UNAVAILABLE` if no quorum answers; `PERMISSION`.
   *
   * @example Of an operator's making
   * ```ts ignore
   * const queue = await JetStreamQueue.open<string>(nc, "mails", { create: false });
   * ```
   */
  static async open<T>(
    nc: NatsConnection,
    name: string,
    options: JetStreamQueueOptions<T> = {},
  ): Promise<JetStreamQueue<T>> {
    const closed = new AbortController();
    const jsm = await jetstreamManager(nc, {
      checkAPI: false,
      timeout: options.requestTimeoutMs ?? 2_000,
    });
    const parts = await openParts<T>(nc, jsm, {
      name,
      options,
      closed: closed.signal,
    });
    return new JetStreamQueue(parts, closed);
  }

  /**
   * Enqueues a message.
   *
   * @param payload The content of the message; taken as it is at the call.
   * @param options When it is delivered, and its deduplication key.
   * @returns The id of the message, its number in the stream, or that of the one
   * with the same key; on a quorum of the servers. A message that is delayed gets
   * another id when it is ready. `deduplicated` may be true of a message of this
   * call if the servers' answer was lost, and it was consumed before the next.
   * @throws {MiniError} `UNSUPPORTED` for a group or a priority; `INVALID`,
   * `UNSERIALIZABLE`, `TOO_LARGE`; `NO_SPACE` beyond `maxBytes`; `UNAVAILABLE`
   * if no answer came in time, and the message may be there all the same.
   *
   * @example In an hour, and once
   * ```ts ignore
   * await queue.enqueue("remind ada", { delayMs: 3_600_000, dedupeKey: "ada" });
   * ```
   */
  async enqueue(
    payload: T,
    options: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    this.#assertOpen();
    const message = messageOf("enqueue()", payload, options);
    return await this.#parts.producer.enqueue(message);
  }

  /**
   * Enqueues all messages or none.
   *
   * @param messages The messages, each with its own options; at most 1,000.
   * @returns Their ids, in order.
   * @throws {MiniError} As {@linkcode JetStreamQueue.enqueue}; `CONFLICT` if the
   * key of one of them is taken; `UNSUPPORTED` for more than 1,000.
   *
   * @example Both or none
   * ```ts ignore
   * await queue.enqueueBatch([{ payload: "debit" }, { payload: "credit" }]);
   * ```
   */
  async enqueueBatch(
    messages: readonly MessageInput<T>[],
  ): Promise<EnqueueResult[]> {
    this.#assertOpen();
    return await this.#parts.producer.enqueueBatch(messages);
  }

  /**
   * Receives the next message. The caller may settle it until the visibility
   * timeout has passed.
   *
   * @param options How long to wait.
   * @returns The delivery; `undefined` if there was none in time, or the queue
   * was closed.
   * @throws {MiniError} `UNAVAILABLE` if no server answers; `PERMISSION` if the
   * NATS user may not receive; `UNSUPPORTED` for a `visibilityTimeoutMs` of its own.
   *
   * @example Wait for a message
   * ```ts ignore
   * await using message = await queue.receive({ waitMs: 10_000 });
   * await message?.ack();
   * ```
   */
  async receive(
    options: ReceiveOptions = {},
  ): Promise<JetStreamMessage<T> | undefined> {
    return (await this.#receive("receive()", 1, options))[0];
  }

  /**
   * Receives up to `max` messages. Waits for the first one only.
   *
   * @param max The maximum number of messages.
   * @param options How long to wait.
   * @returns The deliveries, each to be settled on its own.
   * @throws {MiniError} As {@linkcode JetStreamQueue.receive}.
   *
   * @example Many at a time
   * ```ts ignore
   * for (const message of await queue.receiveBatch(100)) await message.ack();
   * ```
   */
  async receiveBatch(
    max: number,
    options: ReceiveOptions = {},
  ): Promise<JetStreamMessage<T>[]> {
    checkCount("max", max);
    return await this.#receive("receiveBatch()", max, options);
  }

  async #receive(
    call: string,
    max: number,
    options: ReceiveOptions,
  ): Promise<JetStreamMessage<T>[]> {
    this.#assertOpen();
    assertOptions(call, options, RECEIVE_CHECKS);
    if (options.visibilityTimeoutMs !== undefined) {
      throw unsupported(
        "visibility timeout of one delivery",
        "give it when you open the queue, or extend() the delivery",
      );
    }
    return await this.#parts.intake.receive(max, options);
  }

  /**
   * Handles messages, up to `concurrency` at a time, until `signal` is aborted,
   * the queue is closed, or, with `until: "empty"`, nothing is ready or in
   * flight, on any machine; retries with a back-off are in flight here.
   *
   * A message is acknowledged when its handler returns; what that returns is
   * ignored. If the handler throws, the message is given back with the back-off
   * of the queue. `RetryLaterError` gives its own delay, `DeadLetterError` makes
   * it a dead letter. Every delivery counts, also those that `RetryLaterError`
   * puts off and those that are given back on stopping. A delivery does not time
   * out while its handler runs, as long as the servers answer.
   *
   * While no server answers, it tells `onError` and tries again with a back-off.
   *
   * @param handler Handles one message.
   * @param options How many at a time, and until when.
   * @returns Resolves once the work has stopped.
   * @throws {MiniError} `CLOSED` if the connection was closed.
   *
   * @example On each of many machines
   * ```ts ignore
   * const stop = new AbortController();
   * await queue.work(({ payload }) => send(payload), { concurrency: 8, signal: stop.signal });
   * ```
   */
  async work(
    handler: MessageHandler<T>,
    options: WorkOptions = {},
  ): Promise<void> {
    this.#assertOpen();
    const { signal } = options;
    const { work, options: { backoff, onError } } = this.#parts;
    const pool = new WorkerPool<JetStreamMessage<T>>(
      work,
      { backoff, onError, clock: systemClock },
      (message, signal) => handler(message, { signal }),
      limitsOf(options),
    );
    if (signal?.aborted) return;
    const letGo = onAbort(signal, () => pool.stop());
    const done = pool.run();
    this.#pools.set(pool, done);
    try {
      await done;
    } finally {
      this.#pools.delete(pool);
      letGo();
    }
  }

  /**
   * Counts the messages, on all machines. Those that were given back and wait
   * again, also for a delay, are in flight; none is blocked.
   *
   * @example How long is the queue
   * ```ts ignore
   * const { ready, inFlight } = await queue.stats();
   * ```
   */
  async stats(): Promise<QueueStats> {
    this.#assertOpen();
    return await this.#parts.look.stats();
  }

  /**
   * Shows messages that were never delivered, in their order, and after them
   * some that are delayed. Those that were given back are not among them.
   *
   * @param limit The maximum number of messages.
   * @returns The messages. Each takes a request.
   *
   * @example The next message
   * ```ts ignore
   * const [next] = await queue.peek(1);
   * ```
   */
  async peek(limit: number = 10): Promise<PendingMessage<T>[]> {
    this.#assertOpen();
    return await this.#parts.look.peek(limit);
  }

  /**
   * Shows the dead letters and why they are dead, in the order of their ids.
   *
   * @param options After which id to start, and how many to return. Each takes a
   * request.
   * @returns The dead letters. Their ids are those of the messages.
   *
   * @example The last page of a hundred
   * ```ts ignore
   * const letters = await queue.deadLetters({ after: 1_000, limit: 100 });
   * ```
   */
  async deadLetters(options: PageOptions = {}): Promise<DeadLetter<T>[]> {
    this.#assertOpen();
    return await this.#parts.dead.list(options);
  }

  /**
   * Enqueues dead letters again, after all other messages, with new ids and no
   * attempts, and removes them. A crash in between leaves some both dead and
   * waiting; within the window of the queue, redriving them again adds nothing.
   *
   * @param which The id of one, several ids, all, or a synchronous function that
   * chooses. Ids of messages that are not dead are ignored.
   * @param options How fast they become ready.
   * @returns How many there were.
   * @throws {MiniError} As {@linkcode JetStreamQueue.enqueue}.
   *
   * @example One a second
   * ```ts ignore
   * await queue.redrive("all", { perSecond: 1 });
   * ```
   */
  async redrive(
    which: DeadLetterChoice<T>,
    options: RedriveOptions = {},
  ): Promise<number> {
    this.#assertOpen();
    assertOptions("redrive()", options, REDRIVE_CHECKS);
    const { dead, producer, jobs } = this.#parts;
    const { perSecond = Infinity } = options;
    return await dead.redrive(which, (letter, { index, ...rest }) => {
      const delayMs = index * 1_000 / perSecond;
      return producer.again(letter, { ...rest, delayMs });
    }, jobs);
  }

  /**
   * Removes messages for good.
   *
   * @param which The id of a dead letter, all dead letters, or all messages,
   * those in flight included. A consumer elsewhere is not told.
   * @returns How many there were.
   *
   * @example One dead letter
   * ```ts ignore
   * await queue.purge(17);
   * ```
   */
  async purge(which: number | "dead" | "all" = "dead"): Promise<number> {
    this.#assertOpen();
    const { dead, purgeJobs } = this.#parts;
    if (which !== "all") {
      return await dead.purge(which === "dead" ? "all" : which);
    }
    return await purgeJobs() + await dead.purge("all");
  }

  /**
   * Stops delivery on all machines until {@linkcode JetStreamQueue.resume}. Durable.
   *
   * @example During an upgrade
   * ```ts ignore
   * await queue.pause();
   * await upgrade();
   * await queue.resume();
   * ```
   */
  async pause(): Promise<void> {
    this.#assertOpen();
    await this.#parts.pauseUntil(FAR);
  }

  /** Resumes delivery. Durable. */
  async resume(): Promise<void> {
    this.#assertOpen();
    await this.#parts.pauseUntil(undefined);
  }

  /**
   * Stops all work of this handle, ends all waiting, and waits for the handlers
   * that run. Deliveries of `receive` that are not settled time out. The
   * connection stays open. Closing twice is fine.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#end();
  }

  async #end(): Promise<void> {
    for (const pool of this.#pools.keys()) pool.stop();
    await Promise.allSettled(this.#pools.values());
    this.#closed.abort("closed");
    this.#parts.receipts.loseAll();
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new MiniError("CLOSED", "Cannot use the queue: it was closed");
  }

  /** The same as {@linkcode JetStreamQueue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
