import { type LiveEnd, streamedLines, wholeBlocks } from "./cut.ts";
import { MiniError } from "./errors.ts";
import type { StoreRecord } from "./records.ts";
import type { OpenSegment } from "./source.ts";

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
  readonly live?: LiveEnd | undefined;
  /** Makes a record's data what the caller has it as. */
  readonly convert: (data: unknown, seq: number) => T;
  /** Makes an error one that says what could not be read. */
  readonly explain: (error: unknown) => unknown;
}

/** Cuts what a segment holds into lines, and gives so many at a time. Closes its file. */
type Cut = (
  segment: OpenSegment,
  signal: AbortSignal | undefined,
  live: LiveEnd | undefined,
) => AsyncIterable<readonly string[]>;

type Open = (from: number | undefined) => AsyncIterable<OpenSegment>;

/** Reads the records of segments in order, each as soon as its line is there. */
export async function* readRecords<T>(
  open: Open,
  reading: Reading<T>,
): AsyncGenerator<StoreRecord<T>, void, undefined> {
  for await (const records of read(open, reading, streamedLines)) {
    for (const record of records) {
      yield record;
      reading.range.signal?.throwIfAborted();
    }
  }
}

/** Reads the records of segments in order, many at a time: for who wants all of them, and fast. */
export function readBatches<T>(
  open: Open,
  reading: Reading<T>,
): AsyncGenerator<StoreRecord<T>[], void, undefined> {
  return read(open, reading, wholeBlocks);
}

/**
 * `open` gives the segments from the one with a record on.
 *
 * Beside a writer elsewhere that takes back what did not fit, the end of a file
 * may be seen half old and half new. So only a damage that is the same at a
 * second look counts. That look starts with the last record given, for the seam
 * behind its segment is to be checked too.
 */
async function* read<T>(
  open: Open,
  { range, live, convert, explain }: Reading<T>,
  cut: Cut,
): AsyncGenerator<StoreRecord<T>[], void, undefined> {
  const { from = 1, to = Infinity, signal } = range;
  signal?.throwIfAborted();
  if (to < from) return;
  let next = from;
  let damage: string | undefined;
  for (;;) {
    try {
      const start = next === from ? range.from : next - 1;
      for await (const segment of open(start)) {
        for await (const lines of cut(segment, signal, live)) {
          const wanted = { next, to, convert };
          const { records, failure } = parse(segment, lines, wanted);
          const last = records.at(-1);
          if (last !== undefined) {
            next = last.seq + 1;
            yield records;
          }
          if (failure !== undefined) throw failure.error;
          if (segment.lines.next > to) return;
        }
        signal?.throwIfAborted();
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

/** The records from `next` to `to` in lines, up to the first that cannot be given. */
function parse<T>(
  { lines: parser }: OpenSegment,
  lines: readonly string[],
  { next, to, convert }: {
    readonly next: number;
    readonly to: number;
    readonly convert: Reading<T>["convert"];
  },
): {
  readonly records: StoreRecord<T>[];
  readonly failure?: { readonly error: unknown };
} {
  const records: StoreRecord<T>[] = [];
  try {
    for (const line of lines) {
      for (const { seq, data } of parser.parse(line, next)) {
        if (seq < next || seq > to) continue;
        records.push({ seq, data: convert(data, seq) });
      }
      if (parser.next > to) break;
    }
    return { records };
  } catch (error) {
    return { records, failure: { error } };
  }
}

/** What an error says of a damage, if that is what it is about. */
function damageOf(error: unknown): string | undefined {
  return error instanceof MiniError && error.code === "CORRUPT"
    ? error.message
    : undefined;
}
