import {
  aFileSystem,
  aFunction,
  aMode,
  aSchema,
  type Checks,
  countFrom,
  having,
} from "../base/checks.ts";
import { given, isPromise } from "../base/promise.ts";
import type { Schema } from "../base/schema.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { exponentialBackoff } from "./delivery/backoff.ts";
import { checkedClock, type Clock, systemClock } from "./clock.ts";

/**
 * How messages are delivered.
 *
 * @example A message that nobody can handle ends dead
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir(), {
 *   maxAttempts: 2,
 * });
 * await queue.enqueue("poison");
 * for (let delivery = 1; delivery <= 2; delivery++) {
 *   const message = await queue.receive();
 *   await message?.nack({ reason: "it does not parse" });
 * }
 * const [dead] = await queue.deadLetters();
 * assertEquals([dead?.payload, dead?.reason], ["poison", "it does not parse (delivered 2 times)"]);
 * ```
 */
export interface DeliveryOptions<T> {
  /** How long a consumer has a message before it is delivered again, in milliseconds. @default {30_000} */
  visibilityTimeoutMs?: number;
  /** After so many deliveries that came to nothing a message is dead. @default {5} */
  maxAttempts?: number;
  /** How long a `dedupeKey` keeps other messages out, in milliseconds. @default {300_000} */
  dedupeWindowMs?: number;
  /** How long `work` puts off a message whose handler has thrown, after so many deliveries, in milliseconds. @default {exponentialBackoff()} */
  backoff?: (attempts: number) => number;
  /**
   * A validator of payloads, asked before they are enqueued, and before they are
   * delivered: one that is refused then is dead. It must answer at once, and
   * make the same of its own output, else `enqueue` is `INVALID`.
   */
  schema?: Schema<T>;
  /**
   * Told what keeps `work` waiting, as a full disk does, and which handlers are
   * given up on; what it throws is ignored.
   */
  onError?: (error: unknown) => void;
  /** The seam to the clocks. @default {systemClock} */
  clock?: Clock;
}

/** How a queue is kept. */
export interface QueueOptions<T> extends DeliveryOptions<T> {
  /** How many snapshots to keep. @default {2} */
  keepSnapshots?: number;
  /** Beyond this size of the log's active segment a new one is started. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** The permissions of new files where there is no queue yet; otherwise they take those that it has. @default {0o600} */
  mode?: number;
  /** The permissions of the directory, where it is made. @default {those of new files, and who may read may enter} */
  directoryMode?: number;
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

/**
 * How a message is enqueued.
 *
 * @example Order, and no duplicates
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueue("later");
 * await queue.enqueue("first", { priority: 1, dedupeKey: "mail 17" });
 * const again = await queue.enqueue("first", { dedupeKey: "mail 17" });
 * assertEquals(again.deduplicated, true);
 * assertEquals((await queue.receive())?.payload, "first");
 * ```
 */
export interface EnqueueOptions {
  /** How long it is not to be received, in milliseconds. @default {0} */
  delayMs?: number;
  /** Higher goes first; the same goes in order. @default {0} */
  priority?: number;
  /** Messages of a group go one after another, in order; retries keep their place. */
  group?: string;
  /** Keeps other messages with the same key out, for `dedupeWindowMs`. */
  dedupeKey?: string;
}

/** A message to be enqueued together with others. */
export interface MessageInput<T> extends EnqueueOptions {
  /** What it carries. */
  readonly payload: T;
}

/** What has become of a message that was enqueued. */
export interface EnqueueResult {
  /** Its number; where it was kept out, that of the message that did. */
  readonly id: number;
  /** Whether a message with the same `dedupeKey` has kept it out. */
  readonly deduplicated: boolean;
}

/** How to receive. */
export interface ReceiveOptions {
  /** How long to wait for a message, in milliseconds. @default {0} */
  waitMs?: number;
  /** Ends the waiting by throwing its reason. */
  signal?: AbortSignal;
  /** In place of the queue's. `Infinity` for no timeout. */
  visibilityTimeoutMs?: number;
}

/** Which of many to look at. */
export interface PageOptions {
  /** The number of the last that was seen: those above it are given. @default {0} */
  after?: number;
  /** How many at most. @default {all} */
  limit?: number;
}

/** How a delivery is given back. */
export interface NackOptions {
  /** How long the message is not to be received, in milliseconds. @default {0} */
  delayMs?: number;
  /** Why. */
  reason?: string;
  /** Whether this delivery counts towards `maxAttempts`. @default {true} */
  countAttempt?: boolean;
}

/**
 * How many messages there are.
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
  /** Can be received now. */
  readonly ready: number;
  /** Wait for an earlier one of their group. */
  readonly blocked: number;
  /** Wait for their time. */
  readonly delayed: number;
  /** A consumer has them. */
  readonly inFlight: number;
  /** Will not be delivered again by themselves. */
  readonly dead: number;
  /** Whether nothing is delivered. */
  readonly paused: boolean;
}

/** Options that are there. */
export type CheckedOptions<T> =
  & Required<Omit<DeliveryOptions<T>, "schema">>
  & Pick<DeliveryOptions<T>, "schema">;

/** What the options of a delivery must be. */
export const DELIVERY_CHECKS: Checks<DeliveryOptions<unknown>> = {
  visibilityTimeoutMs: (name, ms) => checkSpan(name, ms as number),
  maxAttempts: countFrom(1),
  dedupeWindowMs: (name, ms) => checkDelay(name, ms as number),
  backoff: aFunction,
  onError: aFunction,
  schema: aSchema,
  clock: having("wall", "monotonic", "sleep"),
};

/** What those of a queue must be. */
export const QUEUE_CHECKS: Checks<QueueOptions<unknown>> = {
  ...DELIVERY_CHECKS,
  keepSnapshots: countFrom(1),
  maxSegmentBytes: countFrom(1),
  mode: aMode,
  directoryMode: aMode,
  fs: aFileSystem,
};

/** Fills in what was left out. */
export function filledIn<T>(
  options: DeliveryOptions<T>,
): CheckedOptions<T> {
  const {
    visibilityTimeoutMs = 30_000,
    maxAttempts = 5,
    dedupeWindowMs = 300_000,
    backoff = exponentialBackoff(),
    clock = systemClock,
    schema,
    onError,
  } = options;
  return {
    visibilityTimeoutMs,
    maxAttempts,
    dedupeWindowMs,
    backoff: (attempts) => given("backoff", backoff(attempts)),
    clock: checkedClock(clock),
    onError: (error) => {
      try {
        isPromise(onError?.(error));
      } catch {
        // Who is told of errors is not to make more of them.
      }
    },
    ...(schema && { schema }),
  };
}

/** Throws a `RangeError` for what is no time span. */
export function checkSpan(name: string, ms: number): void {
  if (typeof ms === "number" && ms >= 0) return;
  throw new RangeError(`${name} must be at least 0, not ${ms}`);
}

/** Throws a `RangeError` for what is no time span that can be put on record. */
export function checkDelay(name: string, ms: number): void {
  checkSpan(name, ms);
  if (Number.isFinite(ms)) return;
  throw new RangeError(`${name} must be finite`);
}
