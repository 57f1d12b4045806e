import { onAbort } from "../../base/abort.ts";
import { pause } from "../../base/deadline.ts";
import { withResolvers } from "../../base/promise.ts";
import { Signal } from "../../base/signal.ts";
import { type LogReader, type LogRecord, MiniError } from "../../store/mod.ts";
import { isCompacted } from "../aborts.ts";
import type { ViewState } from "./view_state.ts";

/** The most tries to make a state of a log that changes under each of them, or cannot be read. */
const MAX_TRIES = 10;

/** The milliseconds before the second try; they double with each. */
const PAUSE_MS = 20;

/** The codes of failures that may pass, where a state was made before: a fault of the file system, and a log whose files are being replaced. */
const PASSING = ["IO", "PERMISSION", "NOT_FOUND", "CORRUPT"];

/** A state that takes in what is read. */
type FollowingState = Pick<
  ViewState<never, never>,
  | "caughtUp"
  | "end"
  | "fail"
  | "failed"
  | "isClosed"
  | "made"
  | "make"
  | "seen"
  | "take"
>;

/** Reads a log for the state of a view, which it makes, and makes again where the log is not what it was. */
export class Follower {
  readonly #log: LogReader<unknown>;
  readonly #state: FollowingState;
  #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  /** Called when the state was made. */
  #onMade = () => {};
  /** Called while the state is being made, when the log was looked at. */
  #onCaughtUp: (() => void) | undefined;
  /** Fired when the log was looked at, and the state has taken in what is there. */
  readonly #looked = new Signal();
  /** Whether the log has failed to be what the state is made of, and the state is not made again yet. */
  #isApart = false;

  constructor(log: LogReader<unknown>, state: FollowingState) {
    this.#log = log;
    this.#state = state;
  }

  /** Makes the state, and keeps it up to date from then on. */
  async start(): Promise<void> {
    const { failed } = this.#state;
    const made = withResolvers<void>();
    this.#onMade = made.resolve;
    onAbort(failed, () => made.reject(failed.reason));
    this.#begin(false);
    await made.promise;
  }

  /** Keeps the state up to date again, after it was stopped. */
  resume(): void {
    this.#begin(true);
  }

  /** Resolves when the state takes in nothing more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /** Resolves when the log, as it is at the call or later, was looked at; to `false` where the state is not that of the log. */
  async look(): Promise<boolean> {
    // One look may have begun before.
    for (let looks = 0; looks < 2; looks++) {
      const looked = this.#looked.next;
      await this.#log.refresh?.();
      if (this.#isCurrent) await looked;
    }
    return this.#isCurrent;
  }

  get #isCurrent(): boolean {
    const { isClosed, failed } = this.#state;
    return !this.#isApart && !isClosed && !failed.aborted;
  }

  #begin(isMade: boolean): void {
    this.#stop = new AbortController();
    this.#following = this.#follow(this.#stop.signal, isMade);
  }

  async #follow(signal: AbortSignal, isMade: boolean): Promise<void> {
    const state = this.#state;
    for (let tries = 1;; tries++) {
      const { made } = state;
      try {
        await this.#followFrom(signal, isMade);
        state.end();
        break;
      } catch (error) {
        if (signal.aborted) break;
        if (isMade || state.made > made) tries = 1;
        if (!isPassing(error, state.made > 0) || tries === MAX_TRIES) {
          state.fail(error);
          break;
        }
        isMade = false;
        this.#isApart = true;
        this.#looked.fire();
        await pause(PAUSE_MS * 2 ** (tries - 1), signal).catch(() => {});
        if (signal.aborted) break;
      }
    }
    this.#looked.fire();
  }

  /** Lets the state take in each further record, until the log is closed. */
  async #followFrom(signal: AbortSignal, isMade: boolean): Promise<void> {
    const log = this.#log;
    const state = this.#state;
    const own = new AbortController();
    const letGo = onAbort(signal, () => own.abort(signal.reason));
    if (!isMade) await log.refresh?.();
    const { firstSequence, sequence } = log;
    const isThere = !isMade && sequence >= firstSequence;
    const records = log.follow({
      // From the last record on that the state is made of, so that no other takes its place unnoticed.
      from: isMade ? state.seen + 1 : isThere ? sequence : sequence + 1,
      signal: own.signal,
      onCaughtUp: () => this.#caughtUp().catch((error) => own.abort(error)),
    })[Symbol.asyncIterator]();
    let next = records.next();
    // It may fail while the state is made, where nothing awaits it yet.
    next.catch(() => {});
    try {
      if (!isMade) await this.#makeAfter(isThere ? next : undefined);
      for (;;) {
        const { done, value } = await next;
        if (done) return;
        await state.take(value);
        signal.throwIfAborted();
        next = records.next();
      }
    } finally {
      letGo();
      own.abort();
      await next.catch(() => {});
      await records.return?.();
    }
  }

  /** Makes the state once the last record was read, or is not there any more. */
  async #makeAfter(
    last: Promise<IteratorResult<LogRecord<unknown>>> | undefined,
  ): Promise<void> {
    const caughtUp = withResolvers<void>();
    this.#onCaughtUp = caughtUp.resolve;
    try {
      await (last && Promise.race([last, caughtUp.promise]));
      await this.#state.make();
    } finally {
      this.#onCaughtUp = undefined;
    }
    this.#isApart = false;
    this.#onMade();
  }

  async #caughtUp(): Promise<void> {
    if (this.#onCaughtUp) return this.#onCaughtUp();
    await this.#state.caughtUp();
    this.#looked.fire();
  }
}

/** Whether another look at the log may find something else. */
function isPassing(error: unknown, wasMade: boolean): boolean {
  // What was read is gone, or is something else now.
  if (isCompacted(error)) return true;
  if (!(error instanceof MiniError)) return false;
  const { code } = error;
  return code === "REWRITTEN" || wasMade && PASSING.includes(code);
}
