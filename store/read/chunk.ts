import { type Schema, validateRead } from "../../base/schema.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { corrupt } from "../corruption.ts";
import { isBefore, type LineParser } from "../format/records.ts";
import type { JournalContext } from "../journal.ts";
import type { LogRecord } from "../log.ts";

/** Carries what a schema has thrown: the caller gets it as it is, whatever it looks like. */
class SchemaFailure extends Error {
  constructor(cause: unknown) {
    super("the schema threw", { cause });
  }
}

/** Makes a record's data what the caller has it as. */
export type Convert<T> = (data: unknown, seq: number) => T;

/** Validates records; what the schema throws reaches the caller as it is, through {@linkcode explained}. */
export function converting<T>(schema: Schema<T> | undefined): Convert<T> {
  return (data, seq) => {
    try {
      return validateRead(schema, data, seq);
    } catch (error) {
      throw new SchemaFailure(error);
    }
  };
}

/** Records that are parsed when they are taken, each given once, as the caller has it. */
export class Chunk<T> implements Iterable<LogRecord<T>> {
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
      const { seq, data, at } = record;
      const converted = this.#convert(data, seq);
      yield at === undefined
        ? { seq, data: converted }
        : { seq, data: converted, at };
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

/** The last moment that a `Date` can be. */
const MAX_DATE_MS = 8_640_000_000_000_000;

/** The records that a reader asks for, by number and by time. */
export class Wanted {
  readonly from: number;
  readonly to: number;
  /** In milliseconds since 1970; `undefined` once a record is as late, because times do not go back. */
  #since: number | undefined;
  #hasRecords = false;
  #hasTimes = false;

  constructor(from: number, to: number, since: Date | undefined) {
    this.from = from;
    this.to = to;
    this.#since = since?.getTime();
  }

  /** The records of lines; each line is parsed when it is asked for. */
  *of(
    lines: readonly string[],
    parser: LineParser,
  ): Generator<LogRecord<unknown>, void, undefined> {
    const { from, to } = this;
    for (const line of lines) {
      let seq = parser.next;
      for (const data of parser.parse(line, from, this.#since)) {
        if (seq > to) return;
        if (seq >= from && this.#isReached(parser.at)) {
          yield recordOf(seq, data, parser.at);
        }
        seq++;
      }
      if (this.#since !== undefined) this.#note(parser);
    }
  }

  #isReached(at: number | undefined): boolean {
    if (isBefore(at, this.#since)) return false;
    this.#since = undefined;
    return true;
  }

  #note({ at, next }: LineParser): void {
    this.#hasRecords ||= next > this.from;
    this.#hasTimes ||= at !== undefined;
  }

  /** Throws where a time is asked for, and no record that was read has one. */
  assertTimes(path: string): void {
    const isPending = this.#since !== undefined && this.#hasRecords;
    if (isPending && !this.#hasTimes) throw noTimes(path);
  }
}

/** The error for asking for times where there are none. */
export function noTimes(path: string): TypeError {
  return new TypeError(
    `Cannot read "${path}" by time: no record that was read has one; records get one while the log is open with timestamps: true`,
  );
}

/** A record, with its time if it has one. */
export function recordOf(
  seq: number,
  data: unknown,
  at: number | undefined,
): LogRecord<unknown> {
  if (at === undefined) return { seq, data };
  return { seq, data, at: new Date(Math.min(at, MAX_DATE_MS)) };
}

/** Decodes verified lines. */
export function decodeLines(
  decoder: TextDecoder,
  lines: Uint8Array,
  path: string,
): string {
  try {
    return decoder.decode(lines);
  } catch {
    throw corrupt(path, { reason: "it is not UTF-8" });
  }
}

/** A decoder for {@linkcode decodeLines}. */
export function lineDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
}

/** The error that says what could not be read. */
export function explained(
  error: unknown,
  { context, signal }: {
    readonly context: JournalContext;
    readonly signal: AbortSignal | undefined;
  },
): unknown {
  if (error instanceof SchemaFailure) return error.cause;
  const isCallers = signal?.aborted && error === signal.reason ||
    error instanceof TypeError;
  if (isCallers) return error;
  const { directory, active: path } = context.paths;
  const after = "nothing was changed";
  return fromOs(error, `read "${path}"`, after, { directory, path });
}
