import {
  aBoolean,
  aFunction,
  aName,
  aSchema,
  assertOptions,
  type Check,
  type Checks,
  countFrom,
} from "../../base/checks.ts";
import { given, isPromise } from "../../base/promise.ts";
import {
  type DeliveryOptions,
  exponentialBackoff,
  type Schema,
} from "../../queue/mod.ts";

/**
 * How a queue on NATS JetStream is made and delivers.
 *
 * @typeParam T The payload of the messages.
 *
 * @example One server, for a test
 * ```ts ignore
 * import { JetStreamQueue } from "@mini/state/jetstream";
 *
 * await using queue = await JetStreamQueue.open<string>(nc, "mails", {
 *   replicas: 1,
 *   visibilityTimeoutMs: 60_000,
 * });
 * ```
 */
export interface JetStreamQueueOptions<T> {
  /** How long a consumer holds a message before it is delivered again, in milliseconds; at least 100. One for all consumers: given for a queue that has another, it changes it. Handles that are open count the old one on: close them before you give a shorter one. @default {that of the queue; 30_000 for a new one} */
  visibilityTimeoutMs?: number;
  /** A message becomes a dead letter after this number of deliveries. All of them count. @default {5} */
  maxAttempts?: number;
  /** How long a `dedupeKey` keeps out other messages with the same key, in milliseconds; at least 100. One for all messages: given for a queue that has another, it changes it. @default {that of the queue; 300_000 for a new one} */
  dedupeWindowMs?: number;
  /** How long `work` delays a message whose handler threw, in milliseconds, given the number of attempts so far. @default {exponentialBackoff()} */
  backoff?: DeliveryOptions<T>["backoff"];
  /** Validates payloads, as that of `MiniQueue`. */
  schema?: Schema<T>;
  /** Called with what makes `work` wait, and with handlers that it gives up. */
  onError?: (error: unknown) => void;
  /** How many servers keep each message; that of an existing queue must agree. @default {3} */
  replicas?: 1 | 3 | 5;
  /** Whether to make the streams and the consumer if they are missing. `false` where an operator does. @default {true} */
  create?: boolean;
  /** The first part of the names: streams are `MINI_<name>_JOBS` and `MINI_<name>_DEAD`, subjects `mini.<name>.*`. @default {"mini"} */
  prefix?: string;
  /** The most bytes of the messages, on each server: beyond it `enqueue` is `NO_SPACE`. Such a queue has no delays. @default {as much as the servers have} */
  maxBytes?: number;
  /** How long one answer of the servers may take, in milliseconds. @default {2_000} */
  requestTimeoutMs?: number;
  /** For how long to ask again while no answer comes, in milliseconds; then `UNAVAILABLE`. @default {30_000} */
  doubtMs?: number;
}

/** The options of a queue, with their defaults. */
export interface CheckedOptions<T> {
  readonly visibilityTimeoutMs: number | undefined;
  readonly dedupeWindowMs: number | undefined;
  readonly replicas: number | undefined;
  readonly maxBytes: number | undefined;
  readonly maxAttempts: number;
  readonly backoff: (attempts: number) => number;
  readonly schema: Schema<T> | undefined;
  readonly onError: (error: unknown) => void;
  readonly create: boolean;
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  readonly doubtMs: number;
}

/** The servers count no shorter window, and a shorter timeout would pass on the way. */
const SHORTEST_MS = 100;

const aReplica: Check = (name, value) => {
  if (value === 1 || value === 3 || value === 5) return;
  throw new RangeError(`${name} must be 1, 3 or 5, not ${String(value)}`);
};

const CHECKS: Checks<JetStreamQueueOptions<unknown>> = {
  visibilityTimeoutMs: countFrom(SHORTEST_MS),
  maxAttempts: countFrom(1),
  dedupeWindowMs: countFrom(SHORTEST_MS),
  backoff: aFunction,
  schema: aSchema,
  onError: aFunction,
  replicas: aReplica,
  create: aBoolean,
  prefix: aName,
  maxBytes: countFrom(1),
  requestTimeoutMs: countFrom(1),
  doubtMs: countFrom(1),
};

/** Checks the options, and fills in the defaults. */
export function checkedOptions<T>(
  options: JetStreamQueueOptions<T>,
): CheckedOptions<T> {
  assertOptions("JetStreamQueue.open()", options, CHECKS);
  const { backoff = exponentialBackoff(), onError } = options;
  return {
    visibilityTimeoutMs: options.visibilityTimeoutMs,
    dedupeWindowMs: options.dedupeWindowMs,
    replicas: options.replicas,
    maxBytes: options.maxBytes,
    maxAttempts: options.maxAttempts ?? 5,
    backoff: (attempts) => given("backoff", backoff(attempts)),
    schema: options.schema,
    onError(error) {
      try {
        isPromise(onError?.(error));
      } catch {
        // An error of the error handler must not end the work.
      }
    },
    create: options.create ?? true,
    prefix: options.prefix ?? "mini",
    requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
    doubtMs: options.doubtMs ?? 30_000,
  };
}
