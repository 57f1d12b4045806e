import { assertOptions } from "../base/checks.ts";
import type { MiniError } from "../base/errors.ts";
import { fitting, MAX_DEPTH, toJson } from "../base/json.ts";
import { journalSegments, openJournal } from "./open.ts";
import type { AppendOptions, LogRecord, ReplayRange } from "./log.ts";
import {
  checkRange,
  contextOf,
  REPLAY_CHECKS,
  type ReplayOptions,
  STORE_CHECKS,
  type StoreOptions,
  writerOptions,
} from "./options.ts";
import { fromOs } from "../fs/os_errors.ts";
import type { CommittedEnd } from "./read/cut.ts";
import { readChunks, type Reading, readRecords } from "./read/replay.ts";
import type { RecoveryReport } from "./recover.ts";
import { type Schema, validateNew, validateRead } from "../base/schema.ts";
import type { JournalContext } from "./journal.ts";
import type { Writer } from "./write/writer.ts";

/** Carries what a schema has thrown: the caller gets it as it is, whatever it looks like. */
class SchemaFailure extends Error {
  constructor(cause: unknown) {
    super("the schema has thrown", { cause });
  }
}

/** A log that is open for writing, and how its records are typed. */
export class Session<T> {
  readonly #context: JournalContext;
  readonly #schema: Schema<T> | undefined;
  readonly writer: Writer;
  readonly report: RecoveryReport;

  private constructor(
    context: JournalContext,
    schema: Schema<T> | undefined,
    writer: Writer,
    report: RecoveryReport,
  ) {
    this.#context = context;
    this.#schema = schema;
    this.writer = writer;
    this.report = report;
  }

  static async open<T>(
    path: string | URL,
    options: StoreOptions<T>,
  ): Promise<Session<T>> {
    assertOptions("MiniStore.open()", options, STORE_CHECKS);
    const asked = contextOf(path, options);
    const checked = writerOptions(options);
    try {
      const { context, writer, recovered } = await openJournal(asked, checked);
      return new Session(context, options.schema, writer, recovered.report);
    } catch (error) {
      const after = "nothing that was durable has changed";
      throw failed(asked, error, "open", after);
    }
  }

  get path(): string {
    return this.#context.paths.active;
  }

  append(
    record: T,
    { durable, applied }: AppendOptions,
  ): Promise<number> {
    this.writer.assertOpen();
    const { maxRecordBytes } = this.#context;
    const text = toJson(this.#validate(record), maxRecordBytes);
    return this.writer.add({ text, applied }, durable);
  }

  /** Whether a schema is asked about each record. */
  get hasSchema(): boolean {
    return this.#schema !== undefined;
  }

  /** Appends a record that is JSON already, and was checked. */
  appendJson(
    json: string,
    { durable, applied }: AppendOptions,
  ): Promise<number> {
    try {
      this.writer.assertOpen();
      const text = fitting(json, this.#context.maxRecordBytes);
      return this.writer.add({ text, applied }, durable);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@linkcode Session.read}, many records at a time. */
  readChunks(range: ReplayRange): AsyncIterable<Iterable<LogRecord<T>>> {
    checkRange(range);
    this.writer.assertOpen();
    const context = this.#context;
    const schema = this.#schema;
    return readChunks(
      (from) => journalSegments(context, from, { live: this.writer }),
      {
        ...readingOf(context, range, schema, this.writer),
        // Thrown at who takes the records, with nobody to explain it.
        convert: (data, seq) => validateRead(schema, data, seq),
      },
    );
  }

  /** The JSON text of an array of records. */
  encodeAll(records: readonly T[]): string {
    const valid = records.map((record) => this.#validate(record));
    return toJson(valid, this.#context.maxRecordBytes, MAX_DEPTH + 1);
  }

  #validate(record: T): T {
    return validateNew(this.#schema, record, "append the record");
  }

  /** Reads acknowledged records, up to `range.to` those to come as well. */
  read(range: ReplayRange): AsyncIterable<LogRecord<T>> {
    checkRange(range);
    this.writer.assertOpen();
    const context = this.#context;
    return readRecords(
      (from) => journalSegments(context, from, { live: this.writer }),
      readingOf(context, range, this.#schema, this.writer),
    );
  }
}

/** Reads a log that may have a writer elsewhere, or none. */
export function readUnopened<T>(
  path: string | URL,
  options: ReplayOptions<T>,
): AsyncIterable<LogRecord<T>> {
  assertOptions("MiniStore.replay()", options, REPLAY_CHECKS);
  const { schema, ifMissing = "error" } = options;
  const context = contextOf(path, options);
  return readRecords(
    (from) => journalSegments(context, from, { ifMissing }),
    readingOf(context, options, schema),
  );
}

function readingOf<T>(
  context: JournalContext,
  range: ReplayRange,
  schema: Schema<T> | undefined,
  live?: CommittedEnd,
): Reading<T> {
  const { signal } = range;
  return {
    range,
    live,
    convert(data, seq) {
      try {
        return validateRead(schema, data, seq);
      } catch (error) {
        throw new SchemaFailure(error);
      }
    },
    explain(error) {
      if (error instanceof SchemaFailure) return error.cause;
      const isCallers = signal?.aborted && error === signal.reason ||
        error instanceof TypeError;
      return isCallers
        ? error
        : failed(context, error, "read", "nothing was changed");
    },
  };
}

function failed(
  { paths: { directory, active: path } }: JournalContext,
  error: unknown,
  doing: string,
  after: string,
): MiniError {
  return fromOs(error, `${doing} "${path}"`, after, { directory, path });
}
