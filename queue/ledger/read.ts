import { checkCount } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import type { PageOptions } from "../options.ts";
import type { MessageHeaders } from "./entry.ts";
import type { DeadLetter, Ledger, LedgerMessage } from "./ledger.ts";
import { delayOf, type Moment, readyIndexOf } from "./ready_index.ts";

/**
 * The number of messages of a queue, by what they wait for.
 *
 * @example How long is the queue
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueueBatch([
 *   { payload: "a", group: "mails" },
 *   { payload: "b", group: "mails" }, // waits for the one before it
 *   { payload: "c", delayMs: 60_000 },
 * ]);
 * const { ready, blocked, delayed } = await queue.stats();
 * assertEquals([ready, blocked, delayed], [1, 1, 1]);
 * ```
 */
export interface QueueStats {
  /** Messages that can be received now. */
  readonly ready: number;
  /** Messages that wait for an earlier one of their group. */
  readonly blocked: number;
  /** Messages whose delay has not ended. */
  readonly delayed: number;
  /** Messages that a consumer holds. */
  readonly inFlight: number;
  /** Dead letters. */
  readonly dead: number;
  /** Whether delivery is paused. */
  readonly paused: boolean;
}

/**
 * A message that waits to be received, as `peek` shows it.
 *
 * @typeParam T The payload.
 *
 * @example What comes next, and when
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueue("hello");
 * const [next] = await queue.peek(1);
 * assertEquals([next?.payload, next?.attempts, next?.delayMs], ["hello", 0, 0]);
 * assertEquals(next?.enqueuedAt instanceof Date, true);
 * ```
 */
export interface PendingMessage<T = unknown> {
  /** Identifies the message. */
  readonly id: number;
  /** A copy of the content of the message. */
  readonly payload: T;
  /** When the message was enqueued, by the wall clock as it is set now. */
  readonly enqueuedAt: Date;
  /** How long until the message may be received, in milliseconds; 0 if that is now. */
  readonly delayMs: number;
  /** Higher goes first. */
  readonly priority: number;
  /** Messages of one group are delivered one at a time, in order. */
  readonly group?: string;
  /** The number of deliveries that count towards `maxAttempts`. */
  readonly attempts: number;
  /** Why the last delivery failed. */
  readonly lastFailure?: string;
  /** Text that the producer has attached, by name. */
  readonly headers?: MessageHeaders;
  /** The occurrence of the schedule that enqueued the message. */
  readonly scheduledFor?: Date;
}

/** A ledger at the moment at which it is read. */
export interface LedgerView<T = unknown> extends Moment {
  readonly ledger: Ledger<T>;
  /** The ids of messages that are about to be delivered. */
  readonly picked?: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

/** Counts the messages. */
export function statsOf(
  { ledger, picked = NONE, ...moment }: LedgerView,
): QueueStats {
  const index = readyIndexOf(ledger, picked);
  const { blocked, dead: { size: dead }, inFlight: { size: inFlight } } = index;
  const delayed = index.delayed(moment);
  const ready = index.size - blocked - inFlight - delayed;
  return { ready, blocked, delayed, inFlight, dead, paused: ledger.paused };
}

export { delayOf };

/** Up to `limit` messages that wait, in the order of delivery. */
export function waitingIn<T>(
  { ledger, picked = NONE, ...moment }: LedgerView<T>,
  limit: number,
): LedgerMessage<T>[] {
  return readyIndexOf(ledger, picked).waiting(moment, limit, picked);
}

/** The same messages, as `peek` shows them. */
export function pendingIn<T>(
  view: LedgerView<T>,
  limit: number,
): PendingMessage<T>[] {
  return waitingIn(view, limit).map((message) => {
    const { id, payload, priority, group, attempts, reason } = message;
    const { headers, scheduledFor } = message;
    return {
      id,
      payload: structuredClone(payload),
      enqueuedAt: new Date(message.at + view.drift),
      delayMs: Math.ceil(delayOf(message, view)),
      priority,
      ...(group !== undefined && { group }),
      attempts,
      ...(reason !== undefined && { lastFailure: reason }),
      ...(headers !== undefined && { headers: { ...headers } }),
      ...(scheduledFor !== undefined && {
        scheduledFor: new Date(scheduledFor),
      }),
    };
  });
}

/** A ledger, unless its state is just being rebuilt. */
export function ifReadable<L>(find: () => L): L | undefined {
  try {
    return find();
  } catch (error) {
    const isPassing = error instanceof MiniError &&
      error.code === "ABORTED_MUTATION";
    if (isPassing) return undefined;
    throw error;
  }
}

/** Copies of a page of dead letters, in the order of their ids. */
export function deadLetterPage<T>(
  view: LedgerView<T>,
  { after = 0, limit = Number.MAX_SAFE_INTEGER }: PageOptions,
): DeadLetter<T>[] {
  checkCount("after", after, 0);
  checkCount("limit", limit);
  return structuredClone(deadLettersIn(view, after, limit));
}

/** Up to `limit` dead letters with ids above `after`, in the order of their ids. */
export function deadLettersIn<T>(
  { ledger, picked = NONE }: LedgerView<T>,
  after: number,
  limit: number,
): DeadLetter<T>[] {
  return readyIndexOf(ledger, picked).dead.above(after, limit);
}
