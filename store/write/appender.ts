import { fitting, lineOf, MAX_DEPTH, toJson } from "../../base/json.ts";
import { type Schema, validateNew } from "../../base/schema.ts";
import { parseJson } from "../../base/walk.ts";
import type { Unit } from "../format/line.ts";
import type { AppendOptions } from "../log.ts";
import type { Writer } from "./writer.ts";

/** Checks records, makes their JSON texts, and gives them to the writer. */
export class Appender<T> {
  readonly #writer: Writer;
  readonly #schema: Schema<T> | undefined;
  readonly #maxBytes: number;

  constructor(writer: Writer, schema: Schema<T> | undefined, maxBytes: number) {
    this.#writer = writer;
    this.#schema = schema;
    this.#maxBytes = maxBytes;
  }

  /** Appends a record. */
  append(record: T, options: AppendOptions): Promise<number> {
    return this.#add(() => this.textOf(record), options);
  }

  /** Appends a record before it returns. */
  appendSync(
    record: T,
    { durable, applied, message }: AppendOptions,
  ): number {
    const text = this.textOf(record);
    return this.#writer.addSync([{ text, applied, message }], durable);
  }

  /** Appends records as one unit. */
  appendBatch(records: readonly T[], options: AppendOptions): Promise<number> {
    const { length } = records;
    if (length === 1) return this.append(records[0] as T, options);
    const textOf = () => {
      this.#writer.assertOpen();
      this.#writer.assertNative("append a batch");
      const valid = records.map((record) => this.#validate(record));
      return toJson(valid, this.#maxBytes, MAX_DEPTH + 1);
    };
    return this.#add(textOf, options, length);
  }

  /** Appends nothing; resolves to the number of the last record. */
  // deno-lint-ignore require-await -- what is thrown must reject
  async appendNone(): Promise<number> {
    this.#writer.assertOpen();
    return this.#writer.sequence;
  }

  /** Appends the JSON text of a record. */
  appendJson(json: string, options: AppendOptions): Promise<number> {
    return this.#add(() => {
      this.#writer.assertOpen();
      const text = fitting(lineOf(json), this.#maxBytes);
      // A state manager has parsed it.
      if (options.applied === undefined) parseJson(text);
      return text;
    }, options);
  }

  /** The JSON text of a record that may be appended now. */
  textOf(record: T): string {
    this.#writer.assertOpen();
    return toJson(this.#validate(record), this.#maxBytes);
  }

  #validate(record: T): T {
    return validateNew(this.#schema, record, "append the record");
  }

  /** Not `async`, which would cost one more promise. */
  #add(
    textOf: () => string,
    { durable, applied, message }: AppendOptions,
    batch?: number,
  ): Promise<number> {
    try {
      const unit = new WaitingUnit(textOf(), batch, applied, message);
      return this.#writer.add([unit], durable);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** A unit that waits for its commit. A class: where many wait, V8 makes the objects of a literal among the old ones, and keeps what they refer to. */
class WaitingUnit implements Unit {
  readonly text: string;
  readonly batch: number | undefined;
  readonly applied: (() => number) | undefined;
  message: object | undefined;

  constructor(
    text: string,
    batch: number | undefined,
    applied: (() => number) | undefined,
    message: object | undefined,
  ) {
    this.text = text;
    this.batch = batch;
    this.applied = applied;
    this.message = message;
  }
}
