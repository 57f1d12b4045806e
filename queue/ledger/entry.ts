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
  /** The wall-clock time from which the message may be received, in milliseconds. Requires version 2. */
  readonly when?: number;
  /** Text that the producer attaches, by name. Requires version 2. */
  readonly headers?: MessageHeaders;
  /** The file of the inbox that the message comes from. Skipped if the ledger knows the file. Requires version 2. */
  readonly from?: string;
}

/** Text that a producer attaches to a message, by name. */
export type MessageHeaders = Readonly<Record<string, string>>;

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
  /** If the message is done: the result of its handler, where it is kept. Requires version 2. */
  readonly result?: unknown;
  /** If the message is dead: the error that its handler threw. Requires version 2. */
  readonly error?: LoggedError;
}

/** How many messages that have ended a ledger keeps. What is beyond any limit goes, the first that ended first. */
export interface KeepPolicy {
  /** The limits of finished messages. @default {none are kept} */
  readonly finished?: {
    /** Their number. */
    readonly count?: number;
    /** Their size, in characters of JSON. */
    readonly bytes?: number;
    /** For how long, in milliseconds of queue time. */
    readonly ageMs?: number;
  };
  /** The limits of dead letters. @default {all are kept} */
  readonly dead?: {
    /** Their number. */
    readonly count?: number;
    /** For how long, in milliseconds of queue time. */
    readonly ageMs?: number;
  };
}

/** A message that is not to be handled any more. */
export interface Cancellation {
  /** Identifies the message. */
  readonly id: number;
  /** Why. */
  readonly reason?: string;
}

/** A change of a message that waits. */
export interface MessageUpdate<T> {
  /** Identifies the message. */
  readonly id: number;
  /** The new content. @default {the old one} */
  readonly payload?: T;
  /** The queue time from which it may be received; 0 for at once. @default {as before} */
  readonly due?: number;
  /** The new priority. @default {the old one} */
  readonly priority?: number;
}

/** How far a delivery is. */
export interface LoggedProgress {
  /** Identifies the message. */
  readonly id: number;
  /** Identifies the delivery of the message. */
  readonly receipt: number;
  /** The value that the handler gave. */
  readonly progress: unknown;
}

/** A dead letter that waits again at a queue time. */
export interface LaterRedrive {
  /** Identifies the message. */
  readonly id: number;
  /** The queue time from which it may be received. */
  readonly due: number;
}

/** A change of what is on record about a schedule. */
export type ScheduleChange =
  | {
    /** The name of the schedule. */
    readonly name: string;
    /** The clock that it follows: the wall clock, or queue time. */
    readonly clock: "wall" | "queue";
    /** When it begins, or continues after its clock has gone back, in milliseconds by that clock. */
    readonly since: number;
  }
  | {
    /** The name of the schedule. */
    readonly name: string;
    /** It is forgotten. */
    readonly gone: true;
  };

/** An occurrence of a schedule that fires or is passed over. */
export interface Fired<T> {
  /** The name of the schedule. */
  readonly name: string;
  /** The time of the occurrence, in milliseconds by the clock that the schedule follows. */
  readonly for: number;
  /** The number of missed occurrences that are passed over: those before this one, and this one if it is not the one that fires. @default {0} */
  readonly skipped?: number;
  /** The message, if the occurrence fires. */
  readonly message?: NewMessage<T>;
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
    /** The dead letters with these ids wait again, after all other messages. A time requires version 2. */
    | { readonly redrive: readonly (number | LaterRedrive)[] }
    /** Removes dead letters, or every message. */
    | { readonly purge: "all" | readonly number[] }
    /** Pauses delivery, or resumes it. */
    | { readonly paused: boolean }
    /** Limits what is kept, in place of all earlier limits. Requires version 2. */
    | { readonly policy: KeepPolicy }
    /** Ends messages that wait or are in flight. Skips those that have ended. Requires version 2. */
    | { readonly cancel: readonly Cancellation[] }
    /** Changes messages. Skips those that do not wait. Requires version 2. */
    | { readonly update: readonly MessageUpdate<T>[] }
    /** Handlers say how far they are. Skips deliveries that are not the current one. Requires version 2. */
    | { readonly progress: readonly LoggedProgress[] }
    /** Schedules begin, continue after their clock has gone back, or are forgotten. Requires version 2. */
    | { readonly schedule: readonly ScheduleChange[] }
    /** Schedules fire. Skips what they have fired before. Requires version 2. */
    | { readonly fire: readonly Fired<T>[] }
    /** The files of the inbox with these names are removed for good. Requires version 2. */
    | { readonly gone: readonly string[] }
    /** Records the time and changes nothing else. */
    | { readonly tick: true }
  );

/** The kinds of entries that require version 2. */
const NEW_KINDS: ReadonlySet<string> = new Set([
  "policy",
  "cancel",
  "update",
  "progress",
  "schedule",
  "fire",
  "gone",
]);

/** The parts of an entry that may require a version. */
interface Parts {
  readonly enqueue?: readonly NewMessage<unknown>[];
  readonly settle?: readonly Settlement[];
  readonly redrive?: readonly (number | LaterRedrive)[];
}

/** The version of an entry with these parts, of which one is its kind, unless it is 1. */
export function versionOf(parts: object): { v?: number } {
  const { enqueue, settle, redrive }: Parts = parts;
  const isNew = settle !== undefined
    ? settle.some((each) => "error" in each || "result" in each)
    : enqueue !== undefined
    ? enqueue.some(({ from, when, headers }) =>
      (from ?? when ?? headers) !== undefined
    )
    : redrive !== undefined
    ? redrive.some((each) => typeof each !== "number")
    : Object.keys(parts).some((kind) => NEW_KINDS.has(kind));
  return isNew ? { v: 2 } : {};
}
