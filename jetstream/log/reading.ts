import type { LogRecord } from "../../store/mod.ts";
import type { Patience } from "../clock.ts";
import { compacted, corrupt } from "../errors.ts";
import type { Stream } from "../stream.ts";
import {
  type Commit,
  meaningOf,
  recordsOf,
  type StoredMessage,
} from "./message.ts";
import { type Placed, present } from "./take_over.ts";

/** How much is asked for before the first of it is there: in messages, and in about as many bytes. */
const MAX_AHEAD = 256;
const AHEAD_BYTES = 8 * 1024 * 1024;

/** The size of a message, until one was read. */
const FIRST_BYTES = 256 * 1024;

/** A place between two messages, and between two records. */
export interface Position {
  /** The message to read next. */
  readonly at: number;
  /** The record that it begins with, or one before that. */
  readonly record: number;
}

/** Reads the messages of a stream as records. */
export class Reading {
  readonly #stream: Stream;
  readonly #patience: Patience;

  constructor(stream: Stream, patience: Patience) {
    this.#stream = stream;
    this.#patience = patience;
  }

  /**
   * Finds the message that holds a record, among those from one commit to
   * another: by halves, because the numbers of the records grow with those of the
   * messages.
   */
  async find(
    record: number,
    first: Placed,
    last: Placed,
    signal?: AbortSignal,
  ): Promise<Placed> {
    if (endOf(first) >= record) return first;
    let [low, high] = [first, last];
    // The end of `low` is before the record, that of `high` is not, or it is the last.
    while (high.at - low.at > 1) {
      const middle = Math.floor((low.at + high.at) / 2);
      const found = await this.#commitFrom(middle, high, signal);
      if (found === undefined) throw compacted(this.#stream.name, record);
      if (found.at === high.at) {
        const before = await this.#commitBefore(middle, low, signal);
        if (before === undefined) throw compacted(this.#stream.name, record);
        if (before.at === low.at) return high;
        if (endOf(before) >= record) high = before;
        else return high;
      } else if (endOf(found) >= record) high = found;
      else low = found;
    }
    return high;
  }

  /** The first commit from a message on; `high` if there is none before. */
  async #commitFrom(
    from: number,
    high: Placed,
    signal?: AbortSignal,
  ): Promise<Placed | undefined> {
    for (let at = from; at < high.at; at++) {
      const message = await this.#present(at, high.at, signal);
      if (message === undefined) return undefined;
      const meaning = meaningOf(message);
      if (meaning.kind === "commit") return { ...meaning, at };
    }
    return high;
  }

  /** The last commit before a message; `low` if there is none behind that. */
  async #commitBefore(
    before: number,
    low: Placed,
    signal?: AbortSignal,
  ): Promise<Placed | undefined> {
    for (let at = before - 1; at > low.at; at--) {
      const message = await this.#present(at, before, signal);
      if (message === undefined) return undefined;
      const meaning = meaningOf(message);
      if (meaning.kind === "commit") return { ...meaning, at };
    }
    return low;
  }

  #present(
    at: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<StoredMessage | undefined> {
    return present(this.#stream, at, end, this.#patience, signal);
  }

  /** Reads messages up to one that is there, in order, several at the same time; `undefined` for one that was removed. */
  async *messages(
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredMessage | undefined, void, undefined> {
    const asked: Promise<StoredMessage | undefined>[] = [];
    let next = from;
    let largest = FIRST_BYTES;
    for (let at = from; at <= to; at++) {
      const ahead = Math.max(1, Math.min(MAX_AHEAD, AHEAD_BYTES / largest));
      while (next <= to && asked.length < ahead) {
        const message = this.#present(next++, to, signal);
        // It may fail while others are awaited.
        message.catch(() => {});
        asked.push(message);
      }
      const message = await asked.shift()!;
      signal?.throwIfAborted();
      // Sizes change slowly; one that is small lets more be asked for.
      largest = Math.max(largest / 2, message?.body.length ?? 0, 1);
      yield message;
    }
  }

  /**
   * Reads the commits of messages up to one that is there. Their records follow
   * on from `record`; those before it are left out.
   */
  async *commits(
    { at, record }: Position,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadCommit, void, undefined> {
    for await (const message of this.messages(at, to, signal)) {
      if (message === undefined) throw compacted(this.#stream.name, record);
      const read = this.commitIn(message, record);
      if (read === undefined) continue;
      yield read;
      record = Math.max(record, endOf(read.commit) + 1);
    }
  }

  /** The commit in a message, with its records from `record` on, which must not be missing; `undefined` if it is another message. */
  commitIn(message: StoredMessage, record: number): ReadCommit | undefined {
    const commit = meaningOf(message);
    if (commit.kind !== "commit") return undefined;
    const { first } = commit;
    if (first > record) {
      const reason =
        `record ${record} is missing: message ${message.seq} begins with record ${first}`;
      throw corrupt(this.#stream.name, reason, { seq: record });
    }
    const records = this.read(message, commit);
    return {
      commit: { ...commit, at: message.seq },
      records: records.slice(record - first),
    };
  }

  /** The records of a commit; throws `CORRUPT` if they cannot be read. */
  read(message: StoredMessage, commit: Commit): LogRecord<unknown>[] {
    const { first } = commit;
    const found = recordsOf(message, commit);
    if (typeof found === "string") {
      const reason = `message ${message.seq} ${found}`;
      throw corrupt(this.#stream.name, reason, { seq: first });
    }
    return found.map((data, index) => ({ seq: first + index, data }));
  }
}

/** A commit that was read, and its records. */
export interface ReadCommit {
  readonly commit: Placed;
  readonly records: readonly LogRecord<unknown>[];
}

/** The number of the last record up to a commit. */
export function endOf({ first, count }: Commit): number {
  return first + count - 1;
}
