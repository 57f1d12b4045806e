import type { Log } from "@mini/state/state";
import {
  type CompactionReport,
  type LogRecord,
  MiniError,
} from "@mini/state/store";

/** A log in memory, as far as a state needs one. */
export class MemoryLog implements Log<unknown> {
  records: LogRecord<unknown>[] = [];
  readonly id = undefined;
  sequence = 0;
  firstSequence = 1;
  isClosed = false;
  /** Asked before each reading, when it has begun. */
  beforeReplay: () => unknown = () => {};

  append(data: unknown): Promise<number> {
    this.records.push({ seq: ++this.sequence, data: structuredClone(data) });
    return Promise.resolve(this.sequence);
  }

  async *replay(
    { from = 1, to = Infinity }: { from?: number; to?: number } = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    const { records } = this;
    await this.beforeReplay();
    if (from < this.firstSequence) {
      throw new MiniError("COMPACTED", `record ${from} is gone`, { seq: from });
    }
    for (const record of records) {
      if (record.seq >= from && record.seq <= to) yield await record;
    }
  }

  follow(options: { from?: number }): AsyncIterable<LogRecord<unknown>> {
    return this.replay(options);
  }

  compact(upTo: number): Promise<CompactionReport> {
    this.records = this.records.filter(({ seq }) => seq > upTo);
    this.firstSequence = upTo + 1;
    return Promise.resolve({ firstSequence: this.firstSequence });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
