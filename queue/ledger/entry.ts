/** A message as it is enqueued: what is logged of it. */
export interface NewMessage<T> {
  /** Its number. */
  readonly id: number;
  /** What it carries. */
  readonly payload: T;
  /** Higher goes first. @default {0} */
  readonly priority?: number;
  /** Messages of a group go one after another, in order. */
  readonly group?: string;
  /** The queue's time from which on it may be received. @default {at once} */
  readonly due?: number;
  /** No other message with this key is taken up until the queue's time `until`. */
  readonly dedupe?: { readonly key: string; readonly until: number };
}

/** What a handler has thrown, as a dead letter keeps it: cut to a bound, and no more than text. */
export interface LoggedError {
  /** Its name, or that of its class. */
  readonly name: string;
  /** What it says of itself, or words for it where it says nothing. */
  readonly message: string;
  /** The calls that it was thrown in, a line for each, as the runtime puts it. */
  readonly stack?: string;
  /** What has caused it; the first of several. */
  readonly cause?: LoggedError;
}

/** What becomes of a delivery. */
export interface Settlement {
  /** The number of the message. */
  readonly id: number;
  /** Which of its deliveries. */
  readonly receipt: number;
  /** Whether it is done, is to be delivered again, or never more. */
  readonly as: "acked" | "retried" | "dead";
  /** When it is retried: the queue's time from which on. @default {at once} */
  readonly due?: number;
  /** When it is retried: whether this delivery is not to count. @default {false} */
  readonly refund?: boolean;
  /** Why it was not done. */
  readonly reason?: string;
  /** When it is dead: what its handler has thrown. In entries of version 2. */
  readonly error?: LoggedError;
}

/** What happens to a ledger, and when, by the queue's time. Plain JSON. */
export type LedgerEntry<T = unknown> =
  & {
    /** The queue's time, in milliseconds. */
    readonly at: number;
    /** The version of the entry: the first that has all that is in it. @default {1} */
    readonly v?: number;
    /** How far the wall clock is from it, where that has changed. */
    readonly drift?: number;
  }
  & (
    | { readonly enqueue: readonly NewMessage<T>[] }
    /** The messages with these numbers are delivered. */
    | { readonly receive: readonly number[] }
    /** Consumers settle deliveries that are theirs; throws for one that is not. */
    | { readonly settle: readonly Settlement[] }
    /** The queue settles deliveries that nobody may settle any more; passes over what was settled already. */
    | { readonly expire: readonly Settlement[] }
    /** Dead messages with these numbers wait again, behind all others. */
    | { readonly redrive: readonly number[] }
    /** Removes dead messages, or every message. */
    | { readonly purge: "all" | readonly number[] }
    | { readonly paused: boolean }
    /** Nothing happens, but the time is on record. */
    | { readonly tick: true }
  );

/** Says of which version an entry is that holds these settlements, where that is not 1. */
export function versionOf(settle: readonly Settlement[]): { v?: number } {
  return settle.some(({ error }) => error !== undefined) ? { v: 2 } : {};
}
