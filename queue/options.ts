import {
  aBoolean,
  aDate,
  aFileSystem,
  aFunction,
  aMode,
  aName,
  aSchema,
  aSignal,
  assertKnown,
  type Checks,
  countFrom,
  having,
} from "../base/checks.ts";
import { given, isPromise } from "../base/promise.ts";
import type { Schema } from "../base/schema.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { Log, Snapshots } from "../state/mod.ts";
import { exponentialBackoff } from "./delivery/backoff.ts";
import { areSchedules, type ScheduleOptions } from "./schedule/options.ts";
import { checkedClock, type Clock, systemClock } from "./clock.ts";
import type { KeepPolicy, MessageHeaders } from "./ledger/entry.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { DeadLetter } from "./ledger/status.ts";

/**
 * How messages are delivered.
 *
 * @typeParam T The payload of the messages.
 *
 * @example A message that nobody can handle becomes a dead letter
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
  /** How long a consumer holds a message before it is delivered again, in milliseconds. @default {30_000} */
  visibilityTimeoutMs?: number;
  /** A message becomes a dead letter after this number of failed deliveries. @default {5} */
  maxAttempts?: number;
  /** How long a `dedupeKey` keeps out other messages with the same key, in milliseconds. @default {300_000} */
  dedupeWindowMs?: number;
  /**
   * How many finished messages stay, for `get` and `finished`, with the results
   * of their handlers: those that are done, or were cancelled. What is beyond any
   * limit goes, the first that ended first. @default {none stays}
   */
  keepFinished?: KeepLimits;
  /** How many dead letters stay. @default {all} */
  keepDead?: Omit<KeepLimits, "bytes">;
  /** The largest result, in bytes of JSON. At most 8 MiB, which a record holds. A message whose result is larger is acknowledged without it. @default {65_536} */
  maxResultBytes?: number;
  /** How long `work` delays a message whose handler threw, in milliseconds, given the number of attempts so far. @default {exponentialBackoff()} */
  backoff?: (attempts: number) => number;
  /**
   * Validates payloads before they are enqueued and before they are delivered; a
   * message that it rejects on delivery becomes a dead letter. It must be
   * synchronous and return its own output unchanged, otherwise `enqueue` is
   * `INVALID`.
   */
  schema?: Schema<T>;
  /**
   * Called with what makes `work` wait, such as a full disk, with the handlers
   * that it gives up, with results that cannot be kept, and with what cannot be
   * taken in from the inbox. Errors that it throws are ignored.
   */
  onError?: (error: unknown) => void;
  /**
   * The messages that are enqueued by the clock, each under a name, while
   * somebody receives. The ledger remembers what has fired. It forgets a schedule
   * that is not among these; without this option it changes none.
   */
  schedules?: Readonly<Record<string, ScheduleOptions<T>>>;
  /** The seam to the clocks. @default {systemClock} */
  clock?: Clock;
}

/** The most that `maxResultBytes` may be: a record holds it, whatever else is in it. */
const MAX_RESULT_BYTES = 8 * 1024 * 1024;

/** Limits of what stays; at least one of them. */
export interface KeepLimits {
  /** How many messages. @default {Infinity} */
  count?: number;
  /** How much they take up together, in characters of JSON. @default {Infinity} */
  bytes?: number;
  /** For how long, in milliseconds of the queue's time. @default {Infinity} */
  ageMs?: number;
}

/**
 * How messages are delivered, and how the queue is stored.
 *
 * @typeParam T The payload of the messages.
 */
export interface QueueOptions<T> extends DeliveryOptions<T> {
  /** How many snapshots to keep. @default {2} */
  keepSnapshots?: number;
  /** The size in bytes at which the log starts a new segment. @default {16 * 1024 * 1024} */
  maxSegmentBytes?: number;
  /** The mode of the files of a new queue; an existing one keeps its own. @default {0o600} */
  mode?: number;
  /** The mode of the directory if it is created. @default {that of new files, with search permission for those who may read} */
  directoryMode?: number;
  /**
   * Whether to take in what other processes post: {@linkcode MiniQueue.post}.
   * Creates the folder `inbox` if it is missing. Looks into it on opening, when
   * a consumer would get nothing, and while one waits. A message that the schema
   * rejects, and what is no message, is moved to `inbox/refused`, which keeps
   * the last 1,000, and is told to `onError`. @default {false}
   */
  inbox?: boolean;
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
  /** A log of the caller's, in place of one in a directory. The queue owns it: closing the queue closes it, and so does an opening that fails. */
  log?: Log<unknown>;
  /** Snapshots of the caller's, together with such a log. */
  snapshots?: Snapshots<Ledger<T>>;
}

/**
 * How a message is enqueued.
 *
 * @example Priority and deduplication
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
  /** How long the message cannot be received, in milliseconds. @default {0} */
  delayMs?: number;
  /** Higher goes first; equal priorities go in order. @default {0} */
  priority?: number;
  /** Messages of one group are delivered one at a time, in order; a retry keeps its place. */
  group?: string;
  /** Keeps out other messages with the same key for `dedupeWindowMs`. */
  dedupeKey?: string;
  /** From when on the message can be received, by the wall clock, also if that is set in the meantime. Not together with `delayMs`. @default {at once} */
  at?: Date;
  /** Text to attach to the message, by name, such as a `traceparent`. It stays with the result and the dead letter. */
  headers?: MessageHeaders;
}

/**
 * A message of `enqueueBatch`.
 *
 * @typeParam T The payload.
 */
export interface MessageInput<T> extends EnqueueOptions {
  /** The content of the message. */
  readonly payload: T;
}

/**
 * How a message is posted. A delay, and the time for which a key keeps out
 * others, begin when the queue takes the message in.
 */
export interface PostOptions extends EnqueueOptions {
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

/** Changes of a message that waits; what is left out stays. */
export interface MessageChanges<T> {
  /** The new content. */
  payload?: T;
  /** When it can be received, in milliseconds from now. */
  delayMs?: number;
  /** The new priority. */
  priority?: number;
}

/** The result of enqueuing a message. */
export interface EnqueueResult {
  /** Identifies the message, or the one that kept it out. */
  readonly id: number;
  /** Whether a message with the same `dedupeKey` kept this one out. */
  readonly deduplicated: boolean;
}

/** How messages are received. */
export interface ReceiveOptions {
  /** How long to wait for a message, in milliseconds. @default {0} */
  waitMs?: number;
  /** Ends the waiting: `receive` rejects with its reason. */
  signal?: AbortSignal;
  /** Replaces that of the queue, in milliseconds. `Infinity` for no timeout. */
  visibilityTimeoutMs?: number;
}

/** Some dead letters: one, several, all, or those for which a function returns true. */
export type DeadLetterChoice<T> =
  | number
  | readonly number[]
  | "all"
  | ((letter: DeadLetter<T>) => boolean);

/** How dead letters are let go. */
export interface RedriveOptions {
  /** How many a second become ready, so that they do not all fail together again: at least one a day. @default {all at once} */
  perSecond?: number;
}

/** How many a second. */
const ONE_A_DAY = 1 / 86_400;

/** The checks of the options of `redrive`. */
export const REDRIVE_CHECKS: Checks<RedriveOptions> = {
  perSecond(name, value) {
    // However many there are, they wait for a time that a Date can tell.
    if (typeof value === "number" && value >= ONE_A_DAY) return;
    throw new RangeError(
      `${name} must be at least 1 / 86_400, which is one a day, not ${value}`,
    );
  },
};

/** How a message is given back. */
export interface NackOptions {
  /** How long the message cannot be received, in milliseconds. @default {0} */
  delayMs?: number;
  /** Why the delivery failed. */
  reason?: string;
  /** Whether this delivery counts towards `maxAttempts`. @default {true} */
  countAttempt?: boolean;
}

/** The options of deliveries, with their defaults. */
export type CheckedOptions<T> =
  & Required<
    Omit<
      DeliveryOptions<T>,
      "schema" | "schedules" | "keepFinished" | "keepDead"
    >
  >
  & Pick<DeliveryOptions<T>, "schema" | "schedules">
  & { readonly policy: KeepPolicy };

/** The checks of the options of deliveries. */
export const DELIVERY_CHECKS: Checks<DeliveryOptions<unknown>> = {
  visibilityTimeoutMs: aSpan,
  maxAttempts: countFrom(1),
  dedupeWindowMs: aDelay,
  keepFinished: limits("count", "bytes", "ageMs"),
  keepDead: limits("count", "ageMs"),
  maxResultBytes(name, value) {
    countFrom(1)(name, value);
    if (Number(value) <= MAX_RESULT_BYTES) return;
    throw new RangeError(`${name} must be at most ${MAX_RESULT_BYTES}`);
  },
  backoff: aFunction,
  onError: aFunction,
  schema: aSchema,
  schedules: areSchedules,
  clock: having("wall", "monotonic", "sleep"),
};

/** The checks of the options of a queue. */
export const QUEUE_CHECKS: Checks<QueueOptions<unknown>> = {
  ...DELIVERY_CHECKS,
  keepSnapshots: countFrom(1),
  maxSegmentBytes: countFrom(1),
  mode: aMode,
  directoryMode: aMode,
  inbox: aBoolean,
  fs: aFileSystem,
  log: having("append", "replay", "follow", "compact", "close"),
  snapshots: having("create", "restore", "list"),
};

/** The checks of the changes of a message. */
export const CHANGE_CHECKS: Checks<MessageChanges<unknown>> = {
  // The schema checks it.
  payload: () => {},
  delayMs: aDelay,
  priority: aFinite,
};

/** The checks of the options of `enqueue`. */
export const ENQUEUE_CHECKS: Checks<EnqueueOptions> = {
  delayMs: aDelay,
  priority: aFinite,
  group: aName,
  dedupeKey: aName,
  at: aDate,
  headers: aHeaders,
};

/** The checks of the options of `post`. */
export const POST_CHECKS: Checks<PostOptions> = {
  ...ENQUEUE_CHECKS,
  fs: aFileSystem,
};

/** The checks of the fields of a message. */
const MESSAGE_CHECKS: Checks<MessageInput<unknown>> = {
  // The schema checks it.
  payload: () => {},
  ...ENQUEUE_CHECKS,
};

/** The checks of the options of `receive`. */
export const RECEIVE_CHECKS: Checks<ReceiveOptions> = {
  waitMs: aSpan,
  signal: aSignal,
  visibilityTimeoutMs: aSpan,
};

/** The checks of the options of `nack`. */
export const NACK_CHECKS: Checks<NackOptions> = {
  delayMs: aDelay,
  // Text of any length, which is cut.
  reason: () => {},
  countAttempt: aBoolean,
};

/** The checks of the options of `postBatch`. */
export const BATCH_CHECKS: Checks<Pick<PostOptions, "fs">> = {
  fs: aFileSystem,
};

/** A check of limits with these names, at least one of which is given. */
function limits(
  ...names: readonly (keyof KeepLimits)[]
): (name: string, value: unknown) => void {
  return (name, value) => {
    const given = Object.entries(Object(value) as KeepLimits)
      .filter(([, limit]) => limit !== undefined);
    const isKnown = ([key]: [string, unknown]) =>
      (names as readonly string[]).includes(key);
    if (given.length === 0 || !given.every(isKnown)) {
      throw new TypeError(
        `${name} must have at least one of ${names.join()}, and nothing else`,
      );
    }
    for (const [key, limit] of given) countFrom(0)(`${name}.${key}`, limit);
  };
}

/** The limits in one order, to compare them with those in the ledger. */
function inOrder({ count, bytes, ageMs }: KeepLimits): KeepLimits {
  return {
    ...(count !== undefined && { count }),
    ...(bytes !== undefined && { bytes }),
    ...(ageMs !== undefined && { ageMs }),
  };
}

/** Fills in the defaults. */
export function filledIn<T>(
  options: DeliveryOptions<T>,
): CheckedOptions<T> {
  const {
    visibilityTimeoutMs = 30_000,
    maxAttempts = 5,
    dedupeWindowMs = 300_000,
    maxResultBytes = 64 * 1024,
    keepFinished: finished,
    keepDead: dead,
    backoff = exponentialBackoff(),
    clock = systemClock,
    schema,
    schedules,
    onError,
  } = options;
  return {
    visibilityTimeoutMs,
    maxAttempts,
    dedupeWindowMs,
    maxResultBytes,
    policy: {
      ...(finished && { finished: inOrder(finished) }),
      ...(dead && { dead: inOrder(dead) }),
    },
    backoff: (attempts) => given("backoff", backoff(attempts)),
    clock: checkedClock(clock),
    onError: (error) => {
      try {
        isPromise(onError?.(error));
      } catch {
        // An error of the error handler must not end the work.
      }
    },
    ...(schema && { schema }),
    ...(schedules && { schedules }),
  };
}

/** The message that a call enqueues with options. */
export function messageOf<T>(
  call: string,
  payload: T,
  options: EnqueueOptions,
): MessageInput<T> {
  assertKnown(call, options, ENQUEUE_CHECKS);
  return { ...options, payload };
}

/** Throws a `RangeError` or a `TypeError` if a message cannot be enqueued in this way, or has a field that would be ignored. */
export function checkMessage(message: MessageInput<unknown>): void {
  assertKnown("A message", message, MESSAGE_CHECKS);
  const { delayMs, priority, group, dedupeKey, at, headers } = message;
  if (delayMs !== undefined) checkDelay("delayMs", delayMs);
  if (priority !== undefined) aFinite("priority", priority);
  if (group !== undefined) aName("group", group);
  if (dedupeKey !== undefined) aName("dedupeKey", dedupeKey);
  if (headers !== undefined) aHeaders("headers", headers);
  if (at === undefined) return;
  aDate("at", at);
  if (delayMs === undefined) return;
  throw new TypeError("at and delayMs exclude each other");
}

/** A copy of the headers of a message, or of those it has without any; `undefined` if it has none, or what is none. */
export function headersOf(
  message: MessageInput<unknown>,
  none?: MessageHeaders,
): MessageHeaders | undefined {
  const headers = Object(message).headers ?? none;
  return areHeaders(headers) ? { ...headers } : undefined;
}

function aHeaders(name: string, value: unknown): void {
  if (areHeaders(value)) return;
  throw new TypeError(`${name} must be an object of strings`);
}

function areHeaders(value: unknown): value is MessageHeaders {
  const isRecord = typeof value === "object" && value !== null &&
    !Array.isArray(value);
  const isText = (each: unknown) => typeof each === "string";
  return isRecord && Object.values(value).every(isText);
}

/** Checks for a time span. */
export function aSpan(name: string, value: unknown): void {
  checkSpan(name, value as number);
}

/** Checks for a finite time span. */
function aDelay(name: string, value: unknown): void {
  checkDelay(name, value as number);
}

function aFinite(name: string, value: unknown): void {
  if (Number.isFinite(value)) return;
  throw new RangeError(`${name} must be a finite number, not ${value}`);
}

/** Throws a `RangeError` if a value is not a time span. */
export function checkSpan(name: string, ms: number): void {
  if (typeof ms === "number" && ms >= 0) return;
  throw new RangeError(`${name} must be at least 0, not ${ms}`);
}

/** Throws a `RangeError` if a value is not a finite time span. */
export function checkDelay(name: string, ms: number): void {
  checkSpan(name, ms);
  if (Number.isFinite(ms)) return;
  throw new RangeError(`${name} must be finite`);
}
