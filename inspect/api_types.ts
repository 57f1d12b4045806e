/**
 * The answers of the inspector, as JSON: what its server sends, and its page shows. Types alone.
 *
 * `GET api/NAME?…` gives one JSON value for `overview`, `records`, `record`,
 * `state` and `queue`; lines of JSON for `search`; events for `live`. What goes
 * wrong with the log is a {@linkcode Failed} with status 200; a request that
 * makes no sense has 400, one without the right to it 403, another path 404,
 * another method 405, and what nobody foresaw 500: all but 404 and 500 of the
 * page's own file are a {@linkcode Failed} as well.
 *
 * `POST api/actions/NAME` takes a JSON object, {@linkcode ActionInputs}, with the
 * header {@linkcode TokenHeader}, and answers with an {@linkcode ActionDone}, or
 * a {@linkcode Failed} with 409 where the log refuses it.
 */

/** The answer where what was asked for cannot be given. */
export interface Failed {
  readonly error: Problem;
}

/** A problem, its place, and what to do next. */
export interface Problem {
  readonly code?: string;
  readonly message: string;
  /** The next step, as a sentence. */
  readonly next?: string;
  readonly path?: string;
  readonly line?: number;
  readonly offset?: number;
  readonly seq?: number;
}

/** How the last segment ends, or how a segment was found. */
export type SegmentEnd =
  | "sealed"
  | "closed"
  | "open"
  | "torn"
  | "unfinished"
  | "missing"
  | "damaged";

/** A file, and how it was found. */
export interface FileRow {
  readonly name: string;
  readonly sizeBytes: number;
  /** How it was found: a {@linkcode SegmentEnd}; of a snapshot `"whole"`, `"unverified"`, `"damaged"` or `"newer"`; `"unread"` until every byte of it was looked at. */
  readonly status: string;
  readonly problem?: Problem;
}

/** A segment. */
export interface SegmentRow extends FileRow {
  readonly base: number;
  readonly last: number;
  readonly isActive: boolean;
  /** How many bytes stand behind what is good. */
  readonly tornBytes: number;
}

/** A snapshot. */
export interface SnapshotRow extends FileRow {
  readonly seq: number;
}

/** The target of the inspector: files, or an object that the program has open. */
export type TargetKind =
  | "files"
  | "store"
  | "state"
  | "view"
  | "queue"
  | "queueView";

/** The log at a glance: `GET api/overview`. */
export interface Overview {
  readonly path: string;
  readonly format: "mini" | "ministore";
  readonly logId?: string;
  readonly first: number;
  /** The last record, or the snapshot that is ahead of it. */
  readonly last: number;
  readonly records: number;
  readonly sizeBytes: number;
  readonly end: SegmentEnd;
  /** Whether something stands behind the last record that cannot be read. */
  readonly isCut: boolean;
  /** The kind of the records: of a queue, of a state, or of the program's own. */
  readonly holds: "queue" | "state" | "records";
  readonly segments: readonly SegmentRow[];
  readonly snapshots: readonly SnapshotRow[];
  /** The consumers of the log, by name. */
  readonly consumers: readonly ConsumerRow[];
  readonly setAside: readonly string[];
  readonly problems: readonly Problem[];
  /** Whether it is well: as `health()` of an open object tells, or else as files show it. */
  readonly health: HealthRow;
  /** How much of it was verified. */
  readonly verified: { readonly bytes: number; readonly isDone: boolean };
  /** Whether states can be shown. */
  readonly hasProgram: boolean;
  readonly target: TargetKind;
  /** Whether there is a queue to show: `api/queue` has one. A state that holds a queue which was given has `holds: "state"`. */
  readonly hasQueue: boolean;
  /** The actions that this request may take; none where they are off. */
  readonly actions: readonly ActionName[];
  /** The value of the {@linkcode TokenHeader}; only where there are actions. */
  readonly token?: string;
  /** The facts that no file tells: only over an object that is open. */
  readonly live?: LiveFacts;
}

/** The facts that the open object knows, and no file tells. */
export interface LiveFacts {
  /** Whether it was closed, where it tells. */
  readonly isClosed?: boolean;
  /** The last record that the object has applied, or appended. */
  readonly sequence: number;
  /** How many records a view has not applied, at its last look. */
  readonly lag?: number;
  /** How often the state of a view was made again. */
  readonly resets?: number;
  /** Why nothing more can be appended, or why a view is not kept up to date. */
  readonly failure?: Problem;
  /** Why the last snapshot that was made by itself has failed. */
  readonly snapshotFailure?: Problem;
}

/** Whether a log, a state or a queue is well, and why not. */
export interface HealthRow {
  readonly status: "ok" | "degraded" | "failed";
  readonly reasons: readonly {
    readonly code: string;
    readonly severity: "degraded" | "failed";
    readonly message: string;
  }[];
}

/** A consumer of a log. */
export interface ConsumerRow {
  readonly name: string;
  readonly position: number;
  readonly lag: number;
  /** Why its position is not known. */
  readonly problem?: string;
}

/** Where a line stands. */
export interface LinePlace {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A record as a row shows it. */
export interface RecordRow extends LinePlace {
  readonly seq: number;
  /** The kind of entry of a state or a queue, if it is one. */
  readonly kind?: string;
  readonly text: string;
  /** The records that are one unit with it, if it was appended in a batch. */
  readonly batch?: { readonly from: number; readonly to: number };
  /** Whether a checksum vouches for it. */
  readonly isVerified: boolean;
}

/** A line that cannot be read, and the records that it may have held. */
export interface DamageRow extends LinePlace {
  readonly reason: string;
  /** The record behind the last one that could be read before it. */
  readonly from: number;
  /** The record before the next one that can be read; `null` where none follows. */
  readonly to: number | null;
}

/** Rows of the log: `GET api/records?from=N&count=N`, at most 500. */
export interface RecordPage {
  readonly from: number;
  readonly records: readonly RecordRow[];
  readonly damages: readonly DamageRow[];
}

/** A record in full: `GET api/record?seq=N`. */
export interface WholeRecord extends RecordRow {
  readonly data: unknown;
  /** How many values were left out of `data`. */
  readonly leftOut: number;
}

/** The same of a record that cannot be read, with the lines that may have held it. */
export interface MissingRecord {
  readonly seq: number;
  readonly isMissing: true;
  readonly damages: readonly DamageRow[];
}

/** A place where two states differ. */
export interface Change {
  /** As in `$.users[3].name`. */
  readonly path: string;
  /** The value before, if there was one. */
  readonly before?: string;
  /** The value after, if there is one. */
  readonly after?: string;
}

/** A state as of a record: `GET api/state?at=N`. */
export interface StateAnswer {
  readonly at: number;
  /** The maker of the state: the given definition, the reducer of queues, or nothing, if none was given. */
  readonly madeBy: "program" | "queue" | "nothing";
  /** The state, or the snapshot that it is made from, if there is one. */
  readonly state?: unknown;
  /** How many values were left out of it. */
  readonly leftOut: number;
  /** The record that the snapshot stands at which is shown in its place, 0 where there is none. */
  readonly snapshot?: number;
  /** Whether record `at` has no effect. */
  readonly isAborted: boolean;
  /** The changes of record `at`. */
  readonly changes?: readonly Change[];
  /** The last mutations up to `at` after the snapshot. */
  readonly mutations?: readonly {
    readonly seq: number;
    readonly mutation: unknown;
  }[];
  /** The problems of snapshots that were skipped. */
  readonly rejected: readonly string[];
  /** Whether a damage has kept from finding out whether record `at` was aborted behind it. */
  readonly isUnsure: boolean;
}

/** How many messages a queue has. */
export interface QueueDepth {
  readonly ready: number;
  readonly blocked: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly finished: number;
  readonly paused: boolean;
  /** The age of the oldest one that waits, in milliseconds. */
  readonly oldestMs: number;
  readonly schedules: readonly ScheduleRow[];
}

/** The limits of messages that have ended and are kept: of the finished ones none are, without limits; of the dead ones all. */
export interface QueueLimits {
  readonly finished?: KeepRow;
  readonly dead?: KeepRow;
}

/** How many messages are kept, and for how long. */
export interface KeepRow {
  readonly count?: number;
  /** Their size, in characters of JSON. */
  readonly bytes?: number;
  readonly ageMs?: number;
}

/** A schedule of a queue. */
export interface ScheduleRow {
  readonly name: string;
  /** When it fired last, as `2026-01-02T03:00:00.000Z`. */
  readonly last?: string;
  readonly missed: number;
  /** When it fires next; only the open queue knows. */
  readonly next?: string;
  /** Why it does not fire any more; only the open queue knows. */
  readonly problem?: string;
}

/** A message, with its values shortened. */
export interface MessageRow {
  readonly id: number;
  readonly text: string;
  readonly priority: number;
  readonly group?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attempts: number;
  /** How far its handler is, or was. */
  readonly progress?: string;
  /** How long ago it was enqueued, died, or ended, in milliseconds. */
  readonly ageMs: number;
  readonly reason?: string;
}

/** A message that waits, is in flight or is dead. */
export interface PendingRow extends MessageRow {
  /** How long until it may be received, in milliseconds. */
  readonly delayMs: number;
  /** The message of its group that a blocked one waits for. */
  readonly waitsFor?: number;
  /** Who holds one in flight, and until when; only the open queue knows. */
  readonly lease?: LeaseRow;
}

/** The hold on a message in flight. */
export interface LeaseRow {
  /** A handler of `work`, or who has called `receive`. */
  readonly by: "work" | "receive";
  /** How long it is held, in milliseconds. */
  readonly heldMs: number;
  /** How long until it is taken back, in milliseconds; none while a handler of `work` runs. */
  readonly leftMs?: number;
}

/** A message that has finished. */
export interface FinishedRow extends MessageRow {
  readonly as: "done" | "cancelled";
  readonly result?: string;
}

/** The messages of a queue, at most 100 of each kind: `GET api/queue`, or as of a record `?at=N`. */
export interface QueueAnswer {
  readonly at: number;
  readonly depth: QueueDepth;
  readonly messages: {
    readonly ready: readonly PendingRow[];
    readonly blocked: readonly PendingRow[];
    readonly delayed: readonly PendingRow[];
    readonly inFlight: readonly PendingRow[];
    readonly dead: readonly PendingRow[];
    readonly finished: readonly FinishedRow[];
  };
  /** The limits of what is kept; left out where there are none. */
  readonly limits?: QueueLimits;
  /** The rates of the last minutes; only of the open queue as it is now. */
  readonly rates?: QueueRates;
}

/**
 * The events of a queue, second by second, since a page has been open, at most 300
 * seconds: each list has as many numbers, the last one being the current second.
 */
export interface QueueRates {
  readonly seconds: number;
  readonly enqueued: readonly number[];
  readonly delivered: readonly number[];
  readonly done: readonly number[];
  readonly retried: readonly number[];
  readonly dead: readonly number[];
  /** How long the messages delivered in that second had waited on average, in milliseconds; 0 where there were none. */
  readonly waitedMs: readonly number[];
}

/** The same where there is no queue. */
export interface NoQueue {
  readonly isMissing: true;
}

/** A place where a text was found: a line of `GET api/search?text=T&from=N`. */
export interface Hit {
  readonly seq: number;
  readonly kind?: string;
  readonly text: string;
}

/** How far a search has come: a line from time to time, and the last. */
export interface SearchProgress {
  /** The last record that was looked at. */
  readonly at: number;
  readonly hits: number;
  /** Whether it went on to the end. */
  readonly isDone: boolean;
}

/** A line of a search. */
export type SearchLine = Hit | SearchProgress | Failed;

/** An event of `GET api/live`, the data of a message without a name. */
export interface News {
  /** The number of the last record, if it is known. */
  readonly last?: number;
  /** How many records have come since the last news. */
  readonly count: number;
  /** The last of them. */
  readonly recent: readonly { readonly seq: number; readonly text: string }[];
  /** An action that somebody has taken on any page. */
  readonly action?: ActionDone;
}

/** The header of a `POST` that holds the token of the overview. */
export type TokenHeader = "x-mini-token";

/** The actions of the page: the first five on a queue, `compact` on a state or a queue, `snapshot` on a state. */
export type ActionName =
  | "redrive"
  | "cancel"
  | "purge"
  | "pause"
  | "resume"
  | "compact"
  | "snapshot";

/** The JSON object that each action takes. */
export interface ActionInputs {
  /** Which dead letters, and how fast they become ready. */
  readonly redrive: {
    readonly which: readonly number[] | "all";
    readonly perSecond?: number;
  };
  readonly cancel: { readonly id: number; readonly reason?: string };
  /** The id of a dead letter, all dead letters, or every message. */
  readonly purge: { readonly which: number | "dead" | "all" };
  readonly pause: Readonly<Record<string, never>>;
  readonly resume: Readonly<Record<string, never>>;
  readonly compact: Readonly<Record<string, never>>;
  readonly snapshot: Readonly<Record<string, never>>;
}

/** The result of an action, for who took it and, in {@linkcode News}, for every page. */
export interface ActionDone {
  readonly action: ActionName;
  /** One line, as `"3 messages redriven"`. */
  readonly text: string;
  /** How many messages it was: of `redrive` and `purge`. */
  readonly count?: number;
  /** The message, of `cancel` and of a `purge` or `redrive` of one. */
  readonly id?: number;
  /** The finding of `cancel`. */
  readonly found?: "cancelled" | "stopping" | "finished" | "unknown";
}
