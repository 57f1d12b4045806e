import {
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
} from "../../base/checks.ts";
import { childOf } from "../../base/abort.ts";
import { messageOf } from "../../base/reason.ts";
import { lookInto } from "../../queue/internal.ts";
import {
  DeadLetterError,
  MiniError,
  type MiniQueue,
  RetryLaterError,
} from "../../queue/mod.ts";
import { enqueueOnce, type JetStreamQueue } from "./queue.ts";

/**
 * How messages are moved.
 *
 * @example One after another, until the process is told to end
 * ```ts ignore
 * import process from "node:process";
 *
 * const stop = new AbortController();
 * process.once("SIGTERM", () => stop.abort());
 * await relay(outbox, confirmations, { signal: stop.signal, concurrency: 1 });
 * ```
 */
export interface RelayOptions {
  /** Stops the moving, once those under way have arrived. */
  signal: AbortSignal;
  /** How many are under way at a time; with 1, they arrive in the order of the ledger. @default {32} */
  concurrency?: number;
}

const CHECKS: Checks<RelayOptions> = {
  signal: aSignal,
  concurrency: countFrom(1),
};

/** How long to leave a message in its ledger that cannot be moved now, in milliseconds. */
const LATER_MS = 1_000;

/** The codes of failures that no later try changes. */
const NEVER: ReadonlySet<string> = new Set([
  "TOO_LARGE",
  "INVALID",
  "UNSERIALIZABLE",
]);

/**
 * Moves messages from a ledger to a queue on JetStream, until it is stopped: an
 * outbox. A change of a state and the message that it sends are one record of
 * the ledger ({@linkcode MiniQueue.enqueueMutation}); from there the message
 * goes to workers on any machine.
 *
 * Each message is stored once within the window of `to` (`dedupeWindowMs`),
 * also if this process is killed: its id there is made of those of the log and
 * of the message. If the process stays away for longer, with a message that was
 * stored and not yet acknowledged in the ledger, that one is stored twice.
 *
 * Messages leave the ledger in its order, by priority, and one after another
 * within their group. What cannot be moved now, because no server answers,
 * stays in the ledger, and does not count as delivered; what never can, such as
 * one that is too large, becomes a dead letter of the ledger. Run it where the
 * ledger is open, and once.
 *
 * @param from The ledger's queue. Its headers go along, its delays end there.
 * @param to The queue that the messages go to. Its results are its own.
 * @param options When to stop, and how many are under way.
 * @returns Resolves once it has stopped.
 * @throws {TypeError} If the log of `from` has no id.
 * @throws {MiniError} `CLOSED` if one of them was closed; otherwise as
 * `MiniQueue.work`.
 *
 * @example An outbox
 * ```ts ignore
 * const outbox = await MiniQueue.attach(shop, "outbox");
 * const confirmations = await JetStreamQueue.open<string>(nc, "confirmations");
 * const stop = new AbortController();
 * const relayed = relay(outbox, confirmations, { signal: stop.signal });
 * await shop.applyBatch([{ order: "tea" }, outbox.enqueueMutation("confirm tea")]);
 * ```
 */
export async function relay<T, R, M>(
  from: MiniQueue<T, R, M>,
  to: JetStreamQueue<T>,
  options: RelayOptions,
): Promise<void> {
  assertOptions("relay()", options, CHECKS, ["signal"]);
  const { signal, concurrency = 32 } = options;
  const { about: { logId, name } = {} } = await lookInto(from);
  if (logId === undefined) {
    throw new TypeError(
      "The log of the queue has no id: a message that is moved again would not be known",
    );
  }
  const ledger = name === undefined ? logId : `${logId}.${name}`;
  const stop = childOf(signal);
  let failure: MiniError | undefined;
  try {
    await from.work(async ({ id, payload, headers }) => {
      try {
        await enqueueOnce(to, { payload, headers }, `r.${ledger}.${id}`);
      } catch (error) {
        if (!(error instanceof MiniError)) throw error;
        if (NEVER.has(error.code)) throw new DeadLetterError(messageOf(error));
        if (error.code === "CLOSED") {
          failure = error;
          stop.abort();
        }
        throw new RetryLaterError(LATER_MS, messageOf(error));
      }
      return undefined as R;
    }, { concurrency, signal: stop.signal });
  } finally {
    stop.letGo();
  }
  if (failure !== undefined) throw failure;
}
