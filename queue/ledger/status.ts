import { assertOptions, type Checks, countFrom } from "../../base/checks.ts";
import type { LoggedError, MessageHeaders } from "./entry.ts";
import type {
  LedgerDeadLetter,
  LedgerFinishedMessage,
  LedgerMessage,
} from "./ledger.ts";
import {
  deadLettersIn,
  finishedIn,
  type LedgerView,
  waitingIn,
  waitOf,
} from "./read.ts";
import { delayOf } from "./ready_index.ts";

/**
 * The part of a message that stays the same whatever becomes of it. Times are by
 * the wall clock as it is set now.
 *
 * @typeParam T The payload.
 */
export interface MessageInfo<T = unknown> {
  /** Identifies the message. */
  readonly id: number;
  /** A copy of the content of the message. */
  readonly payload: T;
  /** When the message was enqueued. */
  readonly enqueuedAt: Date;
  /** Higher goes first. */
  readonly priority: number;
  /** Messages of one group are delivered one at a time, in order. */
  readonly group?: string;
  /** The number of deliveries that count towards `maxAttempts`. */
  readonly attempts: number;
  /** Text that the producer has attached, by name. */
  readonly headers?: MessageHeaders;
  /** The occurrence of the schedule that enqueued the message. */
  readonly scheduledFor?: Date;
  /** How far the handler is, or was when its last delivery ended. */
  readonly progress?: unknown;
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
export interface PendingMessage<T = unknown> extends MessageInfo<T> {
  /** How long until the message may be received, in milliseconds; 0 if that is now. */
  readonly delayMs: number;
  /** Why the last delivery failed. */
  readonly lastFailure?: string;
}

/**
 * A message that is not delivered again unless it is redriven.
 *
 * @typeParam T The payload.
 */
export interface DeadLetter<T = unknown> extends MessageInfo<T> {
  /** Why the message is dead. */
  readonly reason: string;
  /** The error that the handler of `work` threw. */
  readonly error?: LoggedError;
  /** When the message died. */
  readonly diedAt: Date;
}

/**
 * A message that is done or was cancelled.
 *
 * @typeParam T The payload.
 * @typeParam R The result.
 */
export type FinishedMessage<T = unknown, R = unknown> =
  & MessageInfo<T>
  & {
    /** When it ended. */
    readonly endedAt: Date;
  }
  & (
    | {
      /** It was acknowledged. */
      readonly state: "done";
      /** The result of its handler. */
      readonly result?: R;
    }
    | {
      /** It was cancelled. */
      readonly state: "cancelled";
      /** Why. */
      readonly reason?: string;
    }
  );

/**
 * A message as `get` shows it, whatever has become of it.
 *
 * @typeParam T The payload.
 * @typeParam R The result.
 */
export type MessageStatus<T = unknown, R = unknown> =
  | PendingMessage<T> & {
    /** It waits for a consumer, an earlier one of its group, or a time. */
    readonly state: "ready" | "blocked" | "delayed";
  }
  | MessageInfo<T> & {
    /** A consumer holds it. */
    readonly state: "inFlight";
    /** Why the delivery before this one failed. */
    readonly lastFailure?: string;
  }
  | DeadLetter<T> & {
    /** It is not delivered again. */
    readonly state: "dead";
  }
  | FinishedMessage<T, R>;

/** A page of a list that is ordered by id. */
export interface PageOptions {
  /** The id after which the page starts: the last one of the page before. @default {0} */
  after?: number;
  /** The maximum number of items. @default {all} */
  limit?: number;
}

/** The fields of a message in the ledger that `MessageInfo` shows. */
type Stable<T> = Pick<
  LedgerMessage<T>,
  | "id"
  | "payload"
  | "at"
  | "priority"
  | "group"
  | "attempts"
  | "headers"
  | "scheduledFor"
  | "progress"
>;

function infoOf<T>(
  { drift }: Pick<LedgerView, "drift">,
  message: Stable<T>,
): MessageInfo<T> {
  const { id, payload, at, priority, group, attempts } = message;
  const { headers, scheduledFor, progress } = message;
  return {
    id,
    payload: structuredClone(payload),
    enqueuedAt: new Date(at + drift),
    priority,
    ...(group !== undefined && { group }),
    attempts,
    ...(headers !== undefined && { headers: { ...headers } }),
    ...(scheduledFor !== undefined && { scheduledFor: new Date(scheduledFor) }),
    ...(progress !== undefined && { progress: structuredClone(progress) }),
  };
}

function failureOf({ reason }: Pick<LedgerMessage, "reason">): {
  lastFailure?: string;
} {
  return reason === undefined ? {} : { lastFailure: reason };
}

function pendingOf<T>(
  view: LedgerView<T>,
  message: LedgerMessage<T>,
): PendingMessage<T> {
  const delayMs = Math.ceil(delayOf(message, view));
  return { ...infoOf(view, message), delayMs, ...failureOf(message) };
}

function deadLetterOf<T>(
  view: LedgerView<T>,
  dead: LedgerDeadLetter<T>,
): DeadLetter<T> {
  const { reason, error, diedAt } = dead;
  return {
    ...infoOf(view, dead),
    reason,
    ...(error !== undefined && { error: structuredClone(error) }),
    diedAt: new Date(diedAt + view.drift),
  };
}

function finishedOf<T, R>(
  view: LedgerView<T>,
  message: LedgerFinishedMessage<T>,
): FinishedMessage<T, R> {
  const { as, result, reason, endedAt } = message;
  const info = {
    ...infoOf(view, message),
    endedAt: new Date(endedAt + view.drift),
  };
  return as === "acked"
    ? {
      ...info,
      state: "done",
      ...(result !== undefined && { result: structuredClone(result) as R }),
    }
    : { ...info, state: "cancelled", ...(reason !== undefined && { reason }) };
}

/** Up to `limit` messages that wait, in the order of delivery. */
export function pendingIn<T>(
  view: LedgerView<T>,
  limit: number,
): PendingMessage<T>[] {
  return waitingIn(view, limit).map((message) => pendingOf(view, message));
}

/** A page of dead letters, in the order of their ids. */
export function deadLetterPage<T>(
  view: LedgerView<T>,
  page: PageOptions,
): DeadLetter<T>[] {
  return deadLettersIn(view, ...boundsOf(page))
    .map((dead) => deadLetterOf(view, dead));
}

/** A page of finished messages, in the order of their ids. */
export function finishedPage<T, R>(
  view: LedgerView<T>,
  page: PageOptions,
): FinishedMessage<T, R>[] {
  return finishedIn(view, ...boundsOf(page))
    .map((message) => finishedOf(view, message));
}

const PAGE_CHECKS: Checks<PageOptions> = {
  after: countFrom(0),
  limit: countFrom(1),
};

/** The bounds of a page, checked. */
export function boundsOf(page: PageOptions): [after: number, limit: number] {
  assertOptions("A page", page, PAGE_CHECKS);
  const { after = 0, limit = Number.MAX_SAFE_INTEGER } = page;
  return [after, limit];
}

/** The status of a message; `undefined` if the ledger does not know it. */
export function statusOf<T, R>(
  view: LedgerView<T>,
  id: number,
): MessageStatus<T, R> | undefined {
  const { messages, dead, finished } = view.ledger;
  const message = messages[id];
  if (message !== undefined) {
    const state = waitOf(view, message);
    const { progress = message.progress } = view.latestOf?.(id) ?? {};
    return state === "inFlight"
      ? {
        ...infoOf(view, { ...message, progress }),
        state,
        ...failureOf(message),
      }
      : { ...pendingOf(view, message), state };
  }
  const letter = dead[id];
  if (letter !== undefined) {
    return { ...deadLetterOf(view, letter), state: "dead" };
  }
  const ended = finished?.[id];
  return ended && finishedOf(view, ended);
}
