import { checkCount } from "../base/checks.ts";
import { type LedgerView, type QueueStats, statsOf } from "./ledger/read.ts";
import {
  type DeadLetter,
  deadLetterPage,
  type FinishedMessage,
  finishedPage,
  type MessageStatus,
  type PageOptions,
  pendingIn,
  type PendingMessage,
  statusOf,
} from "./ledger/status.ts";
import type { ScheduleRecord } from "./schedule/options.ts";
import { recordOf } from "./schedule/record.ts";

/** The ledger of a queue as its reader sees it. It belongs to the queue: nothing of it may be changed. */
export let lookInto: (reader: QueueReader<unknown>) => Promise<LedgerView>;

/**
 * A queue for reading: its owner's, or a view.
 *
 * @typeParam T The payload of the messages.
 * @typeParam R The results of their handlers.
 *
 * @example The same for the owner and for a view
 * ```ts
 * import { MiniQueue, type QueueReader, QueueView } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const depth = async (queue: QueueReader<string>) => (await queue.stats()).ready;
 *
 * const dir = await Deno.makeTempDir();
 * await using queue = await MiniQueue.open<string>(dir);
 * await queue.enqueue("hello");
 * await using view = await QueueView.open<string>(dir);
 * assertEquals([await depth(queue), await depth(view)], [1, 1]);
 * ```
 */
export class QueueReader<T, R = unknown> {
  readonly #look: () => Promise<LedgerView<T>>;

  static {
    lookInto = (reader) => reader.#look();
  }

  /** Only `MiniQueue` and `QueueView` create readers. */
  protected constructor(look: () => Promise<LedgerView<T>>) {
    this.#look = look;
  }

  /** Counts the messages. A delivery whose time is over is in flight until the owner takes it back. */
  async stats(): Promise<QueueStats> {
    return statsOf(await this.#look());
  }

  /**
   * Shows the messages that wait, in the order of delivery, without receiving
   * them. The cost grows with `limit` and with the messages in flight, not with
   * those that wait.
   *
   * @param limit The maximum number of messages.
   * @returns The messages; their payloads are copies.
   */
  async peek(limit: number = 10): Promise<PendingMessage<T>[]> {
    checkCount("limit", limit);
    return pendingIn(await this.#look(), limit);
  }

  /**
   * Shows the dead letters and why they are dead, in the order of their ids. If
   * there may be many, read them page by page: the cost is that of the page.
   *
   * @param options After which id to start, and how many to return.
   * @returns Copies of the dead letters.
   *
   * @example Page by page, whatever becomes of those already seen
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
   * await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
   * for (const message of await queue.receiveBatch(3)) await message.deadLetter("no");
   * const seen: string[] = [];
   * for (let after = 0;;) {
   *   const page = await queue.deadLetters({ after, limit: 2 });
   *   if (page.length === 0) break;
   *   after = page.at(-1)!.id;
   *   for (const { id, payload } of page) {
   *     seen.push(payload);
   *     await queue.redrive(id);
   *   }
   * }
   * assertEquals(seen, ["a", "b", "c"]);
   * ```
   */
  async deadLetters(options: PageOptions = {}): Promise<DeadLetter<T>[]> {
    return deadLetterPage(await this.#look(), options);
  }

  /**
   * Finds a message, wherever it is: one that waits, is in flight or dead; and
   * one that is done or was cancelled, as far as `keepFinished` keeps it.
   *
   * @param id The id of the message.
   * @returns A copy; `undefined` if there is none.
   *
   * @example What became of it
   * ```ts
   * import { MiniQueue } from "@mini/state/queue";
   * import { assertEquals } from "@std/assert";
   *
   * await using queue = await MiniQueue.open<number, number>(
   *   await Deno.makeTempDir(),
   *   { keepFinished: { count: 1_000 } },
   * );
   * const { id } = await queue.enqueue(6);
   * assertEquals((await queue.get(id))?.state, "ready");
   * const message = await queue.receive();
   * await message?.ack(42);
   * const found = await queue.get(id);
   * assertEquals(found?.state === "done" && found.result, 42);
   * ```
   */
  async get(id: number): Promise<MessageStatus<T, R> | undefined> {
    checkCount("id", id);
    return statusOf(await this.#look(), id);
  }

  /**
   * Shows the messages that are done or were cancelled, as far as `keepFinished`
   * keeps them, in the order of their ids.
   *
   * @param options After which id to start, and how many to return.
   * @returns Copies of the messages.
   */
  async finished(options: PageOptions = {}): Promise<FinishedMessage<T, R>[]> {
    return finishedPage(await this.#look(), options);
  }

  /** Shows the schedules that are on record, in the order in which they began. */
  async schedules(): Promise<ScheduleRecord[]> {
    const { ledger } = await this.#look();
    return (ledger.schedules ?? []).map((state) => recordOf(ledger, state));
  }
}
