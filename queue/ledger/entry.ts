/** The name of a file in the inbox: the producer and its counter. */
export const POSTED_NAME: RegExp = /^[0-9a-f]{32}\.\d{20}\.json$/;

/** A new message, as an entry enqueues it. */
export interface NewMessage<T> {
  /** Identifies the message. */
  readonly id: number;
  /** The content of the message. */
  readonly payload: T;
  /** Higher goes first. @default {0} */
  readonly priority?: number;
  /** Messages of one group are delivered one at a time, in order. */
  readonly group?: string;
  /** The queue time from which the message may be received. @default {at once} */
  readonly due?: number;
  /** Keeps out other messages with the same key until the queue time `until`. */
  readonly dedupe?: { readonly key: string; readonly until: number };
  /** The file of the inbox that the message comes from. Skipped if the ledger knows the file. Requires version 2. */
  readonly from?: string;
}

/** The error of a handler, as a dead letter keeps it: text of limited length. */
export interface LoggedError {
  /** The name of the error, or of its class. */
  readonly name: string;
  /** The message of the error, or a description if it has none. */
  readonly message: string;
  /** The stack, one call a line, as the runtime formats it. */
  readonly stack?: string;
  /** The cause of the error; the first one if there are several. */
  readonly cause?: LoggedError;
}

/** The end of one delivery. */
export interface Settlement {
  /** Identifies the message. */
  readonly id: number;
  /** Identifies the delivery of the message. */
  readonly receipt: number;
  /** Whether the message is done, is delivered again, or is dead. */
  readonly as: "acked" | "retried" | "dead";
  /** If it is retried: the queue time from which it may be received. @default {at once} */
  readonly due?: number;
  /** If it is retried: whether this delivery does not count. @default {false} */
  readonly refund?: boolean;
  /** Why the delivery failed. */
  readonly reason?: string;
  /** If the message is dead: the error that its handler threw. Requires version 2. */
  readonly error?: LoggedError;
}

/** A change of a ledger, and its queue time. Plain JSON. */
export type LedgerEntry<T = unknown> =
  & {
    /** The queue time, in milliseconds. */
    readonly at: number;
    /** The lowest version that has everything in the entry. @default {1} */
    readonly v?: number;
    /** The wall clock minus queue time, if that has changed. */
    readonly drift?: number;
  }
  & (
    | { readonly enqueue: readonly NewMessage<T>[] }
    /** Delivers the messages with these ids. */
    | { readonly receive: readonly number[] }
    /** Consumers settle their deliveries. Throws if one is not the current one. */
    | { readonly settle: readonly Settlement[] }
    /** The queue settles deliveries that their consumers can no longer settle. Skips those that are already settled. */
    | { readonly expire: readonly Settlement[] }
    /** The dead letters with these ids wait again, after all other messages. */
    | { readonly redrive: readonly number[] }
    /** Removes dead letters, or every message. */
    | { readonly purge: "all" | readonly number[] }
    /** Pauses delivery, or resumes it. */
    | { readonly paused: boolean }
    /** The files of the inbox with these names are removed for good. Requires version 2. */
    | { readonly gone: readonly string[] }
    /** Records the time and changes nothing else. */
    | { readonly tick: true }
  );

/** The parts of an entry that may require a version. */
interface Parts {
  readonly enqueue?: readonly NewMessage<unknown>[];
  readonly settle?: readonly Settlement[];
  readonly gone?: readonly string[];
}

/** The version of an entry with these parts, unless it is 1. */
export function versionOf(parts: object): { v?: number } {
  const { enqueue = [], settle = [], gone }: Parts = parts;
  const isNew = gone !== undefined ||
    enqueue.some(({ from }) => from !== undefined) ||
    settle.some(({ error }) => error !== undefined);
  return isNew ? { v: 2 } : {};
}
