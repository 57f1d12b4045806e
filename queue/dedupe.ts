import type { NewMessage } from "./entry.ts";
import type { DedupeKey, Ledger } from "./ledger.ts";

/** Keys that have run out stay in the ledger until they are so many, and half of all. */
const MIN_DROPPED = 64;

/** The keys of a ledger that keep other messages out. Follows from the ledger alone, and is kept beside it. */
class Keys {
  readonly #holders = new Map<string, DedupeKey>();
  /** Messages whose outcome is waited for, and what has kept them out. */
  readonly outcomes: Map<number, number | undefined> = new Map();
  #dropped = 0;

  constructor({ dedupe }: Ledger) {
    for (const key of dedupe) this.#holders.set(key.key, key);
  }

  get(key: string): DedupeKey | undefined {
    return this.#holders.get(key);
  }

  add(ledger: Ledger, key: DedupeKey): void {
    this.#drop(ledger);
    ledger.dedupe.push(key);
    this.#holders.set(key.key, key);
  }

  /** Forgets those that have run out. */
  #drop(ledger: Ledger): void {
    const { dedupe, at } = ledger;
    for (;;) {
      const oldest = dedupe[this.#dropped];
      if (oldest === undefined || oldest.until > at) break;
      if (this.get(oldest.key) === oldest) this.#holders.delete(oldest.key);
      this.#dropped++;
    }
    if (this.#dropped < MIN_DROPPED || this.#dropped * 2 < dedupe.length) {
      return;
    }
    ledger.dedupe = dedupe.slice(this.#dropped);
    this.#dropped = 0;
  }
}

const KEYS = new WeakMap<Ledger, Keys>();

function keysOf(ledger: Ledger): Keys {
  let keys = KEYS.get(ledger);
  if (keys === undefined) KEYS.set(ledger, keys = new Keys(ledger));
  return keys;
}

/** Gives a key to a message, unless another has it; says whether it did. */
export function holdKey(ledger: Ledger, key: DedupeKey): boolean {
  const keys = keysOf(ledger);
  const holder = keys.get(key.key);
  if (holder !== undefined && holder.until > ledger.at) {
    if (keys.outcomes.has(key.id)) keys.outcomes.set(key.id, holder.id);
    return false;
  }
  keys.add(ledger, key);
  return true;
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
  const holder = keys.get(dedupe.key)?.id;
  return holder === id ? undefined : holder;
}

/** Forgets all keys. */
export function forgetKeys(ledger: Ledger): void {
  ledger.dedupe = [];
  KEYS.delete(ledger);
}
