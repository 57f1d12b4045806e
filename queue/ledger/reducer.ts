import type { LedgerEntry, NewMessage, Settlement } from "./entry.ts";
import { checkEntry, checkVersion } from "./entry_check.ts";
import { dropExpiredKeys, forgetKeys, holdKey } from "./dedupe_index.ts";
import {
  isCurrent,
  type Ledger,
  type LedgerMessage,
  receiptExpired,
} from "./ledger.ts";
import { existingReadyIndex, forgetReadyIndex } from "./ready_index.ts";

/**
 * Applies an entry to a ledger. Depends on its arguments alone. Call it from the
 * `apply` of the state that holds the ledger.
 *
 * @param ledger The ledger to change.
 * @param entry The entry.
 * @throws {MiniError} `RECEIPT_EXPIRED` if the entry settles a delivery that is
 * not the current one of its message; `UNSUPPORTED_FORMAT` if the entry or the
 * ledger has a kind or a version that this code does not know. Opening a state
 * that has logged such an entry fails with the same error.
 * @throws {TypeError} If the value is not an entry.
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

/** Applies an entry from a queue's own log: a record there that is not an entry is `CORRUPT`. */
export function applyLogged<T>(ledger: Ledger<T>, entry: LedgerEntry<T>): void {
  checkEntry(entry, true);
  enter(ledger, entry);
}

function enter<T>(ledger: Ledger<T>, entry: LedgerEntry<T>): void {
  checkVersion(ledger.v);
  ledger.at = Math.max(ledger.at, entry.at);
  ledger.v = Math.max(ledger.v ?? 1, entry.v ?? 1);
  dropExpiredKeys(ledger);
  if (entry.drift !== undefined) ledger.drift = entry.drift;
  if ("enqueue" in entry) {
    enqueueAll(ledger, entry.enqueue);
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
  else if ("gone" in entry) forgetFiles(ledger, entry.gone);
}

/** Enqueues messages, but for those from files that the ledger knew before. */
function enqueueAll<T>(
  ledger: Ledger<T>,
  messages: readonly NewMessage<T>[],
): void {
  for (const message of messages) {
    const { from } = message;
    if (from === undefined || !ledger.inbox?.[from]) enqueue(ledger, message);
  }
  for (const { from } of messages) {
    if (from !== undefined) (ledger.inbox ??= {})[from] = true;
  }
}

function forgetFiles(ledger: Ledger, names: readonly string[]): void {
  const { inbox = {} } = ledger;
  for (const name of names) delete inbox[name];
  for (const _ in inbox) return;
  delete ledger.inbox;
}

function enqueue<T>(ledger: Ledger<T>, message: NewMessage<T>): void {
  const { id, payload, priority = 0, group, due = 0, dedupe } = message;
  // An entry that is applied a second time enqueues nothing.
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
  existingReadyIndex(ledger)?.add(waiting);
}

function deliver<T>(ledger: Ledger<T>, id: number): void {
  const message = ledger.messages[id];
  // It may have been purged in the meantime.
  if (message === undefined || message.inFlight) return;
  message.inFlight = true;
  message.attempts++;
  message.receipt++;
  existingReadyIndex(ledger)?.inFlight.add(id);
}

function settle<T>(ledger: Ledger<T>, settlement: Settlement): void {
  const { id, as, due = 0, refund = false, reason, error } = settlement;
  if (!isCurrent(ledger, settlement)) throw receiptExpired(id, "settle");
  const index = existingReadyIndex(ledger);
  const message = ledger.messages[id]!;
  message.inFlight = false;
  index?.inFlight.delete(id);
  if (reason !== undefined) message.reason = reason;
  if (as === "retried") {
    message.due = due;
    if (refund) message.attempts--;
    index?.wait(message);
    return;
  }
  delete ledger.messages[id];
  index?.remove(message);
  if (as === "dead") {
    const { reason = "no reason was given" } = message;
    ledger.dead[id] = {
      ...message,
      reason,
      ...(error !== undefined && { error }),
      diedAt: ledger.at,
    };
    index?.dead.add(id);
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
  const index = existingReadyIndex(ledger);
  if (index === undefined) return;
  index.dead.remove();
  index.add(waiting);
}

function purge<T>(ledger: Ledger<T>, what: "all" | readonly number[]): void {
  if (what === "all") {
    ledger.messages = {};
    ledger.dead = {};
    forgetKeys(ledger);
    forgetReadyIndex(ledger);
    return;
  }
  const index = existingReadyIndex(ledger);
  for (const id of what) {
    if (ledger.dead[id] === undefined) continue;
    delete ledger.dead[id];
    index?.dead.remove();
  }
}
