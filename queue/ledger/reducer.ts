import type {
  Cancellation,
  LaterRedrive,
  LedgerEntry,
  LoggedProgress,
  MessageUpdate,
  NewMessage,
  Settlement,
} from "./entry.ts";
import { checkEntry, checkVersion } from "./entry_check.ts";
import { dropExpiredKeys, forgetKeys, holdKey } from "./dedupe_index.ts";
import { tell } from "./effects.ts";
import { finish, forgetKept, noteDead, removeDead, trim } from "./kept.ts";
import {
  isCurrent,
  type Ledger,
  type LedgerMessage,
  receiptExpired,
} from "./ledger.ts";
import { existingReadyIndex, forgetReadyIndex } from "./ready_index.ts";
import { changeSchedules, fireAll } from "./schedules.ts";

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
  change(ledger, entry);
  trim(ledger);
}

function change<T>(ledger: Ledger<T>, entry: LedgerEntry<T>): void {
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
  } else if ("cancel" in entry) {
    for (const cancellation of entry.cancel) cancel(ledger, cancellation);
  } else if ("update" in entry) {
    for (const changes of entry.update) update(ledger, changes);
  } else if ("progress" in entry) {
    for (const progress of entry.progress) noteProgress(ledger, progress);
  } else if ("redrive" in entry) {
    for (const each of entry.redrive) redrive(ledger, each);
  } else if ("purge" in entry) purge(ledger, entry.purge);
  else if ("paused" in entry) ledger.paused = entry.paused;
  else if ("policy" in entry) ledger.policy = entry.policy;
  else if ("schedule" in entry) changeSchedules(ledger, entry.schedule);
  else if ("fire" in entry) {
    fireAll(
      ledger,
      entry.fire,
      (message, origin) => enqueue(ledger, message, origin),
    );
  } else if ("gone" in entry) forgetFiles(ledger, entry.gone);
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

function enqueue<T>(
  ledger: Ledger<T>,
  message: NewMessage<T>,
  origin: Pick<LedgerMessage, "schedule" | "scheduledFor"> = {},
): void {
  const { id, payload, priority = 0, group, due = 0, dedupe } = message;
  const { when, headers } = message;
  // An entry that is applied a second time enqueues nothing.
  const { messages, dead, finished } = ledger;
  if (messages[id] ?? dead[id] ?? finished?.[id]) return;
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
    ...(when !== undefined && { when }),
    ...(headers !== undefined && { headers }),
    ...origin,
  };
  ledger.messages[id] = waiting;
  existingReadyIndex(ledger)?.add(waiting);
  tell(ledger, { type: "enqueued", message: waiting });
}

function deliver<T>(ledger: Ledger<T>, id: number): void {
  const waiting = ledger.messages[id];
  // It may have been purged in the meantime.
  if (waiting === undefined || waiting.inFlight) return;
  const index = existingReadyIndex(ledger);
  const message = index?.deliver(waiting) ?? waiting;
  ledger.messages[id] = message;
  message.inFlight = true;
  message.attempts++;
  message.receipt++;
  const { when } = message;
  if (when !== undefined) delete message.when;
  if (index?.isMostlyStale) forgetReadyIndex(ledger);
  tell(ledger, { type: "delivered", message, when });
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
    tell(ledger, { type: "retried", message, reason });
    return;
  }
  delete ledger.messages[id];
  index?.remove(message);
  if (as === "acked") {
    finish(ledger, message, as, { result: settlement.result });
    return;
  }
  const { reason: why = "no reason was given" } = message;
  ledger.dead[id] = {
    ...message,
    reason: why,
    ...(error !== undefined && { error }),
    diedAt: ledger.at,
  };
  noteDead(ledger, id);
  tell(ledger, { type: "dead", message, reason: why, error });
}

function cancel<T>(ledger: Ledger<T>, { id, reason }: Cancellation): void {
  const message = ledger.messages[id];
  if (message === undefined) return;
  delete ledger.messages[id];
  withdraw(ledger, message);
  finish(ledger, message, "cancelled", { reason });
}

/** Takes a message that has left the ledger out of the index. */
function withdraw<T>(ledger: Ledger<T>, message: LedgerMessage<T>): void {
  const index = existingReadyIndex(ledger);
  index?.withdraw(message);
  // It is cheaper to derive it again than to search it for each.
  if (index?.isMostlyStale) forgetReadyIndex(ledger);
}

function update<T>(
  ledger: Ledger<T>,
  { id, ...changes }: MessageUpdate<T>,
): void {
  const message = ledger.messages[id];
  if (message === undefined || message.inFlight) return;
  const changed = { ...message, ...changes };
  if (changes.due !== undefined) delete changed.when;
  ledger.messages[id] = changed;
  const index = existingReadyIndex(ledger);
  index?.replace(message, changed);
  if (index?.isMostlyStale) forgetReadyIndex(ledger);
  const isDueNow = changes.due === 0;
  tell(ledger, { type: "updated", message: changed, isDueNow });
}

function noteProgress(ledger: Ledger, logged: LoggedProgress): void {
  if (!isCurrent(ledger, logged)) return;
  const message = ledger.messages[logged.id]!;
  message.progress = logged.progress;
  tell(ledger, { type: "progress", message });
}

function redrive<T>(ledger: Ledger<T>, which: number | LaterRedrive): void {
  const { id, due } = typeof which === "number" ? { id: which, due: 0 } : which;
  const dead = ledger.dead[id];
  if (dead === undefined) return;
  const { diedAt: _, reason: __, error: ___, ...message } = dead;
  removeDead(ledger, id);
  const order = ledger.nextOrder++;
  const waiting = { ...message, order, due, attempts: 0 };
  ledger.messages[id] = waiting;
  existingReadyIndex(ledger)?.add(waiting);
  tell(ledger, { type: "enqueued", message: waiting });
}

function purge<T>(ledger: Ledger<T>, what: "all" | readonly number[]): void {
  if (what !== "all") {
    for (const id of what) {
      if (ledger.dead[id] !== undefined) removeDead(ledger, id);
    }
    return;
  }
  const { messages } = ledger;
  ledger.messages = {};
  ledger.dead = {};
  forgetKeys(ledger);
  forgetReadyIndex(ledger);
  forgetKept(ledger);
  for (const id in messages) {
    const message = messages[id]!;
    tell(ledger, { type: "cancelled", message, reason: "purged" });
  }
}
