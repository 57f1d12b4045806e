import { aDate } from "../../base/checks.ts";
import { MiniError } from "../../base/errors.ts";
import type { Schema } from "../../base/schema.ts";
import type { Shape } from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import type {
  FollowOptions,
  LogReader,
  LogRecord,
  ReplayRange,
} from "../log.ts";
import { checkFollow, checkRange } from "../options.ts";
import { followRecords } from "./follow.ts";
import type { IfMissing } from "./journal_segments.ts";
import { LogEnd, provenBy } from "./log_end.ts";
import type { Lookout } from "./lookout.ts";
import { seqAt } from "./seq_at.ts";
import { readChunks, type Reading, readRecords } from "./replay.ts";
import { explained } from "./chunk.ts";

/** How a log is read that somebody else writes. */
interface ReaderOptions<T> {
  readonly schema: Schema<T> | undefined;
  readonly ifMissing: IfMissing;
}

/** Reads a log beside its writer, in any process: no lock, no write. */
export class JournalReader<T> implements LogReader<T>, AsyncDisposable {
  readonly #context: JournalContext;
  readonly #options: ReaderOptions<T>;
  readonly #end: LogEnd;
  readonly #closed = new AbortController();
  /** Those who follow. */
  readonly #lookouts = new Set<Lookout>();
  id: string | undefined;
  firstSequence = 1;
  sequence = 0;
  durableSequence = 0;
  applied = 0;

  private constructor(context: JournalContext, options: ReaderOptions<T>) {
    this.#context = context;
    this.#options = options;
    this.#end = new LogEnd(context, options.ifMissing);
  }

  /** Looks at the log for the first time. */
  static async open<T>(
    context: JournalContext,
    options: ReaderOptions<T>,
  ): Promise<JournalReader<T>> {
    const reader = new JournalReader(context, options);
    try {
      await reader.refresh();
      return reader;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  async refresh(): Promise<void> {
    this.#assertOpen();
    const end = this.#end;
    try {
      await end.refresh();
      const firstSequence = await end.firstSequence();
      this.id = end.id;
      this.firstSequence = firstSequence;
      this.sequence = end.sequence;
      this.durableSequence = end.durableSequence;
      for (const lookout of this.#lookouts) lookout.hint();
      this.applied = end.applied;
    } catch (error) {
      throw explained(error, { context: this.#context, signal: undefined });
    }
  }

  replay(range: ReplayRange = {}): AsyncIterable<LogRecord<T>> {
    return readRecords(this.#reading(range));
  }

  replayChunks(
    range: ReplayRange = {},
  ): AsyncIterable<Iterable<LogRecord<T>>> {
    return readChunks(this.#reading(range));
  }

  follow(options: FollowOptions = {}): AsyncIterable<LogRecord<T>> {
    checkFollow(options);
    this.#assertOpen();
    return followRecords({
      context: this.#context,
      options,
      ...this.#options,
      reader: {
        closed: this.#closed.signal,
        lookouts: this.#lookouts,
        onLines: (shape) => this.#note(shape),
      },
    });
  }

  async seqAt(time: Date): Promise<number> {
    aDate("time", time);
    const { sequence: to } = this;
    const reading = this.#reading({ to });
    return this.firstSequence > to ? 0 : await seqAt(reading, time);
  }

  /** Takes note of the last line that somebody who follows has read. */
  #note(shape: Shape | undefined): void {
    const { last, durable, applied } = provenBy(shape);
    this.sequence = Math.max(this.sequence, last);
    this.durableSequence = Math.max(this.durableSequence, durable);
    this.applied = Math.max(this.applied, applied);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#end.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Up to `sequence`, so that what comes after is left to `follow`. */
  #reading(range: ReplayRange): Reading<T> {
    checkRange(range);
    this.#assertOpen();
    const { sequence } = this;
    const to = Math.min(range.to ?? sequence, sequence);
    const { schema } = this.#options;
    return { context: this.#context, range: { ...range, to }, schema };
  }

  #assertOpen(): void {
    if (!this.#closed.signal.aborted) return;
    const { active: path } = this.#context.paths;
    const message = `Cannot read "${path}": the reader was closed`;
    throw new MiniError("CLOSED", message, { path });
  }
}
