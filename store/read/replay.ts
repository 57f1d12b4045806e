import {
  type CommittedEnd,
  linesOf,
  type LineSplitter,
  split,
  streamed,
} from "./cut.ts";
import { MiniError } from "../../base/errors.ts";
import type { LineParser } from "../format/records.ts";
import type { LogRecord } from "../log.ts";
import type { OpenSegment } from "./segments.ts";

/** Which records to read. */
export interface ReadRange {
  /** The first. @default the first that is there */
  readonly from?: number | undefined;
  /** The last. @default the last that is there */
  readonly to?: number | undefined;
  /** Ends the iteration by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What the caller of a reader makes of it. */
export interface Reading<T> {
  readonly range: ReadRange;
  /** What is known of the end; a reader without it takes the log as it finds it. */
  readonly live?: CommittedEnd | undefined;
  /** Makes a record's data what the caller has it as. */
  readonly convert: (data: unknown, seq: number) => T;
  /** Makes an error one that says what could not be read. */
  readonly explain: (error: unknown) => unknown;
}

type Open = (from: number | undefined) => AsyncIterable<OpenSegment>;

/**
 * Reads the records of segments in order. `open` gives the segments from the
 * one with a record on.
 *
 * Beside a writer elsewhere that takes back what did not fit, the end of a file
 * may be seen half old and half new. So only a damage that is the same at a
 * second look counts. That look starts with the last record given, for the seam
 * behind its segment is to be checked too.
 */
export async function* readRecords<T>(
  open: Open,
  reading: Reading<T>,
): AsyncGenerator<LogRecord<T>, void, undefined> {
  const { range: { from = 1, signal }, live, explain } = reading;
  let next = from;
  let damage: string | undefined;
  for (;;) {
    try {
      const start = next === from ? reading.range.from : next - 1;
      for await (const records of read(open(start), streamed, reading, next)) {
        for (const record of records) {
          next = record.seq + 1;
          yield record;
          signal?.throwIfAborted();
        }
      }
      return;
    } catch (error) {
      const seen = damage;
      damage = damageOf(error);
      const isNew = damage !== undefined && damage !== seen;
      if (live !== undefined || !isNew) throw explain(error);
    }
  }
}

/** As {@linkcode readRecords}, many records at a time, each made when it is asked for: for who wants all of them, and fast. */
export async function* readChunks<T>(
  open: Open,
  reading: Reading<T>,
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  const { from, from: next = 1 } = reading.range;
  try {
    yield* read(open(from), split, reading, next);
  } catch (error) {
    throw reading.explain(error);
  }
}

async function* read<T>(
  segments: AsyncIterable<OpenSegment>,
  cut: LineSplitter,
  { range: { to = Infinity, signal }, live, convert }: Reading<T>,
  from: number,
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  signal?.throwIfAborted();
  if (to < from) return;
  for await (const segment of segments) {
    for await (const lines of linesOf(segment, { signal, live, cut })) {
      yield recordsOf(lines, segment.lines, { from, to, convert });
      if (segment.lines.next > to) return;
    }
    signal?.throwIfAborted();
  }
}

/** The records of lines, from one number to another, as the caller has them; each line is parsed when it is asked for. */
function* recordsOf<T>(
  lines: readonly string[],
  parser: LineParser,
  { from, to, convert }: {
    readonly from: number;
    readonly to: number;
    readonly convert: Reading<T>["convert"];
  },
): Generator<LogRecord<T>, void, undefined> {
  for (const line of lines) {
    let seq = parser.next;
    for (const data of parser.parse(line, from)) {
      if (seq > to) return;
      if (seq >= from) yield { seq, data: convert(data, seq) };
      seq++;
    }
  }
}

/** What an error says of a damage, if that is what it is about. */
function damageOf(error: unknown): string | undefined {
  return error instanceof MiniError && error.code === "CORRUPT"
    ? error.message
    : undefined;
}
