import {
  COUNTS,
  DURATIONS_MS,
  ValueCounter,
} from "../../base/telemetry/histogram.ts";
import { quietly } from "../../base/telemetry/tracing.ts";
import { hasCode, type MiniError } from "../../base/errors.ts";
import { after, type Eventual, settle } from "../../fs/steps/steps.ts";
import type { FileCompactionReport } from "../log.ts";
import {
  APPEND,
  type AppendMessage,
  COMMIT,
  type CommitMessage,
  COMPACT,
  NO_SPACE,
  POISONED,
  ROTATE,
  SLOW,
  type StoreMetrics,
} from "../telemetry.ts";
import type { Unit } from "../format/line.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Commit, ObservedAppend } from "./commit_queue.ts";

/** The result of a commit. */
export interface CommitReport {
  /** The number of its first record. */
  readonly first: number;
  readonly bytes: number;
}

/** A commit that has succeeded or failed. */
type Outcome = CommitReport | { readonly error: unknown };

function setBytes(message: CommitMessage, bytes: number): void {
  message.bytes = bytes;
}

function setTimes(
  message: CommitMessage,
  { writeMs, syncMs }: Stopwatch,
): void {
  message.writeMs = writeMs;
  message.syncMs = syncMs;
}

function setSeq(message: AppendMessage, seq: number): void {
  message.seq = seq;
}

/** Counts what a writer does, and tells those who listen. */
export class WriterMeter {
  readonly #path: string;
  readonly #slowMs: number;
  readonly #waiting: () => number;
  readonly #commitMs = new ValueCounter(DURATIONS_MS);
  readonly #syncMs = new ValueCounter(DURATIONS_MS);
  readonly #callers = new ValueCounter(COUNTS);
  #records = 0;
  #bytes = 0;
  #failures = 0;
  /** How long the last fsync of a commit took, in milliseconds. */
  #lastSyncMs = 0;
  /** The number of callers that share the commit that is under way. */
  #callersNow = 0;
  /** Measures commits. */
  readonly watch: Stopwatch = new Stopwatch();
  /** Why the last commit failed, if there was no space for it. */
  noSpace: MiniError | undefined;
  /** How long opening took, in milliseconds. */
  openMs = 0;
  /** The number of segments that were sealed. */
  rotations = 0;

  /** @param waiting The number of appends that wait for their commit to begin. */
  constructor(path: string, slowMs: number, waiting: () => number) {
    this.#path = path;
    this.#slowMs = slowMs;
    this.#waiting = waiting;
  }

  /** Everything counted so far. */
  read(): StoreMetrics {
    return {
      kind: "store",
      records: this.#records,
      bytes: this.#bytes,
      waiting: this.#waiting() + this.#callersNow,
      failures: this.#failures,
      rotations: this.rotations,
      openMs: this.openMs,
      commitMs: this.#commitMs.read(),
      syncMs: this.#syncMs.read(),
      callers: this.#callers.read(),
    };
  }

  /**
   * Tells of the append of one caller, unless it is part of another operation.
   * `run` adds it to a commit: how it ends is told with the commit's other appends.
   */
  append<R>(
    units: readonly Unit[],
    run: (message?: AppendMessage) => R,
  ): R {
    if (!APPEND.isObserved || units[0]?.message !== undefined) return run();
    let records = 0;
    for (const { batch = 1 } of units) records += batch;
    const message: AppendMessage = { path: this.#path, records };
    units[0]!.message = message;
    return APPEND.begin(message, run);
  }

  /** Tells that the appends of a commit have succeeded, of which `first` is the first record. */
  appended(observed: readonly ObservedAppend[], first: number): void {
    for (const { message, before } of observed) {
      quietly(setSeq, message, first + before);
      APPEND.succeed(message);
    }
  }

  /** Tells that the appends of a commit have failed. */
  notAppended(observed: readonly ObservedAppend[], error: unknown): void {
    for (const { message } of observed) APPEND.fail(message, error);
  }

  /** Tells of a commit after record `sequence` of log `logId`. */
  commit(
    { units, records, callers, isDurable: durable }: Commit,
    { sequence, id: logId }: { sequence: number; id: string | undefined },
    make: () => Eventual<CommitReport>,
  ): Eventual<CommitReport> {
    const appends: object[] = [];
    for (const { message } of units) if (message) appends.push(message);
    const message: CommitMessage = {
      path: this.#path,
      ...(logId !== undefined && { logId }),
      first: sequence + 1,
      last: sequence + records,
      records,
      callers,
      appends,
      durable,
    };
    const succeed = (report: CommitReport): Outcome => {
      quietly(setBytes, message, report.bytes);
      quietly(setTimes, message, this.watch);
      COMMIT.succeed(message);
      return report;
    };
    const fail = (error: unknown): Outcome => {
      COMMIT.fail(message, error);
      return { error };
    };
    // Nothing is thrown within, so that the end is told in one place.
    const made = COMMIT.begin(message, () => settle(make, succeed, fail));
    return after(made, (outcome) => {
      if ("error" in outcome) throw outcome.error;
      return outcome;
    });
  }

  /** The commit that is under way, or else the last fsync, if it takes `slowMs` or longer. */
  get slow():
    | { readonly ms: number; readonly isOver: boolean; readonly slowMs: number }
    | undefined {
    const slowMs = this.#slowMs;
    const waited = performance.now() - (this.watch.begun ?? Infinity);
    const isOver = waited < slowMs;
    const ms = isOver ? this.#lastSyncMs : waited;
    return ms < slowMs ? undefined : { ms, isOver, slowMs };
  }

  /** Notes that a commit begins. */
  begin({ callers }: Commit): void {
    this.#callersNow = callers;
  }

  /** Counts a commit that has failed. */
  countFailure(error: unknown): void {
    this.#end();
    this.#failures++;
    this.noSpace = hasCode(error, "NO_SPACE") ? error : undefined;
  }

  /** Counts a commit. */
  count(
    { records, callers, isDurable }: Commit,
    { bytes }: CommitReport,
  ): void {
    const { writeMs, syncMs } = this.watch;
    this.#end();
    this.noSpace = undefined;
    this.#records += records;
    this.#bytes += bytes;
    this.#callers.record(callers);
    this.#commitMs.record(writeMs + syncMs);
    if (isDurable) {
      this.#syncMs.record(syncMs);
      this.#lastSyncMs = syncMs;
    }
    if (syncMs < this.#slowMs) return;
    const waiting = this.#waiting();
    SLOW.tell(() => ({ path: this.#path, syncMs, records, waiting }));
  }

  #end(): void {
    this.#callersNow = 0;
    this.watch.begun = undefined;
  }

  /** Tells of a rotation after record `last`. */
  rotate(last: number, run: () => Eventual<void>): Eventual<void> {
    const about = () => ({ path: this.#path, last });
    return ROTATE.run(about, run);
  }

  /** Tells of a compaction. */
  compact(
    upTo: number,
    run: () => Eventual<FileCompactionReport>,
  ): Eventual<FileCompactionReport> {
    return COMPACT.run(
      () => ({ path: this.#path, upTo }),
      run,
      (message, { removed, removedBytes, firstSequence }) => {
        message.removed = removed.length;
        message.removedBytes = removedBytes;
        message.firstSequence = firstSequence;
      },
    );
  }

  /** Tells of a failure. */
  fail(error: MiniError): void {
    const point = error.code === "NO_SPACE"
      ? NO_SPACE
      : error.code === "POISONED"
      ? POISONED
      : undefined;
    point?.tell(() => ({ path: this.#path, error }));
  }
}
