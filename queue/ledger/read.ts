import { hasCode } from "../../base/errors.ts";
import type {
  Ledger,
  LedgerDeadLetter,
  LedgerFinishedMessage,
  LedgerMessage,
} from "./ledger.ts";
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

/** The right of a consumer to settle a delivery, as it stands. */
export interface Hold {
  /** Whether a handler of `work` has the message, or who has called `receive`. */
  readonly by: "work" | "receive";
  /** How long the consumer has had it, in milliseconds. */
  readonly heldMs: number;
  /** How long until it is taken back, in milliseconds; `Infinity` while a handler of `work` runs. */
  readonly leftMs: number;
}

/** A ledger at the moment at which it is read. */
export interface LedgerView<T = unknown> extends Moment {
  readonly ledger: Ledger<T>;
  /** Its log, and its name if it has one; only its owner tells. */
  readonly about?: { readonly logId?: string; readonly name?: string };
  /** The ids of messages that are about to be delivered. */
  readonly picked?: ReadonlySet<number>;
  /** Gives the progress of a message in flight that its handler has told last, if it has. */
  readonly latestOf?: (
    id: number,
  ) => { readonly progress?: unknown } | undefined;
  /** Gives the hold on a message in flight; only its owner knows it. */
  readonly holdOf?: (id: number) => Hold | undefined;
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

/** The messages that consumers hold, in the order of delivery. */
export function inFlightIn<T>(
  { ledger, picked = NONE }: LedgerView<T>,
): LedgerMessage<T>[] {
  const { inFlight } = readyIndexOf(ledger, picked);
  return [...inFlight].map((id) => ledger.messages[id]!);
}

/** A ledger, unless its state is just being rebuilt. */
export function ifReadable<L>(find: () => L): L | undefined {
  try {
    return find();
  } catch (error) {
    const isPassing = hasCode(error, "ABORTED_MUTATION");
    if (isPassing) return undefined;
    throw error;
  }
}

/** Up to `limit` dead letters with ids above `after`, in the order of their ids. */
export function deadLettersIn<T>(
  { ledger, picked = NONE }: LedgerView<T>,
  after: number,
  limit: number,
): LedgerDeadLetter<T>[] {
  return readyIndexOf(ledger, picked).dead.above(after, limit);
}

/** Up to `limit` finished messages with ids above `after`, in the order of their ids. */
export function finishedIn<T>(
  { ledger, picked = NONE }: LedgerView<T>,
  after: number,
  limit: number,
): LedgerFinishedMessage<T>[] {
  return readyIndexOf(ledger, picked).finished.above(after, limit);
}

/** The state of a message that has not ended. */
export function waitOf<T>(
  { ledger, picked = NONE, ...moment }: LedgerView<T>,
  message: LedgerMessage<T>,
): "ready" | "blocked" | "delayed" | "inFlight" {
  if (message.inFlight) return "inFlight";
  const isBlocked = readyIndexOf(ledger, picked).isBlocked(message);
  if (isBlocked) return "blocked";
  return delayOf(message, moment) > 0 ? "delayed" : "ready";
}
