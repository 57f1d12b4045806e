import type { RecordEvents } from "./event.ts";

/** The most records that are remembered. */
const MAX_RECORDS = 1_000;

/** The most characters of JSON that their events have, but for those of the last one. */
const MAX_SIZE = 1 << 20;

/** The events of the last records, within limits. */
export class RecentEvents<T> {
  readonly #records: (RecordEvents<T> & { readonly size: number })[] = [];
  #size = 0;
  /** From this record on, no event is missing. */
  start: number = Infinity;

  /** Forgets everything; from record `start` on, no event will be missing. */
  clear(start: number): void {
    this.#records.length = 0;
    this.#size = 0;
    this.start = start;
  }

  /** Adds the events of the next record that has any. */
  add({ seq, events }: RecordEvents<T>): void {
    const size = JSON.stringify(events).length;
    this.#records.push({ seq, events, size });
    this.#size += size;
    while (this.#isFull) {
      const { seq, size } = this.#records.shift()!;
      this.#size -= size;
      this.start = seq + 1;
    }
  }

  get #isFull(): boolean {
    const { length } = this.#records;
    return length > MAX_RECORDS || length > 1 && this.#size > MAX_SIZE;
  }

  /** The events of the first record from `seq` on that has any. */
  first(seq: number): RecordEvents<T> | undefined {
    const before = this.#records.findLastIndex((each) => each.seq < seq);
    return this.#records[before + 1];
  }
}
