import { withResolvers } from "../../base/promise.ts";
import type { Unit } from "../format/line.ts";
import type { AppendMessage } from "../telemetry.ts";

/** A commit holds at most this many characters of records, or one append alone. */
const MAX_COMMIT_CHARS = 4 * 1024 * 1024;

/** For at most this long after a first look, callers that keep appending may put off the commit that serves them. */
const MAX_SETTLE_MS = 2;

/** The number of turns of the microtask queue that a caller may take from one acknowledged append to its next. */
const SETTLE_TURNS = 8;

/** An append of one caller that is observed. */
export interface ObservedAppend {
  readonly message: AppendMessage;
  /** How many records of its commit are before its last. */
  readonly before: number;
}

/** An append of one caller, as part of a commit. */
export interface PartOfCommit {
  readonly commit: Commit;
  /** How many records of the commit are before its last. */
  readonly before: number;
}

/** Appends that share one write and one fsync: one promise for all of them. */
export class Commit {
  readonly units: Unit[] = [];
  /** The number of callers that share it. */
  callers = 0;
  /** The number of records in them. */
  records = 0;
  /** Those of the appends that are observed. */
  readonly observed: ObservedAppend[] = [];
  /** Whether a caller waits for the fsync. */
  isDurable = false;
  /** Whether later appends go into another commit. */
  isClosed = false;
  /** The number of its first record, once it is written, and durable where a caller waits for that. */
  first: number | undefined;
  /** Why it has failed. */
  error: unknown;
  #chars = 0;
  /** The promise of the callers that have not waited for it to return. */
  #done: PromiseWithResolvers<number> | undefined;

  /** Whether units of `chars` characters may join the commit. */
  hasRoomFor(chars: number): boolean {
    if (this.isClosed) return false;
    return this.#chars === 0 || this.#chars + chars <= MAX_COMMIT_CHARS;
  }

  /** Adds units; returns how many records are before the last. */
  add(
    units: readonly Unit[],
    isDurable: boolean,
    message: AppendMessage | undefined,
  ): number {
    this.callers++;
    for (const unit of units) {
      this.units.push(unit);
      this.#chars += unit.text.length;
      this.records += unit.batch ?? 1;
    }
    this.isDurable ||= isDurable;
    const before = this.records - 1;
    if (message !== undefined) this.observed.push({ message, before });
    return before;
  }

  /** Resolves to the number of its first record. */
  get done(): Promise<number> {
    return (this.#done ??= withResolvers()).promise;
  }

  resolve(first: number): void {
    this.first = first;
    this.#done?.resolve(first);
  }

  reject(error: unknown): void {
    this.error = error;
    this.#done?.reject(error);
  }
}

/** The commits that have not begun, in the order of the calls. */
export class CommitQueue {
  readonly #commits: Commit[] = [];
  #appends = 0;

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#commits.length === 0;
  }

  /**
   * Adds units to the last commit, or to a new one after it, all to the same.
   *
   * @param message The message of the append, if it is observed.
   */
  add(
    units: readonly Unit[],
    isDurable: boolean,
    message?: AppendMessage,
  ): PartOfCommit {
    let chars = 0;
    for (const { text } of units) chars += text.length;
    let commit = this.#commits.at(-1);
    if (commit === undefined || !commit.hasRoomFor(chars)) {
      this.#commits.push(commit = new Commit());
    }
    this.#appends++;
    return { commit, before: commit.add(units, isDurable, message) };
  }

  /** The number of appends that wait. */
  get waiting(): number {
    return this.#commits.reduce((sum, { callers }) => sum + callers, 0);
  }

  /** Takes out the first commit. */
  shift(): Commit | undefined {
    return this.#commits.shift();
  }

  /** The last commit, which no later append joins from now on. */
  closeLast(): Commit | undefined {
    const last = this.#commits.at(-1);
    if (last !== undefined) last.isClosed = true;
    return last;
  }

  /** Whether the commit still waits. */
  has(commit: Commit | undefined): boolean {
    return commit !== undefined && this.#commits.includes(commit);
  }

  /** Lets callers that a commit has woken append again, so that they share the next one. */
  async settle(): Promise<void> {
    let start: number | undefined;
    for (;;) {
      const seen = this.#appends;
      for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;
      if (seen === this.#appends) return;
      const now = performance.now();
      start ??= now;
      if (now - start >= MAX_SETTLE_MS) return;
    }
  }
}
