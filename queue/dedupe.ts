import type { DedupeKey, Ledger } from "./ledger.ts";

/** Keys that have run out stay in the ledger until they are so many, and half of all. */
const MIN_DROPPED = 64;

/** The keys of a ledger that keep other messages out. Follows from the ledger alone, and is kept beside it. */
class Keys {
  readonly #holders = new Map<string, DedupeKey>();
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

/** The message that has a key now. */
export function holderOf(ledger: Ledger, key: string): DedupeKey | undefined {
  const holder = keysOf(ledger).get(key);
  return holder !== undefined && holder.until > ledger.at ? holder : undefined;
}

/** Gives a key to a message. */
export function holdKey(ledger: Ledger, key: DedupeKey): void {
  keysOf(ledger).add(ledger, key);
}
