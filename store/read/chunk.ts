import { type Schema, validateRead } from "../../base/schema.ts";
import { fromOs } from "../../fs/os_errors.ts";
import { corrupt } from "../corruption.ts";
import type { LineParser } from "../format/records.ts";
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
export function* recordsOf(
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
