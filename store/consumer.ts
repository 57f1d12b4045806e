import type { LogRecord } from "./log.ts";

/**
 * A reader of a log with a durable position: it gets every record at least
 * once, in order, across crashes of its own and of the writer.
 *
 * `MiniStore.consumer()` opens it. It holds its name until it is closed.
 *
 * @typeParam T The type of a record.
 *
 * @example Continue where the last run has stopped
 * ```ts
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * await store.appendBatch(["a", "b", "c"]);
 *
 * const uploaded: string[] = [];
 * for (const run of [1, 2]) {
 *   await using uploader = await store.consumer("uploader");
 *   for await (const { seq, data } of uploader.follow()) {
 *     uploaded.push(data); // upload it, then say so
 *     await uploader.commit(seq);
 *     if (seq === run + 1) break;
 *   }
 * }
 * assertEquals(uploaded, ["a", "b", "c"]);
 * ```
 */
export interface Consumer<T> extends AsyncDisposable {
  /** Its name. */
  readonly name: string;
  /** The number of the last record that it has committed: `follow` begins after it. */
  readonly position: number;
  /** The number of records after its position; in another process than the writer's, of those that it has seen so far. */
  readonly lag: number;
  /**
   * Reads the records after the position, then each further one, once it is
   * durable. Begins at the position again at each call; ends when the log or the
   * consumer is closed, and at a `reset`.
   *
   * @param options When to stop.
   * @returns The records, oldest first.
   * @throws {MiniError} While iterating, as {@linkcode MiniStore.follow}, and
   * `COMPACTED` if records after the position were removed all the same, with the
   * first of them as `seq`; `REWRITTEN` if the log does not hold any more
   * what it held at the position; `CORRUPT` if the position is damaged. In these
   * cases `reset` continues.
   */
  follow(
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<LogRecord<T>>;
  /**
   * Moves the position, and resolves once that is durable: what it has passed
   * is not given again. Calls take effect in their order, and may share one
   * write.
   *
   * @param seq The number of the last record that is done with.
   * @throws {RangeError} For a record before the position, or one that `follow`
   * has not given.
   * @throws {MiniError} `NO_SPACE`, `PERMISSION`, `IO`: the position is the old
   * one, or the new one. `CLOSED`.
   */
  commit(seq: number): Promise<void>;
  /**
   * Sets the position to any durable record of the log, durably, and ends what
   * follows from the old one. Only from then on compaction waits for it.
   *
   * @param seq The number of the record before the one to continue with; 0 for
   * the first of a log that was never compacted.
   * @throws {RangeError} For a record after the last that is durable. In another
   * process than the writer's, a later commit, or the end of the log, shows that
   * a record is.
   * @throws {MiniError} `COMPACTED` for a record before those that are left, which
   * is `seq`; if compaction removes the records meanwhile, the message tells that
   * the position was set all the same. As {@linkcode Consumer.commit}.
   */
  reset(seq: number): Promise<void>;
  /** Waits for the commits under way, and frees the name. Closing twice is fine. */
  close(): Promise<void>;
}
