import type { LoggedError } from "./entry.ts";
import type { LedgerMessage } from "./ledger.ts";

/** A change that an entry has made to a message. */
export interface Effect<T = unknown> {
  readonly type:
    | "enqueued"
    | "delivered"
    | "progress"
    | "done"
    | "retried"
    | "dead"
    | "cancelled"
    | "updated";
  /** The message afterwards, or as it was when it ended. It belongs to the ledger: copy what is needed later. */
  readonly message: LedgerMessage<T>;
  /** Why it was retried, is dead, or was cancelled. */
  readonly reason?: string | undefined;
  /** The error that made it dead. */
  readonly error?: LoggedError | undefined;
  /** The time of the wall clock for which it has waited until it was delivered. */
  readonly when?: number | undefined;
  /** Whether the change lets it be received at once. */
  readonly isDueNow?: boolean;
  /** The result in the entry. */
  readonly result?: unknown;
}

/** Called for each effect, while the entry is being applied: another part of its record may still throw. */
export type Observer<T> = (effect: Effect<T>) => void;

const OBSERVERS = new WeakMap<object, Set<Observer<never>>>();

/** Observes what entries do to a ledger. Returns what ends that; ending it twice is fine. */
export function observe<T>(ledger: object, observer: Observer<T>): () => void {
  const observers = OBSERVERS.get(ledger) ?? new Set();
  OBSERVERS.set(ledger, observers);
  observers.add(observer);
  return () => void observers.delete(observer);
}

/** Tells the observers of a ledger. */
export function tell<T>(ledger: object, effect: Effect<T>): void {
  const observers = OBSERVERS.get(ledger) as Set<Observer<T>> | undefined;
  if (observers === undefined) return;
  for (const observer of observers) observer(effect);
}
