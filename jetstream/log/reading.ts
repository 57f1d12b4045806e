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

/** The most that is asked for at once: in messages, and in about as many bytes. */
const MAX_ROW = 1_024;
const ROW_BYTES = 1024 * 1024;

/** How many messages are asked for one by one at the same time: in messages, and in about as many bytes. */
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

/** Messages in a row, each with the number after that before it; `undefined` for one that was removed. */
type Row = readonly (StoredMessage | undefined)[];

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

  /** Reads messages up to one that is there, in order, some at a time; `undefined` for one that was removed. */
  async *messages(
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Row, void, undefined> {
    let largest = FIRST_BYTES;
    let asked: Promise<Row> | undefined;
    for (let at = from; at <= to;) {
      const row = await (asked ?? this.#row(at, to, largest, signal));
      signal?.throwIfAborted();
      at += row.length;
      largest = Math.max(...row.map((each) => each?.body.length ?? 0), 1);
      asked = at <= to ? this.#row(at, to, largest, signal) : undefined;
      // It may fail while the others are used.
      asked?.catch(() => {});
      yield row;
    }
  }

  /** Some messages from one on, up to one that is there: at least one. */
  async #row(
    at: number,
    to: number,
    largest: number,
    signal?: AbortSignal,
  ): Promise<Row> {
    const row = await this.row(at, to);
    if (row.length > 0) return row;
    // They are removed, or who answers is behind the others: the leader knows.
    const ahead = Math.max(1, Math.min(MAX_AHEAD, AHEAD_BYTES / largest));
    const seqs = [];
    for (let seq = at; seq <= to && seqs.length < ahead; seq++) seqs.push(seq);
    return await Promise.all(
      seqs.map((seq) => this.#present(seq, to, signal)),
    );
  }

  /** The messages from one on, as far as a server has them that may be behind the others. */
  row(at: number, to: number = Infinity): Promise<readonly StoredMessage[]> {
    return this.#stream.row(at, Math.min(MAX_ROW, to - at + 1), ROW_BYTES);
  }

  /**
   * Reads commits up to one that is there, some at a time. Their records follow on
   * from `record`; those before it are left out.
   */
  async *commits(
    { at, record }: Position,
    last: Placed,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadCommit, void, undefined> {
    for await (const row of this.messages(at, last.at, signal)) {
      const read: ReadCommit[] = [];
      let failure: unknown;
      try {
        for (const message of row) {
          if (message === undefined) throw compacted(this.#stream.name, record);
          const found = this.commitIn(message, record);
          if (found === undefined) continue;
          this.#assertSame(found.commit, last);
          read.push(found);
          record = Math.max(record, endOf(found.commit) + 1);
        }
      } catch (error) {
        failure = error;
      }
      if (read.length > 0) yield joined(read);
      if (failure !== undefined) throw failure;
    }
  }

  /** Throws if a server has another commit where the last one is. */
  #assertSame({ at, id }: Placed, last: Placed): void {
    if (at !== last.at || id === last.id) return;
    const reason =
      `message ${at} is commit ${last.id} on one server, and ${id} on another`;
    throw corrupt(this.#stream.name, reason, { seq: last.first });
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

/** A commit that was read, and its records; or several, with the last of them. */
export interface ReadCommit {
  readonly commit: Placed;
  readonly records: readonly LogRecord<unknown>[];
}

/** Some commits in a row as one: the last of them, with the records of all. */
function joined(read: readonly ReadCommit[]): ReadCommit {
  const applied = Math.max(...read.map(({ commit }) => commit.applied));
  return {
    commit: { ...read.at(-1)!.commit, applied },
    records: read.flatMap(({ records }) => records),
  };
}

/** The number of the last record up to a commit. */
export function endOf({ first, count }: Commit): number {
  return first + count - 1;
}
