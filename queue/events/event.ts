import { aSignal, type Checks, countFrom } from "../../base/checks.ts";
import type { Effect } from "../ledger/effects.ts";
import type { LoggedError, MessageHeaders } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** Which events to read. */
export interface EventOptions {
  /** The number of the first record. @default {the next one} */
  from?: number;
  /** Ends the iteration by throwing its reason. */
  signal?: AbortSignal;
}

/** The checks of the options of `events`. */
export const EVENT_CHECKS: Checks<EventOptions> = {
  from: countFrom(1),
  signal: aSignal,
};

/** The part that all events have. */
export interface QueueEventBase {
  /** The number of the record that did it. One record may do several things. Of progress in memory, that of the last record before it. */
  readonly seq: number;
  /** Identifies the message. */
  readonly id: number;
  /** When it happened, by the wall clock as it was set then. */
  readonly at: Date;
  /** The number of deliveries of the message, so far, that count towards `maxAttempts`. */
  readonly attempts: number;
  /** Text that the producer has attached, by name. */
  readonly headers?: MessageHeaders;
}

/** A message waits: it is new, or is a dead letter that was redriven. */
export interface EnqueuedEvent<T = unknown> extends QueueEventBase {
  /** It waits. */
  readonly type: "enqueued";
  /** The content of the message. */
  readonly payload: T;
  /** The occurrence of the schedule that enqueued it. */
  readonly scheduledFor?: Date;
}

/** A consumer was given a message. */
export interface DeliveredEvent extends QueueEventBase {
  /** A consumer holds it. */
  readonly type: "delivered";
}

/**
 * A handler said how far it is. Progress in memory is no record: only those who
 * read from the owner while it is told are given it, and of several in a row of
 * one message a slow reader gets the last one.
 */
export interface ProgressEvent extends QueueEventBase {
  /** Its handler runs. */
  readonly type: "progress";
  /** How far it is. */
  readonly progress: unknown;
  /** Whether it is on record. If not, a view and a later reader do not see it. */
  readonly durable: boolean;
}

/** A message was acknowledged. */
export interface DoneEvent<R = unknown> extends QueueEventBase {
  /** It was acknowledged. */
  readonly type: "done";
  /** The result of its handler, if the queue keeps what is finished, or an `ackMutation` carried it. */
  readonly result?: R;
}

/** A delivery has ended, and the message waits again. */
export interface RetriedEvent extends QueueEventBase {
  /** It waits again. */
  readonly type: "retried";
  /** Why. */
  readonly reason?: string;
}

/** A message has become a dead letter. */
export interface DeadEvent extends QueueEventBase {
  /** It is a dead letter. */
  readonly type: "dead";
  /** Why. */
  readonly reason: string;
  /** The error that the handler of `work` threw. */
  readonly error?: LoggedError;
}

/** A message was cancelled, or purged before it had ended. */
export interface CancelledEvent extends QueueEventBase {
  /** It is not to be handled any more. */
  readonly type: "cancelled";
  /** Why; `"purged"` if all messages were purged. */
  readonly reason?: string;
}

/**
 * Something that has become of a message: told apart by `type`. All is on record
 * but progress that is not durable.
 *
 * @typeParam T The payload of the messages.
 * @typeParam R The results of their handlers.
 *
 * @example Report what goes wrong
 * ```ts
 * import { MiniQueue, type QueueEvent } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const report = (event: QueueEvent<string>) =>
 *   event.type === "dead" ? `${event.id}: ${event.reason}` : undefined;
 *
 * const queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * const reports = Array.fromAsync(queue.events({ from: 1 }), report);
 * await queue.enqueue("hello");
 * await (await queue.receive())?.deadLetter("nobody is there");
 * await queue.close();
 * assertEquals((await reports).filter(Boolean), ["1: nobody is there"]);
 * ```
 */
export type QueueEvent<T = unknown, R = unknown> =
  | EnqueuedEvent<T>
  | DeliveredEvent
  | ProgressEvent
  | DoneEvent<R>
  | RetriedEvent
  | DeadEvent
  | CancelledEvent;

/** An event, and the delivery that it ended, if it ended one. */
export interface Told<T> {
  /** Refers to what belongs to the ledger: copy it for those who may change it. */
  readonly event: QueueEvent<T>;
  readonly receipt: number;
}

/** The events of a record, or of one of its entries. */
export interface RecordEvents<T> {
  readonly seq: number;
  readonly events: readonly Told<T>[];
}

/** Where to start reading, and when to stop. */
export interface ReadRange {
  readonly from: number;
  readonly signal?: AbortSignal | undefined;
  /** Ends the reading once all is read that is on record. */
  readonly over?: AbortSignal | undefined;
}

/** Adds the event of an effect, if it has one, to those of its record. */
export function addEvent<T>(
  events: Told<T>[],
  effect: Effect<T>,
  ledger: Ledger<T>,
  seq: number,
): void {
  const { type, message } = effect;
  if (type === "updated") return;
  const { id, attempts, headers, receipt } = message;
  const base = {
    seq,
    id,
    at: new Date(ledger.at + ledger.drift),
    attempts,
    ...(headers !== undefined && { headers }),
  };
  const event = { type, ...base, ...detailsOf(effect) } as QueueEvent<T>;
  events.push({ event, receipt });
}

/** The fields of one type of events. */
function detailsOf<T>(
  { type, message, reason, error, result }: Effect<T>,
): Record<string, unknown> {
  const { payload, scheduledFor, progress } = message;
  if (type === "progress") return { progress, durable: true };
  if (type === "enqueued") {
    return scheduledFor === undefined
      ? { payload }
      : { payload, scheduledFor: new Date(scheduledFor) };
  }
  return {
    ...(reason !== undefined && { reason }),
    ...(error !== undefined && { error }),
    ...(result !== undefined && { result }),
  };
}

/** The events from record `from` on, each a copy for its reader. */
export async function* copiesOf<T, R>(
  records: AsyncIterable<RecordEvents<T>>,
  { from, signal }: ReadRange,
): AsyncGenerator<QueueEvent<T, R>, void, undefined> {
  for await (const { seq, events } of records) {
    if (seq < from) continue;
    for (const { event } of events) {
      signal?.throwIfAborted();
      yield structuredClone(event) as QueueEvent<T, R>;
    }
  }
}
