import type { Log } from "@mini/state/state";
import {
  type CompactionReport,
  type FollowOptions,
  type LogRecord,
  MiniError,
  type ReplayRange,
} from "@mini/state/store";

/** A log in memory, with the least that a state needs. */
export class MemoryLog implements Log<unknown> {
  records: LogRecord<unknown>[] = [];
  readonly id = undefined;
  sequence = 0;
  firstSequence = 1;
  isClosed = false;
  /** Called at the start of each reading. */
  beforeReplay: () => unknown = () => {};
  #changed = Promise.withResolvers<void>();

  /** Opens it again, as the next process does. */
  reopen(): this {
    this.isClosed = false;
    return this;
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async append(data: unknown): Promise<number> {
    this.#assertOpen();
    const record = { seq: this.sequence + 1, data: structuredClone(data) };
    this.records.push(record);
    this.sequence = record.seq;
    this.#change();
    return record.seq;
  }

  replay(
    { from, to = this.sequence, signal }: ReplayRange = {},
  ): AsyncIterable<LogRecord<unknown>> {
    this.#assertOpen();
    return this.#read(from, Math.min(to, this.sequence), signal);
  }

  async *#read(
    from: number | undefined,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    await this.beforeReplay();
    // Without `from`, it begins with what is left.
    const start = from ?? this.firstSequence;
    this.#assertThere(start);
    for (const record of this.records) {
      signal?.throwIfAborted();
      if (record.seq >= start && record.seq <= to) yield record;
    }
  }

  async *follow(
    { from = this.firstSequence, signal }: FollowOptions = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    signal?.addEventListener("abort", () => aborted.reject(signal.reason));
    for (let seq = from;; seq++) {
      while (seq > this.sequence) {
        if (this.isClosed) return;
        await Promise.race([this.#changed.promise, aborted.promise]);
      }
      signal?.throwIfAborted();
      this.#assertThere(seq);
      yield this.records[seq - this.firstSequence]!;
    }
  }

  compact(upTo: number): Promise<CompactionReport> {
    const last = Math.min(upTo, this.sequence);
    this.records = this.records.filter(({ seq }) => seq > last);
    this.firstSequence = Math.max(this.firstSequence, last + 1);
    return Promise.resolve({ firstSequence: this.firstSequence });
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#change();
    return Promise.resolve();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #assertOpen(): void {
    if (this.isClosed) throw new MiniError("CLOSED", "the log is closed");
  }

  #assertThere(seq: number): void {
    if (seq >= this.firstSequence) return;
    throw new MiniError("COMPACTED", `record ${seq} is gone`, { seq });
  }
}
