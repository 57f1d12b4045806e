import { TextLineStream } from "@std/streams/text-line-stream";
import { type Schema, validateRead } from "../../base/schema.ts";
import { damageOf } from "../corruption.ts";
import type { JournalContext } from "../journal.ts";
import type { LogRecord, ReplayRange } from "../log.ts";
import {
  Chunk,
  type Convert,
  converting,
  decodeLines,
  explained,
  lineDecoder,
  Wanted,
} from "./chunk.ts";
import { type IfMissing, journalSegments } from "./journal_segments.ts";
import {
  type CommittedEnd,
  type OpenSegment,
  Stopper,
} from "./segment_reader.ts";

/** Which records of which log to read, and what they must be. */
export interface Reading<T> {
  readonly context: JournalContext;
  readonly range: ReplayRange;
  readonly schema: Schema<T> | undefined;
  /** Whether the log is open with times: then one whose records have none so far may be asked for them. */
  readonly hasTimes?: boolean;
  /** The end as the writer in this process knows it; a reader without it takes the log as it finds it. */
  readonly live?: CommittedEnd | undefined;
  /** How to treat a path without a log. @default {"empty"} */
  readonly ifMissing?: IfMissing | undefined;
}

/**
 * Reads records in order.
 *
 * Beside a writer elsewhere that takes back what did not fit, the end of a file
 * may be seen half old and half new. So only a damage that is the same at a
 * second look counts. That look starts with the last record given, so that the
 * step to the next segment is checked too.
 */
export async function* readRecords<T>(
  reading: Reading<T>,
): AsyncGenerator<LogRecord<T>, void, undefined> {
  const { context, range, schema, live } = reading;
  const { from = 1, signal } = range;
  const convert = converting(schema);
  let next = from;
  let damage: string | undefined;
  for (;;) {
    try {
      const isFirst = next === from;
      const start = isFirst ? reading.range.from : next - 1;
      const chunks = read(reading, start, next, {
        splitter: streamed,
        convert,
        since: isFirst ? range.since : undefined,
      });
      for await (const records of chunks) {
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
      if (live !== undefined || !isNew) {
        throw explained(error, { context, signal });
      }
    }
  }
}

/** As {@linkcode readRecords}, many records at a time, each made when it is taken: for reading a whole log fast. */
export async function* readChunks<T>(
  reading: Reading<T>,
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  const { context, range: { from, since, signal }, schema } = reading;
  try {
    yield* read(reading, from, from ?? 1, {
      splitter: split,
      // Thrown where the record is taken, with nobody to explain it.
      convert: (data, seq) => validateRead(schema, data, seq),
      since,
    });
  } catch (error) {
    throw explained(error, { context, signal });
  }
}

async function* read<T>(
  reading: Reading<T>,
  start: number | undefined,
  from: number,
  { splitter, convert, since }: {
    readonly splitter: LineSplitter;
    readonly convert: Convert<T>;
    readonly since: Date | undefined;
  },
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  const { context, range: { to = Infinity, signal }, live, hasTimes } = reading;
  signal?.throwIfAborted();
  if (to < from) return;
  const wanted = new Wanted(from, to, since);
  let isEnd = false;
  for await (const segment of segmentsOf(reading, start, since?.getTime())) {
    for await (const lines of linesOf(segment, { signal, live, splitter })) {
      const chunk = new Chunk(wanted.of(lines, segment.lines), convert);
      yield chunk;
      signal?.throwIfAborted();
      chunk.settle();
      const { next } = segment.lines;
      // A log that is followed has no other end, and no record to come has a time.
      if (!hasTimes && live !== undefined && next > live.sequence) {
        wanted.assertTimes(context.paths.active);
      }
      isEnd = next > to;
      if (isEnd) break;
    }
    if (isEnd) break;
    signal?.throwIfAborted();
  }
  // It may have fired while the log was opened.
  if (!isEnd) signal?.throwIfAborted();
  if (!hasTimes) wanted.assertTimes(context.paths.active);
}

/** The segments from record `from` and the time `since` on. Each is to be read before the next. */
export async function* segmentsOf<T>(
  { context, range: { to = Infinity }, live, ifMissing }: Reading<T>,
  from: number | undefined,
  since: number | undefined,
): AsyncGenerator<OpenSegment, void, undefined> {
  const how = { live, ifMissing, since };
  for await (const segment of journalSegments(context, from, how)) {
    // After a compaction that left no record, nothing up to `to` ever comes.
    if (segment.lines.next > to) return await segment.reader.close();
    yield segment;
  }
}

/** Cuts blocks of whole lines into lines, as many at a time as one block has. */
type LineSplitter = (blocks: TextBlocks) => AsyncIterable<readonly string[]>;

/** The lines of a segment. Bytes are verified first, in blocks; only what has passed is decoded and cut. */
export async function* linesOf(
  segment: OpenSegment,
  { signal, live, splitter }: {
    readonly signal: AbortSignal | undefined;
    readonly live: CommittedEnd | undefined;
    readonly splitter: LineSplitter;
  },
): AsyncGenerator<readonly string[], void, undefined> {
  const blocks = new TextBlocks(segment, signal, live);
  try {
    yield* splitter(blocks);
    if (blocks.failure !== undefined) throw blocks.failure.error;
  } finally {
    blocks.end();
    await segment.reader.close();
  }
}

/** Cuts with {@linkcode TextLineStream}. */
async function* streamed(
  blocks: TextBlocks,
): AsyncGenerator<readonly string[], void, undefined> {
  let count = 0;
  const source = (async function* () {
    for await (const text of blocks.texts()) {
      count += countLines(text);
      yield text;
    }
  })();
  // Bun has `ReadableStream.from` from 1.4 on.
  const lines: ReadableStream<string> = new ReadableStream<string>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 }).pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // One wait for all the lines of a block, and not one for each.
      const others = Array.from({ length: count - 1 }, () => reader.read());
      count = 0;
      const rest = await Promise.all(others);
      yield [value, ...rest.map(({ value }) => value!)];
    }
  } finally {
    // What the source waits for may never come, and the stream waits for the source.
    blocks.end();
    await reader.cancel();
    // The stream does not say when it has let go of its source.
    await source.return();
  }
}

/** Cuts each block by itself, which is faster. */
export async function* split(
  blocks: TextBlocks,
): AsyncGenerator<readonly string[], void, undefined> {
  for await (const text of blocks.texts()) {
    yield text.slice(0, -1).split("\n");
  }
}

/** The blocks of whole lines of a segment, as text. */
class TextBlocks {
  readonly #segment: OpenSegment;
  readonly #live: CommittedEnd | undefined;
  readonly #stopper: Stopper;
  /** Why there are no more. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    segment: OpenSegment,
    signal: AbortSignal | undefined,
    live: CommittedEnd | undefined,
  ) {
    this.#segment = segment;
    this.#live = live;
    this.#stopper = new Stopper(signal);
  }

  /** No more are wanted. */
  end(): void {
    this.#stopper.end();
  }

  /** Ends where it fails: a stream that fails drops what it holds, and the lines before a damage are to come first. */
  async *texts(): AsyncGenerator<string, void, undefined> {
    const decoder = lineDecoder();
    try {
      const { reader, isActive } = this.#segment;
      for await (const { lines } of reader.blocks(this.#live, this.#stopper)) {
        yield decodeLines(decoder, lines, reader.path);
      }
      if (this.#stopper.isStopped || !reader.hasRest) return;
      const role = this.#live !== undefined
        ? "acknowledged"
        : isActive
        ? "active"
        : "sealed";
      const last = await this.#segment.judgeEnd(role);
      if (last === undefined) return;
      yield decodeLines(decoder, last, reader.path);
    } catch (error) {
      this.failure = { error };
    }
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf("\n", at + 1)) >= 0;) count++;
  return count;
}
