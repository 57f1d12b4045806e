import { childOf } from "../../base/abort.ts";
import { assertOptions, checkCount } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import { Mutex } from "../../base/mutex.ts";
import { type Schema, validateRead } from "../../base/schema.ts";
import type { FileLock } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";
import type { LogRecord } from "../log.ts";
import { FOLLOWING_CHECKS } from "../options.ts";
import { GivenLines } from "./given_lines.ts";
import type { Consumer } from "../consumer.ts";
import type { PlacedRecord } from "./placed.ts";
import type { Position } from "./position.ts";
import { writePosition } from "./position_file.ts";

/** The log of a consumer. */
export interface ConsumerLog {
  /** The number of the last record. */
  readonly sequence: number;
  /** The number of the last record that is known to be durable. */
  readonly durableSequence: number;
  /** The durable records after a position, and each further one. Ends when the log does, or the signal fires. */
  recordsAfter(
    position: Position,
    signal: AbortSignal,
  ): AsyncIterable<PlacedRecord>;
  /** The position after a durable record; `undefined` if there is no such record. Throws `COMPACTED` if it is gone. */
  positionAfter(seq: number): Promise<Position | undefined>;
  /** The position before the first record that is present. */
  start(): Promise<Position>;
  /** Frees it. */
  close(): Promise<void>;
}

/** The parts of a consumer that is open. */
export interface OpenConsumer<T> {
  readonly name: string;
  readonly context: JournalContext;
  readonly schema: Schema<T> | undefined;
  readonly log: ConsumerLog;
  readonly lock: FileLock;
  /** Where it stands, or why that is unknown. */
  readonly position: Position | MiniError;
}

/** A consumer of a log in files. */
export class LogConsumer<T> implements Consumer<T> {
  readonly #parts: OpenConsumer<T>;
  #position: Position | MiniError;
  /** The last number that `commit` was asked for. */
  #asked: number;
  /** The last number that was given. */
  #given: number;
  /** The lines that the last `follow` has given. */
  #lines = new GivenLines();
  readonly #mutex = new Mutex();
  /** Ends what follows from the position. */
  #stop = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(parts: OpenConsumer<T>) {
    this.#parts = parts;
    this.#position = parts.position;
    this.#asked = this.#given = this.position;
  }

  get name(): string {
    return this.#parts.name;
  }

  get position(): number {
    return this.#position instanceof MiniError ? 0 : this.#position.seq;
  }

  get lag(): number {
    return Math.max(0, this.#parts.log.sequence - this.position);
  }

  follow(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<LogRecord<T>> {
    assertOptions("follow()", options, FOLLOWING_CHECKS);
    this.#assertOpen();
    return this.#follow(options.signal);
  }

  async *#follow(
    signal: AbortSignal | undefined,
  ): AsyncGenerator<LogRecord<T>, void, undefined> {
    signal?.throwIfAborted();
    const { schema } = this.#parts;
    const { signal: stopped } = this.#stop;
    const lines = this.#lines = new GivenLines();
    const either = childOf(signal, stopped);
    try {
      const records = this.#recordsAfter(this.#position, either.signal);
      for await (const { place, ...found } of records) {
        const { seq } = found;
        const data = validateRead(schema, found.data, seq);
        const record = { ...found, data };
        // Not after a reset: its number would be one of those that were given since.
        if (either.signal.aborted) break;
        lines.add(seq, place);
        this.#given = Math.max(this.#given, seq);
        yield record;
        if (either.signal.aborted) break;
      }
      signal?.throwIfAborted();
    } finally {
      either.letGo();
    }
  }

  async *#recordsAfter(
    position: Position | MiniError,
    signal: AbortSignal,
  ): AsyncGenerator<PlacedRecord, void, undefined> {
    if (position instanceof MiniError) throw position;
    try {
      yield* this.#parts.log.recordsAfter(position, signal);
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  /** Says what a consumer that cannot continue can do. */
  async #explained(error: unknown): Promise<MiniError> {
    const seq = this.position;
    const { name, log, context: { paths } } = this.#parts;
    const { directory, active: path } = paths;
    const doing = `follow "${path}" as consumer "${name}"`;
    const code = error instanceof MiniError ? error.code : undefined;
    if (code === "COMPACTED") {
      const first = (await log.start()).seq + 1;
      const message = `Cannot ${doing}: records ${seq + 1} to ${
        first - 1
      } were removed before it committed them; the first that is left is ${first}, and reset(${
        first - 1
      }) continues there`;
      return new MiniError(code, message, { path, seq: seq + 1, cause: error });
    }
    if (code === "REWRITTEN") {
      const message =
        `Cannot ${doing}: the log does not hold any more what it held up to record ${seq}, the consumer's position: it was repaired, reset or restored, or is another log; reset() sets a position in the log as it is now`;
      return new MiniError(code, message, { path, cause: error });
    }
    return fromOs(error, doing, "its position is unchanged", {
      directory,
      path,
    });
  }

  async commit(seq: number): Promise<void> {
    this.#assertOpen();
    checkCount("seq", seq, 0);
    if (seq < this.#asked) {
      throw new RangeError(
        `seq must not be before ${this.#asked}, which was committed; it is ${seq}`,
      );
    }
    this.#assertGiven(seq);
    this.#asked = seq;
    await this.#mutex.run(() => this.#commit(seq));
  }

  #assertGiven(seq: number): void {
    if (seq <= this.#given) return;
    throw new RangeError(
      `seq must not be after ${this.#given}, the last record that was given; it is ${seq}`,
    );
  }

  /** Writes the last number that was asked for, for all that wait. */
  async #commit(seq: number): Promise<void> {
    // A reset may have come before it.
    this.#assertGiven(seq);
    if (seq <= this.position) return;
    const upTo = Math.max(seq, this.#asked);
    const lines = this.#lines;
    try {
      const place = lines.endOf(upTo);
      await this.#write(
        place ? { ...place, seq: upTo } : await this.#positionAfter(upTo),
      );
    } catch (error) {
      this.#asked = this.position;
      throw error;
    }
    lines.forgetBefore(upTo);
  }

  async reset(seq: number): Promise<void> {
    this.#assertOpen();
    checkCount("seq", seq, 0);
    await this.#mutex.run(async () => {
      await this.#write(await this.#positionAfter(seq));
      this.#asked = this.#given = seq;
      this.#stop.abort();
      this.#stop = new AbortController();
      await this.#assertLeft(seq);
    });
  }

  /** Throws `COMPACTED` if records after a new position were removed: only from then on compaction waits for it. */
  async #assertLeft(seq: number): Promise<void> {
    const { name, log, context: { paths } } = this.#parts;
    const { directory, active: path } = paths;
    const doing = `reset consumer "${name}" of "${path}" to ${seq}`;
    let start: Position;
    try {
      start = await log.start();
    } catch (error) {
      const after = `its position is ${seq}`;
      throw fromOs(error, doing, after, { directory, path });
    }
    if (start.seq <= seq) return;
    const first = start.seq + 1;
    const message = `Cannot ${doing}: compaction removed records ${
      seq + 1
    } to ${start.seq} meanwhile; its position is ${seq}, the first record left is ${first}, and reset(${start.seq}) continues there`;
    const missing = Math.max(seq, 1);
    throw new MiniError("COMPACTED", message, { path, seq: missing });
  }

  async #positionAfter(seq: number): Promise<Position> {
    const { log, context: { paths } } = this.#parts;
    const { directory, active: path } = paths;
    let found: Position | undefined;
    try {
      found = await log.positionAfter(seq);
    } catch (error) {
      const doing = `find record ${seq} of "${path}"`;
      const after = "the position is unchanged";
      throw fromOs(error, doing, after, { directory, path });
    }
    if (found !== undefined) return found;
    throw new RangeError(
      `seq must be a durable record of the log, not ${seq}; the last that is known to be durable is ${log.durableSequence}`,
    );
  }

  async #write(position: Position): Promise<void> {
    const { name, context, lock } = this.#parts;
    await writePosition(context, name, position, lock);
    this.#position = position;
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    const { name, context: { paths: { active: path } } } = this.#parts;
    const message = `Cannot use consumer "${name}" of "${path}": it was closed`;
    throw new MiniError("CLOSED", message, { path });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const { lock, log } = this.#parts;
    this.#stop.abort();
    await this.#mutex.run(() => lock.close());
    await log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
