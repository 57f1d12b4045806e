import type { NewMessage } from "./entry.ts";
import { Heap } from "./heap.ts";
import type { DedupeKey, Ledger } from "./ledger.ts";

/** What follows from the keys of a ledger, and is kept beside it. */
class Keys {
  readonly holders: Map<string, DedupeKey>;
  /** Messages whose outcome is waited for, and what has kept them out. */
  readonly outcomes: Map<number, number | undefined> = new Map();

  constructor(ledger: Ledger) {
    const { dedupe, at } = ledger;
    // In older ledgers they stand as they came, those that have run out among them.
    byEnd(ledger).arrange();
    const held = dedupe.filter(({ until }) => until > at);
    this.holders = new Map(held.map((key) => [key.key, key]));
  }
}

const KEYS = new WeakMap<Ledger, Keys>();

function keysOf(ledger: Ledger): Keys {
  let keys = KEYS.get(ledger);
  if (keys === undefined) KEYS.set(ledger, keys = new Keys(ledger));
  return keys;
}

/** The keys of a ledger by their end, within the ledger: they follow from it alone also where it was read from a snapshot. */
function byEnd({ dedupe }: Ledger): Heap<DedupeKey> {
  return new Heap((a, b) => a.until < b.until, dedupe);
}

/** Gives a key to a message, unless another has it; says whether it did. */
export function holdKey(ledger: Ledger, key: DedupeKey): boolean {
  const { holders, outcomes } = keysOf(ledger);
  const holder = holders.get(key.key);
  if (holder !== undefined && holder.until > ledger.at) {
    if (outcomes.has(key.id)) outcomes.set(key.id, holder.id);
    return false;
  }
  if (key.until > ledger.at) {
    byEnd(ledger).push(key);
    holders.set(key.key, key);
  }
  return true;
}

/** Forgets the keys that have run out. */
export function dropKeys(ledger: Ledger): void {
  const { holders } = keysOf(ledger);
  while (nextEnd(ledger) <= ledger.at) {
    const first = byEnd(ledger).pop()!;
    // Another message may have the key by now.
    if (holders.get(first.key) === first) holders.delete(first.key);
  }
}

/** When the next key runs out, by the queue's time. */
export function nextEnd({ dedupe }: Ledger): number {
  return dedupe[0]?.until ?? Infinity;
}

/** Has it noted what becomes of a message that is about to be enqueued. */
export function awaitOutcome(ledger: Ledger, id: number): void {
  keysOf(ledger).outcomes.set(id, undefined);
}

/** What has kept out a message that was enqueued; `undefined` for nothing. */
export function outcomeOf(
  ledger: Ledger,
  { id, dedupe }: Pick<NewMessage<unknown>, "id" | "dedupe">,
): number | undefined {
  if (dedupe === undefined) return undefined;
  const keys = keysOf(ledger);
  if (keys.outcomes.has(id)) {
    const holder = keys.outcomes.get(id);
    keys.outcomes.delete(id);
    return holder;
  }
  // The state was made anew meanwhile.
  const holder = keys.holders.get(dedupe.key)?.id;
  return holder === id ? undefined : holder;
}

/** Forgets all keys. */
export function forgetKeys(ledger: Ledger): void {
  ledger.dedupe = [];
  KEYS.delete(ledger);
}
