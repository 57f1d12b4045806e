import type { NewMessage } from "./entry.ts";
import { Heap } from "./heap.ts";
import type { DedupeKey, Ledger } from "./ledger.ts";

/** The holders of the keys of a ledger. Derived from the ledger and kept beside it. */
class DedupeIndex {
  readonly holders: Map<string, DedupeKey>;
  /** Messages whose producers wait for the outcome, each with the id of the message that kept it out. */
  readonly outcomes: Map<number, number | undefined> = new Map();

  constructor(ledger: Ledger) {
    const { dedupe, at } = ledger;
    // Older ledgers hold them in the order of arrival, expired ones included.
    byExpiry(ledger).arrange();
    const held = dedupe.filter(({ until }) => until > at);
    this.holders = new Map(held.map((key) => [key.key, key]));
  }
}

const INDEXES = new WeakMap<Ledger, DedupeIndex>();

function dedupeIndexOf(ledger: Ledger): DedupeIndex {
  let index = INDEXES.get(ledger);
  if (index === undefined) INDEXES.set(ledger, index = new DedupeIndex(ledger));
  return index;
}

/** The keys of a ledger by expiry. The heap is in the ledger itself, so that a snapshot restores exactly the same keys. */
function byExpiry({ dedupe }: Ledger): Heap<DedupeKey> {
  return new Heap((a, b) => a.until < b.until, dedupe);
}

/** Gives a key to a message unless another holds it. Returns whether it did. */
export function holdKey(ledger: Ledger, key: DedupeKey): boolean {
  const { holders, outcomes } = dedupeIndexOf(ledger);
  const holder = holders.get(key.key);
  if (holder !== undefined && holder.until > ledger.at) {
    if (outcomes.has(key.id)) outcomes.set(key.id, holder.id);
    return false;
  }
  if (key.until > ledger.at) {
    byExpiry(ledger).push(key);
    holders.set(key.key, key);
  }
  return true;
}

/** Forgets the keys that have expired. */
export function dropExpiredKeys(ledger: Ledger): void {
  const { holders } = dedupeIndexOf(ledger);
  while (nextKeyExpiry(ledger) <= ledger.at) {
    const first = byExpiry(ledger).pop()!;
    // Another message may hold the key by now.
    if (holders.get(first.key) === first) holders.delete(first.key);
  }
}

/** When the next key expires, in queue time. */
export function nextKeyExpiry({ dedupe }: Ledger): number {
  return dedupe[0]?.until ?? Infinity;
}

/** Notes the outcome of a message that is about to be enqueued, for `outcomeOf`. */
export function awaitOutcome(ledger: Ledger, id: number): void {
  dedupeIndexOf(ledger).outcomes.set(id, undefined);
}

/** The id of the message that kept out a new one; `undefined` if none did. */
export function outcomeOf(
  ledger: Ledger,
  { id, dedupe }: Pick<NewMessage<unknown>, "id" | "dedupe">,
): number | undefined {
  if (dedupe === undefined) return undefined;
  const index = dedupeIndexOf(ledger);
  if (index.outcomes.has(id)) {
    const holder = index.outcomes.get(id);
    index.outcomes.delete(id);
    return holder;
  }
  // The state was rebuilt in the meantime.
  const holder = index.holders.get(dedupe.key)?.id;
  return holder === id ? undefined : holder;
}

/** Forgets all keys. */
export function forgetKeys(ledger: Ledger): void {
  ledger.dedupe = [];
  INDEXES.delete(ledger);
}
