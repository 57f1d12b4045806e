import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniError } from "../../base/errors.ts";
import { type Schema, validateRead } from "../../base/schema.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { corrupt } from "../corruption.ts";
import type { LineParser } from "../format/records.ts";
import type { JournalContext } from "../journal.ts";
import type { LogRecord, ReplayRange } from "../log.ts";
import { journalSegments } from "./journal_segments.ts";
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
  /** The end as the writer in this process knows it; a reader without it takes the log as it finds it. */
  readonly live?: CommittedEnd | undefined;
  /** How to treat a path without a log. @default {"empty"} */
  readonly ifMissing?: "error" | "empty" | undefined;
}

/** Carries what a schema has thrown: the caller gets it as it is, whatever it looks like. */
class SchemaFailure extends Error {
  constructor(cause: unknown) {
    super("the schema threw", { cause });
  }
}

/** Makes a record's data what the caller has it as. */
type Convert<T> = (data: unknown, seq: number) => T;

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
  const { range: { from = 1, signal }, schema, live } = reading;
  const convert: Convert<T> = (data, seq) => {
    try {
      return validateRead(schema, data, seq);
    } catch (error) {
      throw new SchemaFailure(error);
    }
  };
  let next = from;
  let damage: string | undefined;
  for (;;) {
    try {
      const start = next === from ? reading.range.from : next - 1;
      const chunks = read(reading, start, next, {
        splitter: streamed,
        convert,
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
      if (live !== undefined || !isNew) throw explained(error, reading);
    }
  }
}

/** As {@linkcode readRecords}, many records at a time, each made when it is taken: for reading a whole log fast. */
export async function* readChunks<T>(
  reading: Reading<T>,
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  const { range: { from }, schema } = reading;
  try {
    yield* read(reading, from, from ?? 1, {
      splitter: split,
      // Thrown where the record is taken, with nobody to explain it.
      convert: (data, seq) => validateRead(schema, data, seq),
    });
  } catch (error) {
    throw explained(error, reading);
  }
}

async function* read<T>(
  { context, range: { to = Infinity, signal }, live, ifMissing }: Reading<T>,
  start: number | undefined,
  from: number,
  { splitter, convert }: {
    readonly splitter: LineSplitter;
    readonly convert: Convert<T>;
  },
): AsyncGenerator<Iterable<LogRecord<T>>, void, undefined> {
  signal?.throwIfAborted();
  if (to < from) return;
  const segments = journalSegments(context, start, { live, ifMissing });
  for await (const segment of segments) {
    // After a compaction that left no record, nothing up to `to` ever comes.
    if (segment.lines.next > to) {
      await segment.reader.close();
      break;
    }
    for await (const lines of linesOf(segment, { signal, live, splitter })) {
      const records = recordsOf(lines, segment.lines, { from, to });
      const chunk = new Chunk(records, convert);
      yield chunk;
      signal?.throwIfAborted();
      chunk.settle();
      if (segment.lines.next > to) return;
    }
    signal?.throwIfAborted();
  }
  // It may have fired while the log was opened.
  signal?.throwIfAborted();
}

/** Records that are parsed when they are taken, each given once, as the caller has it. */
class Chunk<T> implements Iterable<LogRecord<T>> {
  #records: Iterator<LogRecord<unknown>, void>;
  readonly #convert: Convert<T>;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    records: Iterator<LogRecord<unknown>, void>,
    convert: Convert<T>,
  ) {
    this.#records = records;
    this.#convert = convert;
  }

  /** A caller may leave it early and come back. */
  *[Symbol.iterator](): Generator<LogRecord<T>, void, undefined> {
    for (let record; (record = this.#next()) !== undefined;) {
      const { seq, data } = record;
      yield { seq, data: this.#convert(data, seq) };
    }
  }

  /** Parses what was not taken, and keeps it to be taken later: only then is it known with which number the next chunk starts. */
  settle(): void {
    const left: LogRecord<unknown>[] = [];
    for (let record; (record = this.#next()) !== undefined;) left.push(record);
    this.#records = left.values();
  }

  #next(): LogRecord<unknown> | undefined {
    // A caller may have caught it, and nothing after it can be read.
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return this.#records.next().value ?? undefined;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }
}

/** The records of lines, from one number to another; each line is parsed when it is asked for. */
function* recordsOf(
  lines: readonly string[],
  parser: LineParser,
  { from, to }: { readonly from: number; readonly to: number },
): Generator<LogRecord<unknown>, void, undefined> {
  for (const line of lines) {
    let seq = parser.next;
    for (const data of parser.parse(line, from)) {
      if (seq > to) return;
      if (seq >= from) yield { seq, data };
      seq++;
    }
  }
}

/** The damage that an error reports, if it reports one. */
function damageOf(error: unknown): string | undefined {
  return error instanceof MiniError && error.code === "CORRUPT"
    ? error.message
    : undefined;
}

/** The error that says what could not be read. */
function explained<T>(
  error: unknown,
  { context, range: { signal } }: Reading<T>,
): unknown {
  if (error instanceof SchemaFailure) return error.cause;
  const isCallers = signal?.aborted && error === signal.reason ||
    error instanceof TypeError;
  if (isCallers) return error;
  const { directory, active: path } = context.paths;
  const after = "nothing was changed";
  return fromOs(error, `read "${path}"`, after, { directory, path });
}

/** Cuts blocks of whole lines into lines, as many at a time as one block has. */
type LineSplitter = (blocks: TextBlocks) => AsyncIterable<readonly string[]>;

/** The lines of a segment. Bytes are verified first, in blocks; only what has passed is decoded and cut. */
async function* linesOf(
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
async function* split(
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
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    try {
      const { reader } = this.#segment;
      for await (const { lines } of reader.blocks(this.#live, this.#stopper)) {
        yield this.#decode(decoder, lines);
      }
      if (this.#stopper.isStopped || !reader.hasRest) return;
      const isAcknowledged = this.#live !== undefined;
      const last = await this.#segment.judgeEnd(isAcknowledged);
      if (last !== undefined) yield this.#decode(decoder, last);
    } catch (error) {
      this.failure = { error };
    }
  }

  #decode(decoder: TextDecoder, block: Uint8Array): string {
    try {
      return decoder.decode(block);
    } catch {
      throw corrupt(this.#segment.reader.path, { reason: "it is not UTF-8" });
    }
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf("\n", at + 1)) >= 0;) count++;
  return count;
}
