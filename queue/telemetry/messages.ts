import { Point, Trace } from "../../base/telemetry/tracing.ts";
import type { Settlement } from "../ledger/entry.ts";

/** The queue that a message is about. */
export interface ToldQueue {
  /** The file of the log that the queue is in, absolute, if it has one. */
  readonly path?: string;
  /** The id of that log, if it is known. */
  readonly logId?: string;
  /** The name of the ledger, if the queue is attached to a state. */
  readonly name?: string;
}

/** An opening of a queue, on `mini-state:open`: its state is opened within. `attach` is told too. */
export interface QueueOpenMessage {
  /** The kind of thing that is opened. */
  readonly kind: "queue";
  /** The directory, absolute, if it has one. */
  readonly directory?: string;
  /** The name of the ledger, if the queue is attached to a state. */
  readonly name?: string;
  /** The file of the log, absolute, once it is open. */
  path?: string;
  /** The id of the log, once it is open. */
  logId?: string;
}

/** A message of the queue that is being enqueued. */
export interface OutgoingMessage {
  /** Its headers as they stand, if it has any. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Its id, or that of the message that kept it out, once that is known. */
  readonly id?: number;
  /**
   * Adds or replaces a header of this message. For subscribers of `start`: what
   * the producer has given does not change.
   *
   * @throws {TypeError} Later, and for what is not text.
   */
  setHeader(name: string, value: string): void;
}

/**
 * Messages that are enqueued together, on `mini-state:enqueue`: from the call
 * until they are durable. What an inbox takes in is not told again.
 */
export interface EnqueueMessage extends ToldQueue {
  /** The cause: a call of `enqueue` or `enqueueBatch`; of `enqueueMutation`, which is told synchronously; of `post` or `postBatch`, of which no id is known; or a schedule. */
  readonly by: "enqueue" | "mutation" | "post" | "schedule";
  /** The messages, in order. */
  readonly messages: readonly OutgoingMessage[];
}

/** A delivery that a consumer was given. */
export interface ToldDelivery {
  /** The id of the message. */
  readonly id: number;
  /** The number of deliveries that count towards `maxAttempts`, this one included. */
  readonly attempt: number;
  /** The headers of the message. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A call of `receive` or `receiveBatch`, or a step of an iteration, on `mini-state:receive`. `work` is told on `mini-state:process`. */
export interface ReceiveMessage extends ToldQueue {
  /** The most messages that it asks for. */
  readonly max: number;
  /** Whether there was nothing at first, and it has waited. */
  waited: boolean;
  /** The deliveries, once it has succeeded. */
  deliveries?: readonly ToldDelivery[];
}

/** How the work on a delivery ended. `"timedOut"`: its handler took too long. `"lost"`: it was taken back, or was left unsettled. */
export type ProcessOutcome =
  | Settlement["as"]
  | "cancelled"
  | "timedOut"
  | "lost";

/** The work on a delivery by a handler of `work`, on `mini-state:process`: from the call until the message is settled, or the handler is given up. */
export interface ProcessMessage extends ToldQueue, ToldDelivery {
  /** How long the message waited until this delivery, from its arrival, the end of its delay, or of the delivery before, in milliseconds. */
  readonly waitedMs: number;
  /**
   * Calls the handler, if a subscriber of `start` sets it, so that it runs in
   * the context of the subscriber. Calls its argument, and returns what that
   * returns. If it does not, or throws before, the handler is called without it.
   */
  within?: <R>(run: () => R) => R;
  /** How it ended. */
  outcome?: ProcessOutcome;
}

/** The end of a delivery. */
export interface ToldSettlement {
  /** The id of the message. */
  readonly id: number;
  /** How it ended. */
  readonly as: Settlement["as"] | "cancelled";
}

/** Deliveries that are settled by their consumer, or by the queue itself, or a message that is cancelled, on `mini-state:settle`. */
export interface SettleMessage extends ToldQueue {
  /** The cause: a consumer, a `work` that stops included; a call of `ackMutation`, which is told synchronously; a call of `cancel`; or the queue. */
  readonly by: "consumer" | "mutation" | "cancel" | "queue";
  /** How each ends. A cancellation that comes too late ends none. */
  settlements: readonly ToldSettlement[];
  /** Whether it waits until this is durable. */
  readonly durable: boolean;
}

/** A message that has become a dead letter, on `mini-state:dead-letter`. */
export interface DeadLetterMessage extends ToldQueue {
  /** The id of the message. */
  readonly id: number;
  /** The number of its deliveries that count towards `maxAttempts`. */
  readonly attempts: number;
}

/** A delivery that was not settled in time, and was taken back, on `mini-state:lease-expired`. */
export interface LeaseExpiredMessage extends ToldQueue {
  /** The id of the message. */
  readonly id: number;
  /** The number of deliveries that count towards `maxAttempts`, this one included. */
  readonly attempt: number;
}

export const OPEN: Trace<QueueOpenMessage> = new Trace("mini-state:open");
export const ENQUEUE: Trace<EnqueueMessage> = new Trace("mini-state:enqueue");
export const RECEIVE: Trace<ReceiveMessage> = new Trace("mini-state:receive");
export const PROCESS: Trace<ProcessMessage> = new Trace("mini-state:process");
export const SETTLE: Trace<SettleMessage> = new Trace("mini-state:settle");
export const DEAD_LETTER: Point<DeadLetterMessage> = new Point(
  "mini-state:dead-letter",
);
export const LEASE_EXPIRED: Point<LeaseExpiredMessage> = new Point(
  "mini-state:lease-expired",
);
