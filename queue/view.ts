import {
  aFileSystem,
  assertOptions,
  type Checks,
  having,
  oneOf,
} from "../base/checks.ts";
import { hasCode, MiniError } from "../base/errors.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { StateView } from "../state/mod.ts";
import { checkedClock, type Clock, QueueTime, systemClock } from "./clock.ts";
import {
  copiesOf,
  EVENT_CHECKS,
  type EventOptions,
  type QueueEvent,
  type RecordEvents,
} from "./events/event.ts";
import { entriesIn, ledgerBefore, replayed } from "./events/past.ts";
import { ledgerCodec } from "./ledger/codec.ts";
import type { LedgerEntry } from "./ledger/entry.ts";
import { emptyLedger, type Ledger } from "./ledger/ledger.ts";
import { ifReadable, type LedgerView } from "./ledger/read.ts";
import { applyLogged } from "./ledger/reducer.ts";
import { QueueReader } from "./reader.ts";

/** How a queue is viewed. */
export interface QueueViewOptions {
  /** Whether a directory without a queue is an error, `NOT_FOUND`, or an empty queue until one is there. @default {"error"} */
  ifMissing?: "error" | "empty";
  /** The seam to the clocks. @default {systemClock} */
  clock?: Clock;
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

const VIEW_CHECKS: Checks<QueueViewOptions> = {
  ifMissing: oneOf("error", "empty"),
  clock: having("wall", "monotonic", "sleep"),
  fs: aFileSystem,
};

/**
 * A queue for reading, in any process, beside its owner: it takes no lock,
 * delivers and writes nothing, and needs only the permission to read the
 * directory. It may be a moment late. What waits in the inbox is not counted.
 *
 * @typeParam T The payload of the messages.
 * @typeParam R The results of their handlers.
 *
 * @example Watch a queue that another process has open
 * ```ts
 * import { MiniQueue, QueueView } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await using queue = await MiniQueue.open<string>(dir); // there
 * await using view = await QueueView.open<string>(dir); // here
 * await queue.enqueue("hello");
 * await view.until(queue.sequence);
 * assertEquals((await view.stats()).ready, 1);
 * assertEquals((await view.peek())[0]?.payload, "hello");
 * ```
 */
export class QueueView<T, R = unknown> extends QueueReader<T, R>
  implements AsyncDisposable {
  readonly #view: StateView<Ledger<T>, LedgerEntry<T>>;
  readonly #clock: Clock;

  private constructor(
    view: StateView<Ledger<T>, LedgerEntry<T>>,
    clock: Clock,
  ) {
    super(() => this.#now());
    this.#view = view;
    this.#clock = clock;
  }

  /**
   * Reads the queue in a directory, and follows it until the view is closed.
   *
   * @param dir The directory of the queue.
   * @param options How it is viewed.
   * @returns The view. Close it to let the process end.
   * @throws {TypeError} If the directory holds a state.
   * @throws {MiniError} `NOT_FOUND` if it holds no log; otherwise as
   * `MiniQueue.open`, but for the lock.
   */
  static async open<T, R = unknown>(
    dir: string | URL,
    options: QueueViewOptions = {},
  ): Promise<QueueView<T, R>> {
    assertOptions("QueueView.open()", options, VIEW_CHECKS);
    const { ifMissing, fs, clock = systemClock } = options;
    const view = await StateView.open<Ledger<T>, LedgerEntry<T>>(dir, {
      kind: "queue",
      initial: emptyLedger,
      apply: applyLogged,
      codec: ledgerCodec(),
      ...(ifMissing && { ifMissing }),
      ...(fs && { fs }),
    });
    return new QueueView<T, R>(view, checkedClock(clock));
  }

  /** The file of the log, absolute. */
  get journalPath(): string {
    return this.#view.journalPath!;
  }

  /** The number of the last record that the view has read: see {@linkcode MiniQueue.sequence}. It becomes smaller if the owner lost records in a crash. */
  get sequence(): number {
    return this.#view.sequence;
  }

  /** How many records the log had, at the last look, that the view has not read. */
  get lag(): number {
    return this.#view.lag;
  }

  /** Resolves when something has changed, when the view has failed, or was closed. */
  get changed(): Promise<void> {
    return this.#view.changed;
  }

  /** Why the view is not kept up to date any more, such as a `MiniError` with code `CORRUPT` if the log could not be read for about ten seconds. It stays as it was; a failure is final. */
  get failure(): unknown {
    return this.#view.failure;
  }

  /**
   * Waits until the view has read a record.
   *
   * @param seq The number of the record.
   * @param options For how long, in milliseconds, and when to stop.
   * @throws {DOMException} `TimeoutError` after `timeoutMs`.
   * @throws {MiniError} `CLOSED`, and the {@linkcode QueueView.failure} of the view.
   */
  until(
    seq: number,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    return this.#view.until(seq, options);
  }

  /**
   * Reads what becomes of messages, as {@linkcode MiniQueue.events} does, each
   * event once the view has read its record. Progress in memory is on no record:
   * only the owner tells it. Each reader has a copy of the queue. Ends when the
   * view is closed, however far the reader is.
   *
   * @param options Where to start, and when to stop.
   * @returns The events.
   * @throws {MiniError} While iterating: `COMPACTED` if the log does not reach
   * back to a record, which is `seq`; `REWRITTEN` if records that were read are
   * not there any more; the {@linkcode QueueView.failure} of the view.
   */
  events(options: EventOptions = {}): AsyncIterable<QueueEvent<T, R>> {
    assertOptions("events()", options, EVENT_CHECKS);
    this.#assertOpen();
    const next = this.#view.sequence + 1;
    const { from = next, signal } = options;
    const start = Math.min(from, next);
    return copiesOf(this.#replay(start, signal), { from, signal });
  }

  async *#replay(
    from: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RecordEvents<T>, void, undefined> {
    try {
      // Once more where the copy was of records that were taken back.
      for (let isFitting = false; !isFitting;) {
        const { resets } = this.#view;
        const ledger = await ledgerBefore(from, (seq) => this.#ledgerAt(seq));
        const range = { from, ...(signal && { signal }) };
        const mutations = whileFitting(this.#view.watch(range), () => {
          // The view has read the first of them too.
          isFitting ||= this.#view.resets === resets;
          return isFitting;
        });
        yield* replayed(ledger, entriesIn(mutations, (entry) => entry));
      }
    } catch (error) {
      const isEnd = this.#view.isClosed && hasCode(error, "CLOSED");
      if (!isEnd) throw error;
    }
  }

  /** A copy of the ledger as it was after a record, once the view has read that. */
  async #ledgerAt(seq: number): Promise<Ledger<T>> {
    await this.#view.until(seq);
    const ledger = ifReadable(() => this.#view.state as Ledger<T>);
    const isNow = ledger !== undefined && this.#view.sequence === seq;
    return isNow ? structuredClone(ledger) : await this.#view.at(seq);
  }

  /** The ledger, once it can be read, and the time of the queue. */
  async #now(): Promise<LedgerView<T>> {
    for (;;) {
      const { changed } = this.#view;
      this.#assertOpen();
      const ledger = ifReadable(() => this.#view.state as Ledger<T>);
      if (ledger !== undefined) return viewOf(ledger, this.#clock);
      await changed;
    }
  }

  #assertOpen(): void {
    if (!this.#view.isClosed) return;
    throw new MiniError("CLOSED", "Cannot read the queue: it was closed");
  }

  /** Stops following; what reads is `CLOSED` from then on. Closing twice is fine. */
  close(): Promise<void> {
    return this.#view.close();
  }

  /** The same as {@linkcode QueueView.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The items until one does not fit. */
async function* whileFitting<I>(
  items: AsyncIterable<I>,
  isFitting: () => boolean,
): AsyncGenerator<I, void, undefined> {
  for await (const item of items) {
    if (!isFitting()) return;
    yield item;
  }
}

/** A ledger as it is now. */
function viewOf<T>(ledger: Ledger<T>, clock: Clock): LedgerView<T> {
  return { ledger, ...new QueueTime(clock, ledger).moment() };
}
