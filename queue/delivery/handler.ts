import {
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
  oneOf,
} from "../../base/checks.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { aSpan } from "../options.ts";
import type { QueueMessage } from "./message.ts";
import type { ReportProgress } from "./progress.ts";

/** The second argument of a handler. */
export interface HandlerContext {
  /** Aborted when the message is cancelled, when the delivery is lost, or when the work stops. */
  readonly signal: AbortSignal;
  /** Says how far the handler is. */
  readonly progress: ReportProgress;
}

/**
 * Handles a message. The message is acknowledged when the handler returns, and
 * given back when it throws. What it returns is the result of the message: see
 * {@linkcode QueueMessage.ack}.
 *
 * @typeParam T The payload of the message.
 * @typeParam R The result.
 * @typeParam M A mutation of the state that holds the queue.
 *
 * @example Try again later, or never
 * ```ts
 * import { DeadLetterError, type Handler, MiniQueue, RetryLaterError } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const handle: Handler<{ to: string }> = ({ payload, attempts }) => {
 *   if (payload.to === "") throw new DeadLetterError("no address");
 *   if (attempts === 1) throw new RetryLaterError(0, "the line is busy");
 * };
 * await using queue = await MiniQueue.open<{ to: string }>(await Deno.makeTempDir());
 * await queue.enqueue({ to: "" });
 * const stop = new AbortController();
 * await queue.work(async (message, context) => {
 *   stop.abort();
 *   await handle(message, context);
 * }, { signal: stop.signal });
 * assertEquals((await queue.deadLetters())[0]?.reason, "no address");
 * ```
 */
export type Handler<T, R = unknown, M = LedgerEntry<T>> = (
  message: QueueMessage<T, R, M>,
  context: HandlerContext,
) => R | Promise<R>;

/** How `work` handles messages. */
export interface WorkOptions {
  /** The number of handlers that run at a time. @default {1} */
  concurrency?: number;
  /** Stops the work, once the running handlers have ended. */
  signal?: AbortSignal;
  /** `"empty"` ends the work when no message is ready or in flight, also with other consumers. It does not wait for messages that are delayed, retries with a back-off included, and for those after them in their group. While the queue is paused, it waits for messages that are ready. @default {until it is stopped} */
  until?: "empty";
  /** How long a handler may run, in milliseconds. After that its delivery is lost, and its `signal` is aborted. @default {Infinity} */
  handlerTimeoutMs?: number;
  /** How long to wait for handlers to end, on stopping and after a timeout, in milliseconds. @default {30_000} */
  stopTimeoutMs?: number;
}

/** The limits of a pool of workers. */
export type PoolLimits = Required<Omit<WorkOptions, "signal" | "until">> & {
  readonly untilEmpty: boolean;
};

const WORK_CHECKS: Checks<WorkOptions> = {
  concurrency: countFrom(1),
  signal: aSignal,
  until: oneOf("empty"),
  handlerTimeoutMs: aSpan,
  stopTimeoutMs: aSpan,
};

/** The limits in the options of `work`, checked. */
export function limitsOf(options: WorkOptions): PoolLimits {
  assertOptions("work()", options, WORK_CHECKS);
  const {
    concurrency = 1,
    handlerTimeoutMs = Infinity,
    stopTimeoutMs = 30_000,
    until,
  } = options;
  const untilEmpty = until === "empty";
  return { concurrency, handlerTimeoutMs, stopTimeoutMs, untilEmpty };
}
