import { tell } from "./effects.ts";
import { Heap, isMostlyStale } from "./heap.ts";
import type { Ledger, LedgerFinishedMessage, LedgerMessage } from "./ledger.ts";
import { existingReadyIndex } from "./ready_index.ts";

/** A message that has ended. */
interface Ended {
  readonly id: number;
  readonly endedAt: number;
}

/** The most that is kept. */
interface Limits {
  readonly count?: number;
  readonly bytes?: number;
  readonly ageMs?: number;
}

/** Messages that have ended, the first that ended first. */
class EndedIndex {
  readonly #order = new Heap<Ended>((a, b) =>
    (a.endedAt - b.endedAt || a.id - b.id) < 0
  );
  count = 0;
  /** In characters of JSON. */
  size = 0;

  add(ended: Ended, size: number): void {
    this.#order.push(ended);
    this.count++;
    this.size += size;
  }

  /** The first one. Drops those before it that are not there any more. */
  first(isThere: (ended: Ended) => boolean): Ended | undefined {
    for (let ended; (ended = this.#order.peek()) !== undefined;) {
      if (isThere(ended)) return ended;
      this.#order.pop();
    }
    return undefined;
  }

  /** Whether deriving the index again costs less than what is stale after the first one. */
  get isMostlyStale(): boolean {
    return isMostlyStale(this.#order.size - this.count, this.count);
  }

  /** Whether the first one, if there is one, is beyond a limit. */
  isExcess(
    { count = Infinity, bytes = Infinity, ageMs = Infinity }: Limits,
    { endedAt }: Ended,
    at: number,
  ): boolean {
    return this.count > count || this.size > bytes || endedAt + ageMs <= at;
  }
}

/** The messages that have ended and are kept. Derived from the ledger and kept beside it, once limits are set. */
interface KeptIndex {
  readonly finished: EndedIndex;
  readonly dead: EndedIndex;
}

const INDEXES = new WeakMap<Ledger, KeptIndex>();

function keptIndexOf(ledger: Ledger): KeptIndex {
  let index = INDEXES.get(ledger);
  if (index !== undefined) return index;
  index = { finished: new EndedIndex(), dead: new EndedIndex() };
  for (const each of Object.values(ledger.finished ?? {})) {
    index.finished.add(each, each.size);
  }
  for (const { id, diedAt } of Object.values(ledger.dead)) {
    index.dead.add({ id, endedAt: diedAt }, 0);
  }
  INDEXES.set(ledger, index);
  return index;
}

/** Forgets all finished messages. The index is derived from the ledger again when it is needed. */
export function forgetKept(ledger: Ledger): void {
  delete ledger.finished;
  INDEXES.delete(ledger);
}

/** Ends a message that is not in the ledger any more. Keeps it if the limits say so. */
export function finish<T>(
  ledger: Ledger<T>,
  message: LedgerMessage<T>,
  as: LedgerFinishedMessage["as"],
  { result, reason }: { result?: unknown; reason?: string | undefined },
): void {
  const type = as === "acked" ? "done" : as;
  tell(ledger, { type, message, result, reason });
  if (ledger.policy?.finished === undefined) return;
  const { id, at, payload, priority, attempts } = message;
  const { group, headers, progress, schedule, scheduledFor } = message;
  const kept = {
    id,
    as,
    at,
    endedAt: ledger.at,
    attempts,
    payload,
    priority,
    ...(group !== undefined && { group }),
    ...(headers !== undefined && { headers }),
    ...(progress !== undefined && { progress }),
    ...(schedule !== undefined && { schedule }),
    ...(scheduledFor !== undefined && { scheduledFor }),
    ...(result !== undefined && { result }),
    ...(reason !== undefined && { reason }),
  };
  const finished = { ...kept, size: JSON.stringify(kept).length };
  const index = keptIndexOf(ledger);
  (ledger.finished ??= {})[id] = finished;
  index.finished.add(finished, finished.size);
  existingReadyIndex(ledger)?.finished.add(id);
}

/** Notes that a message has become a dead letter. */
export function noteDead(ledger: Ledger, id: number): void {
  INDEXES.get(ledger)?.dead.add({ id, endedAt: ledger.at }, 0);
  existingReadyIndex(ledger)?.dead.add(id);
}

/** Removes a dead letter from the ledger. */
export function removeDead(ledger: Ledger, id: number): void {
  delete ledger.dead[id];
  const index = INDEXES.get(ledger);
  if (index !== undefined) index.dead.count--;
  existingReadyIndex(ledger)?.dead.remove();
}

function removeFinished(ledger: Ledger, id: number): void {
  const { size } = ledger.finished![id]!;
  delete ledger.finished![id];
  const { finished } = keptIndexOf(ledger);
  finished.count--;
  finished.size -= size;
  existingReadyIndex(ledger)?.finished.remove();
}

/** Removes what is beyond the limits. */
export function trim(ledger: Ledger): void {
  const { policy, dead, finished } = ledger;
  if (policy === undefined) return;
  const index = keptIndexOf(ledger);
  const limits = policy.finished ?? { count: 0 };
  trimTo(ledger.at, limits, index.finished, {
    isThere: ({ id }) => finished?.[id] !== undefined,
    remove: (id) => removeFinished(ledger, id),
  });
  if (index.finished.count === 0) delete ledger.finished;
  trimTo(ledger.at, policy.dead ?? {}, index.dead, {
    isThere: ({ id, endedAt }) => dead[id]?.diedAt === endedAt,
    remove: (id) => removeDead(ledger, id),
  });
  // Those that were redriven or purged stay in it after an older one.
  if (index.dead.isMostlyStale) INDEXES.delete(ledger);
}

function trimTo(
  at: number,
  limits: Limits,
  index: EndedIndex,
  { isThere, remove }: {
    isThere: (ended: Ended) => boolean;
    remove: (id: number) => void;
  },
): void {
  for (let first; (first = index.first(isThere)) !== undefined;) {
    if (!index.isExcess(limits, first, at)) return;
    remove(first.id);
  }
}
