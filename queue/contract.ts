import type { WorkOptions } from "./delivery/handler.ts";
import type { MessageHeaders } from "./ledger/entry.ts";
import type { QueueStats } from "./ledger/read.ts";
import type {
  DeadLetter,
  PageOptions,
  PendingMessage,
} from "./ledger/status.ts";
import type {
  DeadLetterChoice,
  EnqueueOptions,
  EnqueueResult,
  MessageInput,
  NackOptions,
  ReceiveOptions,
  RedriveOptions,
} from "./options.ts";

/**
 * A delivery of a message, as every queue gives it. The consumer holds it until
 * it is settled, or until its visibility timeout has passed and the message is
 * delivered again. With `await using` it is given back at the end of the block
 * unless it was settled. {@linkcode QueueMessage} is that of `MiniQueue`.
 *
 * @typeParam T The payload of the message.
 *
 * @example Settle it, whatever queue it comes from
 * ```ts
 * import { MiniQueue, type ReceivedMessage } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * async function handle(message: ReceivedMessage<string>): Promise<void> {
 *   if (message.payload === "") await message.deadLetter("it is empty");
 *   else await message.ack();
 * }
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueueBatch([{ payload: "a" }, { payload: "" }]);
 * for (const message of await queue.receiveBatch(2)) await handle(message);
 * assertEquals((await queue.deadLetters())[0]?.reason, "it is empty");
 * ```
 */
export interface ReceivedMessage<T> extends AsyncDisposable {
  /** Identifies the message in its queue. */
  readonly id: number;
  /** Identifies this delivery of the message. */
  readonly receipt: number;
  /** The content of the message: a copy for this consumer alone. */
  readonly payload: T;
  /** The number of deliveries that count towards `maxAttempts`, this one included. */
  readonly attempts: number;
  /** Why the previous delivery failed, where the queue keeps that. */
  readonly lastFailure: string | undefined;
  /** Text that the producer has attached, by name; a copy. */
  readonly headers: MessageHeaders;
  /** Whether this delivery can still be settled, as far as its consumer knows. */
  readonly isCurrent: boolean;
  /** Acknowledges the message: it is gone, durably, once this resolves. `RECEIPT_EXPIRED` if the delivery is not the current one. */
  ack(): Promise<void>;
  /** Gives the message back, to be delivered again at once or after `delayMs`; after `maxAttempts` deliveries it becomes a dead letter. `RECEIPT_EXPIRED` as for `ack`. */
  nack(options?: NackOptions): Promise<void>;
  /** Makes the message a dead letter, durably. `RECEIPT_EXPIRED` as for `ack`. */
  deadLetter(reason: string): Promise<void>;
  /** Moves the end of the visibility timeout to `ms` milliseconds from now. `RECEIPT_EXPIRED` as for `ack`. */
  extend(ms: number): Promise<void>;
}

/**
 * Handles a message of any queue. The message is acknowledged when the handler
 * returns, and given back when it throws. What it returns is ignored by a queue
 * that keeps no results.
 *
 * @typeParam T The payload of the message.
 *
 * @example Stop when it is told to
 * ```ts
 * import { type MessageHandler, MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const handle: MessageHandler<string> = ({ payload }, { signal }) => {
 *   signal.throwIfAborted();
 *   seen.push(payload);
 * };
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueue("a");
 * await queue.work(handle, { until: "empty" });
 * assertEquals(seen, ["a"]);
 * ```
 */
export type MessageHandler<T> = (
  message: ReceivedMessage<T>,
  context: {
    /** Aborted when the delivery is lost, or when the work stops. */
    readonly signal: AbortSignal;
  },
) => unknown;

/**
 * A queue, whatever it stands on: a file with `MiniQueue`, several machines with
 * `JetStreamQueue` of `@mini/state/jetstream`. Delivery is at least once. Code
 * that takes a `Queue` runs on each of them.
 *
 * What a queue cannot do, such as an order within groups on several machines, is
 * refused by the call that asks for it, with `UNSUPPORTED` and another way.
 *
 * @typeParam T The payload of the messages: any value that JSON keeps unchanged.
 *
 * @example Code that does not know which queue it has
 * ```ts
 * import { MiniQueue, type Queue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * async function drain(queue: Queue<string>): Promise<string[]> {
 *   const seen: string[] = [];
 *   await queue.work(({ payload }) => seen.push(payload), { until: "empty" });
 *   return seen;
 * }
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
 * assertEquals(await drain(queue), ["a", "b"]);
 * ```
 */
export interface Queue<T> extends AsyncDisposable {
  /** Enqueues a message. Resolves to its id, or to that of the one with the same `dedupeKey` that kept it out, once durable. */
  enqueue(payload: T, options?: EnqueueOptions): Promise<EnqueueResult>;
  /** Enqueues all messages or none. Resolves to their ids, in order, once durable. */
  enqueueBatch(messages: readonly MessageInput<T>[]): Promise<EnqueueResult[]>;
  /** Receives the next message; `undefined` if there was none within `waitMs`, or the queue was closed. */
  receive(options?: ReceiveOptions): Promise<ReceivedMessage<T> | undefined>;
  /** Receives up to `max` messages. Waits for the first one only. */
  receiveBatch(
    max: number,
    options?: ReceiveOptions,
  ): Promise<ReceivedMessage<T>[]>;
  /** Handles messages, up to `concurrency` at a time, until it is stopped, the queue is closed or, with `until: "empty"`, there is nothing left. */
  work(handler: MessageHandler<T>, options?: WorkOptions): Promise<void>;
  /** Counts the messages. */
  stats(): Promise<QueueStats>;
  /** Shows up to `limit` messages that wait, in the order of delivery, without receiving them. */
  peek(limit?: number): Promise<PendingMessage<T>[]>;
  /** Shows the dead letters and why they are dead, in the order of their ids. */
  deadLetters(options?: PageOptions): Promise<DeadLetter<T>[]>;
  /** Lets dead letters wait again, with no attempts. Resolves to how many there were, once durable. */
  redrive(
    which: DeadLetterChoice<T>,
    options?: RedriveOptions,
  ): Promise<number>;
  /** Removes a dead letter, all of them (the default), or all messages. Resolves to how many there were, once durable. */
  purge(which?: number | "dead" | "all"): Promise<number>;
  /** Stops delivery until `resume`, also for those who open the queue later. Durable. */
  pause(): Promise<void>;
  /** Resumes delivery. Durable. */
  resume(): Promise<void>;
  /** Stops all work of this handle and ends all waiting. Closing twice is fine. */
  close(): Promise<void>;
}
