import { hasCode, MiniError } from "../../base/errors.ts";
import { type Consumer, type LogReader, MiniStore } from "../../store/mod.ts";
import { type Forwarded, isSame, sendable } from "./message.ts";
import type { LogFacts } from "./plan.ts";

/** A log, and a consumer of it. */
export class Source {
  /** The id of the log. */
  readonly id: string;
  readonly consumer: Consumer<unknown>;
  readonly #path: string;
  readonly #log: LogReader<unknown>;
  readonly #isOurs: boolean;

  private constructor(parts: {
    readonly id: string;
    readonly path: string;
    readonly consumer: Consumer<unknown>;
    readonly log: LogReader<unknown>;
    readonly isOurs: boolean;
  }) {
    this.id = parts.id;
    this.consumer = parts.consumer;
    this.#path = parts.path;
    this.#log = parts.log;
    this.#isOurs = parts.isOurs;
  }

  /** Opens the consumer of a log that is open, or of that at a path. */
  static async open<T>(
    from: MiniStore<T> | string | URL,
    name: string,
  ): Promise<Source> {
    const isPath = typeof from === "string" || from instanceof URL;
    // The id of the log is read once the consumer has its position in it.
    const consumer: Consumer<unknown> = isPath
      ? await MiniStore.consumer(from, name)
      : await from.consumer(name);
    try {
      const log = isPath ? await MiniStore.openReader<unknown>(from) : from;
      const path = isPath ? `${from}` : from.path;
      // Only a log that has none has no consumer either.
      const id = log.id!;
      return new Source({ id, path, consumer, log, isOurs: isPath });
    } catch (error) {
      await consumer.close();
      throw error;
    }
  }

  /** Whether the log was closed. */
  get isClosed(): boolean {
    try {
      this.#log.replay();
      return false;
    } catch (error) {
      return hasCode(error, "CLOSED");
    }
  }

  /** The state of the log now. */
  async facts(): Promise<LogFacts> {
    await this.#log.refresh?.();
    const { id, firstSequence: first, sequence } = this.#log;
    const path = this.#path;
    if (id !== this.id) throw another(path, 0);
    return { path, first, sequence, position: this.consumer.position };
  }

  /** Throws `REWRITTEN` if the log holds another record than a stream, in the place of the last that it has. */
  async verify({ seq, body }: Forwarded, facts: LogFacts): Promise<void> {
    // The consumer verifies what it has committed, by a checksum of all up to there.
    if (seq === facts.position || seq < facts.first) return;
    for await (const record of this.#log.replay({ from: seq, to: seq })) {
      if (!isSame(sendable(record).body, body)) throw another(this.#path, seq);
    }
  }

  /** Lets go of all that was opened. */
  async close(): Promise<void> {
    await this.consumer.close();
    if (this.#isOurs) await this.#log.close();
  }
}

function another(path: string, seq: number): MiniError {
  const what = seq === 0
    ? "it is another log since it was opened"
    : `record ${seq} is not the one that the stream has; if the stream is wrong, or a schema has changed the record, reset(${seq}) of the consumer continues after it`;
  const message = `Cannot forward "${path}": ${what}; nothing was sent`;
  return new MiniError("REWRITTEN", message, { path, ...(seq && { seq }) });
}
