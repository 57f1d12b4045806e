import type { Unit } from "./line.ts";

/** A commit takes no more than about this many characters of records, and at least one record. */
const MAX_COMMIT_CHARS = 4 * 1024 * 1024;

/** Appends that share one write and one fsync: one promise for all of them. */
export class Batch {
  readonly units: Unit[] = [];
  /** How many records they hold. */
  records = 0;
  /** Whether somebody waits for the fsync. */
  isDurable = false;
  /** Whether later appends go into another batch. */
  isFull = false;
  resolve!: (firstSeq: number) => void;
  reject!: (error: unknown) => void;
  #chars = 0;
  /** The number of its first record, once it is written, and durable where somebody waits for that. */
  readonly #done: Promise<number> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  /** Adds a unit; resolves to the number of its last record. */
  add(unit: Unit, isDurable: boolean): Promise<number> {
    this.units.push(unit);
    this.#chars += unit.text.length;
    this.records += unit.batch ?? 1;
    this.isDurable ||= isDurable;
    this.isFull = this.#chars > MAX_COMMIT_CHARS;
    const last = this.records - 1;
    return this.#done.then((first) => first + last);
  }
}
