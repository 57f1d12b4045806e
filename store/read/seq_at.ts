import type { LineParser } from "../format/records.ts";
import { damageOf } from "../corruption.ts";
import { explained, noTimes } from "./chunk.ts";
import { linesOf, type Reading, segmentsOf, split } from "./replay.ts";

/**
 * The number of the last record of a log, up to `range.to`, whose time is `time`
 * or earlier; 0 if there is none. The log has a record. Throws a `TypeError` if
 * none has a time, and the log is not open with times.
 */
export async function seqAt<T>(
  reading: Reading<T>,
  time: Date,
): Promise<number> {
  const { context, range: { to = Infinity, signal }, hasTimes } = reading;
  const found = await search(reading, time.getTime(), to).catch((error) => {
    throw explained(error, { context, signal });
  });
  if (found === undefined && !hasTimes) throw noTimes(context.paths.active);
  return Math.min(found ?? 0, to);
}

/** Beside a writer elsewhere only a damage that is the same at a second look counts. */
async function search<T>(
  reading: Reading<T>,
  until: number,
  to: number,
): Promise<number | undefined> {
  const search = new TimeSearch(until, to);
  try {
    await search.run(reading);
  } catch (error) {
    if (reading.live !== undefined || damageOf(error) === undefined) {
      throw error;
    }
    await search.run(reading);
  }
  return search.found;
}

/** A search for the last record that is not later than a time. */
class TimeSearch {
  readonly #until: number;
  readonly #to: number;
  /** The number of the last such record so far, or a later one of its batch; `undefined` if no record has had a time. */
  found: number | undefined;

  constructor(until: number, to: number) {
    this.#until = until;
    this.#to = to;
  }

  async run<T>(reading: Reading<T>): Promise<void> {
    const { range: { signal }, live } = reading;
    const since = this.#until + 1;
    let isOver = false;
    for await (const segment of segmentsOf(reading, undefined, since)) {
      const blocks = linesOf(segment, { signal, live, splitter: split });
      for await (const lines of blocks) {
        isOver = this.#isOver(lines, segment.lines);
        if (isOver) break;
      }
      if (isOver) break;
    }
  }

  /** Takes lines; says whether there is nothing more to find. */
  #isOver(lines: readonly string[], parser: LineParser): boolean {
    for (const line of lines) {
      // Records are parsed only where a line holds several.
      for (const _ of parser.parse(line, Infinity));
      const { at, next } = parser;
      const isLate = at !== undefined && at > this.#until;
      if (isLate) this.found ??= 0;
      else if (at !== undefined) this.found = next - 1;
      if (isLate || next > this.#to) return true;
    }
    return false;
  }
}
