import type { Unit } from "../format/line.ts";

/** A commit takes no more than this many characters of records, or one append alone. */
const MAX_COMMIT_CHARS = 4 * 1024 * 1024;

/** For so long callers that keep appending may put off the commit that serves them. */
const MAX_SETTLE_MS = 2;

/** How many turns of the microtask queue a caller may take from one acknowledged append to its next. */
const SETTLE_TURNS = 8;

/** Appends that share one write and one fsync: one promise for all of them. */
export class Batch {
  readonly units: Unit[] = [];
  /** How many records they hold. */
  records = 0;
  /** Whether somebody waits for the fsync. */
  isDurable = false;
  /** Whether later appends go into another batch. */
  isClosed = false;
  resolve!: (firstSeq: number) => void;
  reject!: (error: unknown) => void;
  #chars = 0;
  /** The number of its first record, once it is written, and durable where somebody waits for that. */
  readonly #done: Promise<number> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  /** Whether the unit may share the commit. */
  hasRoomFor({ text }: Unit): boolean {
    if (this.isClosed) return false;
    return this.#chars === 0 || this.#chars + text.length <= MAX_COMMIT_CHARS;
  }

  /** Adds a unit; resolves to the number of its last record. */
  add(unit: Unit, isDurable: boolean): Promise<number> {
    this.units.push(unit);
    this.#chars += unit.text.length;
    this.records += unit.batch ?? 1;
    this.isDurable ||= isDurable;
    const last = this.records - 1;
    return this.#done.then((first) => first + last);
  }
}

/** The appends that wait for a commit, in the order of the calls. */
export class BatchQueue {
  readonly #batches: Batch[] = [];
  #appends = 0;

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Adds a unit to the last batch, or to a new one behind it; resolves to the number of its last record. */
  add(unit: Unit, isDurable: boolean): Promise<number> {
    let batch = this.#batches.at(-1);
    if (batch === undefined || !batch.hasRoomFor(unit)) {
      this.#batches.push(batch = new Batch());
    }
    this.#appends++;
    return batch.add(unit, isDurable);
  }

  /** Takes out the first batch. */
  shift(): Batch | undefined {
    return this.#batches.shift();
  }

  /** The last batch, which no later append joins from now on. */
  closeLast(): Batch | undefined {
    const last = this.#batches.at(-1);
    if (last !== undefined) last.isClosed = true;
    return last;
  }

  /** Whether the batch still waits. */
  has(batch: Batch | undefined): boolean {
    return batch !== undefined && this.#batches.includes(batch);
  }

  /** Lets callers that a commit has woken append again, so that they share the next one. */
  async settle(): Promise<void> {
    const start = performance.now();
    let seen: number;
    do {
      seen = this.#appends;
      for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;
    } while (
      seen !== this.#appends && performance.now() - start < MAX_SETTLE_MS
    );
  }
}
