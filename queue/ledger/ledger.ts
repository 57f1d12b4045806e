import { MiniError } from "../../base/errors.ts";
import type {
  LedgerEntry,
  LoggedError,
  NewMessage,
  Settlement,
} from "./entry.ts";
import { checkEntry, checkVersion } from "./entry_check.ts";
import { dropKeys, forgetKeys, holdKey } from "./dedupe_index.ts";
import { forgetLines, linesBeside } from "./ready_index.ts";

/** A message that waits, or is in flight. */
export interface LedgerMessage<T = unknown> {
  /** Its number. */
  readonly id: number;
  /** Its place in the line: lower goes first. */
  readonly order: number;
  /** When it was enqueued, by the queue's time. */
  readonly at: number;
  /** What it carries. */
  readonly payload: T;
  /** Higher goes first. */
  readonly priority: number;
  /** Messages of a group go one after another, in order. */
  readonly group?: string;
  /** The queue's time from which on it may be received. */
  due: number;
  /** How many deliveries have counted. */
  attempts: number;
  /** How many deliveries there were; the current one's receipt. */
  receipt: number;
  /** Whether a consumer has it. */
  inFlight: boolean;
  /** Why the last delivery came to nothing. */
  reason?: string;
}

/** A message that will not be delivered again by itself. */
export interface DeadLetter<T = unknown> extends LedgerMessage<T> {
  /** Why. */
  reason: string;
  /** What its handler has thrown, where `work` handled it. */
  readonly error?: LoggedError;
  /** Since when, by the queue's time. */
  readonly diedAt: number;
}

/** A key that keeps other messages out. */
export interface DedupeKey {
  /** The key. */
  readonly key: string;
  /** The message that has it. */
  readonly id: number;
  /** Until when, by the queue's time. */
  readonly until: number;
}

/**
 * Everything that a queue knows, as plain JSON: the messages that wait, are in
 * flight or dead. Changed by {@linkcode applyToLedger} alone.
 *
 * @typeParam T What the messages carry.
 */
export interface Ledger<T = unknown> {
  /** The queue's time of the last entry, in milliseconds. */
  at: number;
  /** The highest version of an entry in it; 1 where it is missing. */
  v?: number;
  /** How far the wall clock was from it. */
  drift: number;
  /** The number that no message has had. */
  nextId: number;
  /** The place behind all others. */
  nextOrder: number;
  /** Whether nothing is delivered. */
  paused: boolean;
  /** The messages that wait or are in flight, by number. */
  messages: Record<string, LedgerMessage<T>>;
  /** The dead ones, by number. */
  dead: Record<string, DeadLetter<T>>;
  /** The keys that keep other messages out: a binary heap, with the one first that runs out first. */
  dedupe: DedupeKey[];
}

/**
 * The ledger of a queue that has had no message yet.
 *
 * @typeParam T What the messages will carry.
 * @returns The ledger.
 *
 * @example Nothing in it
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

/**
 * Enters into a ledger what has happened. Determined by its arguments alone; to
 * be called from the `apply` of the state that the ledger is in.
 *
 * @param ledger The ledger, which is changed.
 * @param entry What has happened.
 * @throws {MiniError} `RECEIPT_EXPIRED` where a delivery is settled that is not
 * the current one of its message; `UNSUPPORTED_FORMAT` for an entry or a ledger
 * of a kind or a version that this code does not know: opening a state that has
 * logged one is refused with that.
 * @throws {TypeError} For what is no entry.
 *
 * @example A ledger in a state of one's own
 * ```ts
 * import { applyToLedger, emptyLedger } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const outbox = emptyLedger<string>();
 * applyToLedger(outbox, { at: 0, enqueue: [{ id: 1, payload: "hello" }] });
 * assertEquals(outbox.messages[1]?.payload, "hello");
 * ```
 */
export function applyToLedger<T>(
  ledger: Ledger<T>,
  entry: LedgerEntry<T>,
): void {
  checkEntry(entry, false);
  enter(ledger, entry);
}

/** The same of what a queue's own log holds: what is no entry there is `CORRUPT`. */
export function applyLogged<T>(ledger: Ledger<T>, entry: LedgerEntry<T>): void {
  checkEntry(entry, true);
  enter(ledger, entry);
}

function enter<T>(ledger: Ledger<T>, entry: LedgerEntry<T>): void {
  checkVersion(ledger.v);
  ledger.at = Math.max(ledger.at, entry.at);
  ledger.v = Math.max(ledger.v ?? 1, entry.v ?? 1);
  dropKeys(ledger);
  if (entry.drift !== undefined) ledger.drift = entry.drift;
  if ("enqueue" in entry) {
    for (const message of entry.enqueue) enqueue(ledger, message);
  } else if ("receive" in entry) {
    for (const id of entry.receive) deliver(ledger, id);
  } else if ("settle" in entry) {
    for (const settlement of entry.settle) settle(ledger, settlement);
  } else if ("expire" in entry) {
    for (const settlement of entry.expire) {
      if (isCurrent(ledger, settlement)) settle(ledger, settlement);
    }
  } else if ("redrive" in entry) {
    for (const id of entry.redrive) redrive(ledger, id);
  } else if ("purge" in entry) purge(ledger, entry.purge);
  else if ("paused" in entry) ledger.paused = entry.paused;
}

/** Whether a delivery is the one that may settle its message. */
export function isCurrent(
  { messages }: Ledger,
  { id, receipt }: Pick<Settlement, "id" | "receipt">,
): boolean {
  const message = messages[id];
  return message !== undefined && message.inFlight &&
    message.receipt === receipt;
}

/** The error for a delivery that is not. */
export function receiptExpired(id: number, doing: string): MiniError {
  return new MiniError(
    "RECEIPT_EXPIRED",
    `Cannot ${doing} message ${id}: this delivery is not the current one any more: it was settled, timed out and delivered again, or purged; nothing was changed`,
  );
}

function enqueue<T>(ledger: Ledger<T>, message: NewMessage<T>): void {
  const { id, payload, priority = 0, group, due = 0, dedupe } = message;
  // The same entry once more: it is to be applied once.
  if (ledger.messages[id] !== undefined || ledger.dead[id] !== undefined) {
    return;
  }
  ledger.nextId = Math.max(ledger.nextId, id + 1);
  if (dedupe !== undefined && !holdKey(ledger, { ...dedupe, id })) return;
  const waiting: LedgerMessage<T> = {
    id,
    order: ledger.nextOrder++,
    at: ledger.at,
    payload,
    priority,
    ...(group !== undefined && { group }),
    due,
    attempts: 0,
    receipt: 0,
    inFlight: false,
  };
  ledger.messages[id] = waiting;
  linesBeside(ledger)?.add(waiting);
}

function deliver<T>(ledger: Ledger<T>, id: number): void {
  const message = ledger.messages[id];
  // Purged while the delivery was on its way.
  if (message === undefined || message.inFlight) return;
  message.inFlight = true;
  message.attempts++;
  message.receipt++;
  linesBeside(ledger)?.inFlight.add(id);
}

function settle<T>(ledger: Ledger<T>, settlement: Settlement): void {
  const { id, as, due = 0, refund = false, reason, error } = settlement;
  if (!isCurrent(ledger, settlement)) throw receiptExpired(id, "settle");
  const lines = linesBeside(ledger);
  const message = ledger.messages[id]!;
  message.inFlight = false;
  lines?.inFlight.delete(id);
  if (reason !== undefined) message.reason = reason;
  if (as === "retried") {
    message.due = due;
    if (refund) message.attempts--;
    lines?.wait(message);
    return;
  }
  delete ledger.messages[id];
  lines?.remove(message);
  if (as === "dead") {
    const { reason = "no reason was given" } = message;
    ledger.dead[id] = {
      ...message,
      reason,
      ...(error !== undefined && { error }),
      diedAt: ledger.at,
    };
    lines?.dead.add(id);
  }
}

function redrive<T>(ledger: Ledger<T>, id: number): void {
  const dead = ledger.dead[id];
  if (dead === undefined) return;
  const { diedAt: _, reason: __, error: ___, ...message } = dead;
  delete ledger.dead[id];
  const order = ledger.nextOrder++;
  const waiting = { ...message, order, due: 0, attempts: 0 };
  ledger.messages[id] = waiting;
  const lines = linesBeside(ledger);
  if (lines === undefined) return;
  lines.dead.remove();
  lines.add(waiting);
}

function purge<T>(ledger: Ledger<T>, what: "all" | readonly number[]): void {
  if (what === "all") {
    ledger.messages = {};
    ledger.dead = {};
    forgetKeys(ledger);
    forgetLines(ledger);
    return;
  }
  const lines = linesBeside(ledger);
  for (const id of what) {
    if (ledger.dead[id] === undefined) continue;
    delete ledger.dead[id];
    lines?.dead.remove();
  }
}
