import { MiniError } from "../../base/errors.ts";
import type {
  KeepPolicy,
  LoggedError,
  MessageHeaders,
  Settlement,
} from "./entry.ts";

/** A message that waits or is in flight, as the ledger holds it. */
export interface LedgerMessage<T = unknown> {
  /** Identifies the message. */
  readonly id: number;
  /** The position in the queue: lower goes first. */
  readonly order: number;
  /** When the message was enqueued, in queue time. */
  readonly at: number;
  /** The content of the message. */
  readonly payload: T;
  /** Higher goes first. */
  readonly priority: number;
  /** Messages of one group are delivered one at a time, in order. */
  readonly group?: string;
  /** The queue time from which the message may be received. */
  due: number;
  /** The number of deliveries that count towards `maxAttempts`. */
  attempts: number;
  /** The number of all deliveries, and the receipt of the current one. */
  receipt: number;
  /** Whether a consumer holds the message. */
  inFlight: boolean;
  /** Why the last delivery failed. */
  reason?: string;
  /** The wall-clock time from which the message may be received, in milliseconds, until it was received. */
  when?: number;
  /** Text that the producer has attached, by name. */
  readonly headers?: MessageHeaders;
  /** How far the handler is, or was when its delivery ended. */
  progress?: unknown;
  /** The schedule that enqueued the message. */
  readonly schedule?: string;
  /** The occurrence of the schedule, in milliseconds by the wall clock as it was set when it fired. */
  readonly scheduledFor?: number;
}

/** A message that is not delivered again unless it is redriven. */
export interface LedgerDeadLetter<T = unknown> extends LedgerMessage<T> {
  /** Why the message is dead. */
  reason: string;
  /** The error that the handler of `work` threw. */
  readonly error?: LoggedError;
  /** When the message died, in queue time. */
  readonly diedAt: number;
}

/** A message that is done or was cancelled, kept for those who ask what became of it. */
export interface LedgerFinishedMessage<T = unknown> extends
  Pick<
    LedgerMessage<T>,
    | "id"
    | "at"
    | "payload"
    | "priority"
    | "group"
    | "attempts"
    | "headers"
    | "progress"
    | "schedule"
    | "scheduledFor"
  > {
  /** How it ended. */
  readonly as: "acked" | "cancelled";
  /** When it ended, in queue time. */
  readonly endedAt: number;
  /** The size, in characters of JSON. */
  readonly size: number;
  /** The result of its handler. */
  readonly result?: unknown;
  /** Why it was cancelled. */
  readonly reason?: string;
}

/** A schedule, as the ledger knows it. Its times are in milliseconds by the clock that it follows. */
export interface ScheduleState {
  /** Its name. */
  readonly name: string;
  /** The clock that it follows: the wall clock, or queue time. */
  readonly clock: "wall" | "queue";
  /** When it began, or continued after its clock had gone back. */
  since: number;
  /** The last occurrence after that which fired or was passed over. */
  upTo?: number;
  /** Where it stood before its clock went back. Once the clock shows this again, what lies before it counts as decided. */
  ahead?: number;
  /** The last occurrence that fired. */
  last?: number;
  /** The first and the last of occurrences of which none fires again, in order: ranges without a gap of missed ones, at most 100. */
  fired: (readonly [from: number, to: number])[];
  /** How many occurrences were passed over. */
  missed: number;
}

/** A key that keeps out other messages with the same key. */
export interface DedupeKey {
  /** The key. */
  readonly key: string;
  /** The message that holds the key. */
  readonly id: number;
  /** When the key expires, in queue time. */
  readonly until: number;
}

/**
 * The state of a queue, as plain JSON: its pending messages and dead letters.
 * Only `applyToLedger` changes it.
 *
 * Queue time is in milliseconds. It starts at the wall clock and never goes
 * back; see {@linkcode Ledger.drift}.
 *
 * @typeParam T The payload of the messages.
 */
export interface Ledger<T = unknown> {
  /** The queue time of the last entry, in milliseconds. */
  at: number;
  /** The highest version of the entries applied so far; 1 if it is missing. */
  v?: number;
  /** The wall clock minus queue time at the last entry that recorded it, in milliseconds. */
  drift: number;
  /** The lowest id that no message has had. */
  nextId: number;
  /** The position after all others. */
  nextOrder: number;
  /** Whether delivery is paused. */
  paused: boolean;
  /** The messages that wait or are in flight, by id. */
  messages: Record<string, LedgerMessage<T>>;
  /** The dead letters, by id. */
  dead: Record<string, LedgerDeadLetter<T>>;
  /** The deduplication keys, as a binary heap: the first one expires first. */
  dedupe: DedupeKey[];
  /** The files of the inbox whose messages are in the ledger and whose removal is not; left out if there are none. */
  inbox?: Record<string, true>;
  /** The limits of what is kept; left out if there are none. */
  policy?: KeepPolicy;
  /** The finished messages, by id; left out if none are kept. */
  finished?: Record<string, LedgerFinishedMessage<T>>;
  /** The schedules; left out if there are none. */
  schedules?: ScheduleState[];
}

/**
 * Creates the ledger of a queue without messages.
 *
 * @typeParam T The payload of the messages.
 * @returns The ledger.
 *
 * @example An empty ledger
 * ```ts
 * import { emptyLedger } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(emptyLedger<string>().messages, {});
 * ```
 */
export function emptyLedger<T = unknown>(): Ledger<T> {
  return {
    at: 0,
    v: 1,
    drift: 0,
    nextId: 1,
    nextOrder: 1,
    paused: false,
    messages: {},
    dead: {},
    dedupe: [],
  };
}

/** Whether a delivery is the current one of its message: only that one can be settled. */
export function isCurrent(
  { messages }: Ledger,
  { id, receipt }: Pick<Settlement, "id" | "receipt">,
): boolean {
  const message = messages[id];
  return message !== undefined && message.inFlight &&
    message.receipt === receipt;
}

/** The error for a delivery that is not the current one. */
export function receiptExpired(id: number, doing: string): MiniError {
  return new MiniError(
    "RECEIPT_EXPIRED",
    `Cannot ${doing} message ${id}: this delivery is no longer the current one, because the message was settled, timed out and was delivered again, was cancelled, or was purged; nothing was changed`,
  );
}
