import { pause } from "../../base/deadline.ts";
import { type Child, childOf } from "../../base/abort.ts";
import { MiniError } from "../../base/errors.ts";
import type {
  FollowOptions,
  LogReader,
  LogRecord,
  ReplayRange,
} from "../../store/mod.ts";
import type { Patience } from "../clock.ts";
import { compacted } from "../errors.ts";
import { idIn } from "../settings.ts";
import type { Stream, StreamFacts } from "../stream.ts";
import { meaningOf, type StoredMessage } from "./message.ts";
import { endOf, Reading } from "./reading.ts";
import {
  assertWhole,
  firstFrom,
  lastBefore,
  type Placed,
} from "./take_over.ts";

/** The longest time between two looks at a log that somebody follows, in milliseconds. */
const LOOK_MS = 1_000;

/** The time until the first look at something that was published, and may not be stored yet, in milliseconds. */
const FIRST_LOOK_MS = 5;

/** A log in a stream, for reading beside its owner. */
export class JetStreamReader implements LogReader<unknown> {
  readonly #stream: Stream;
  readonly #subject: string;
  readonly #patience: Patience;
  readonly #reading: Reading;
  readonly #closed = new AbortController();
  readonly #bells = new Set<Doorbell>();
  #id: string | undefined;
  #first: Placed | undefined;
  #last: Placed | undefined;
  #applied = 0;

  constructor(stream: Stream, subject: string, patience: Patience) {
    this.#stream = stream;
    this.#subject = subject;
    this.#patience = patience;
    this.#reading = new Reading(stream, patience);
  }

  get id(): string | undefined {
    return this.#id;
  }

  get firstSequence(): number {
    return this.#first?.first ?? this.sequence + 1;
  }

  get sequence(): number {
    return this.#last ? endOf(this.#last) : 0;
  }

  get applied(): number {
    return this.#applied;
  }

  async refresh(): Promise<void> {
    await this.#refresh();
    for (const bell of this.#bells) bell.ring();
  }

  async #refresh(): Promise<StreamFacts | undefined> {
    this.#assertOpen();
    const stream = this.#stream;
    const facts = await stream.surely("read", () => stream.facts());
    if (facts === undefined) {
      [this.#id, this.#first, this.#last] = [undefined, undefined, undefined];
      return undefined;
    }
    this.#id = idIn(facts.config);
    const end = facts.last + 1;
    this.#last = await lastBefore(stream, end, this.#patience);
    if (this.#last === undefined) {
      const now = await stream.surely("read", () => stream.facts());
      // Compaction has removed meanwhile what was the last.
      if (now !== undefined && now.first > facts.first) {
        return await this.#refresh();
      }
      assertWhole(stream.name, facts);
    }
    this.#first = this.#last &&
      await firstFrom(stream, facts.first, this.#last);
    this.#learn(this.#last);
    return facts;
  }

  #learn(commit: Placed | undefined): void {
    if (commit === undefined) return;
    this.#applied = Math.max(this.#applied, commit.applied);
    if (commit.at > (this.#last?.at ?? 0)) this.#last = commit;
  }

  async *replay(
    range: ReplayRange = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    for await (const chunk of this.replayChunks(range)) {
      for (const record of chunk) {
        range.signal?.throwIfAborted();
        yield record;
      }
    }
  }

  replayChunks(
    range: ReplayRange = {},
  ): AsyncIterable<Iterable<LogRecord<unknown>>> {
    this.#assertOpen();
    return this.#read(range, this.#first, this.#last);
  }

  async *#read(
    { from, to = Infinity, signal }: ReplayRange,
    first: Placed | undefined,
    last: Placed | undefined,
  ): AsyncGenerator<LogRecord<unknown>[], void, undefined> {
    signal?.throwIfAborted();
    if (first === undefined || last === undefined) return;
    const start = from ?? first.first;
    const end = Math.min(to, endOf(last));
    if (start < first.first) throw compacted(this.#stream.name, start);
    if (start > end) return;
    const { at } = await this.#reading.find(start, first, last, signal);
    const position = { at, record: start };
    for await (
      const { commit, records } of this.#reading.commits(
        position,
        last,
        signal,
      )
    ) {
      this.#learn(commit);
      const wanted = records.filter(({ seq }) => seq <= end);
      if (wanted.length > 0) yield wanted;
      if (wanted.length < records.length) return;
    }
  }

  async *follow(
    { from, signal, onCaughtUp }: FollowOptions = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    signal?.throwIfAborted();
    const own = childOf(signal, this.#closed.signal);
    const bell = new Doorbell();
    this.#bells.add(bell);
    const letGo = this.#stream.onPublished(this.#subject, () => bell.hint());
    try {
      yield* this.#follow(from, bell, own.signal, onCaughtUp);
    } catch (error) {
      signal?.throwIfAborted();
      if (!this.#closed.signal.aborted) throw error;
    } finally {
      letGo();
      this.#bells.delete(bell);
      own.letGo();
    }
  }

  async *#follow(
    from: number | undefined,
    bell: Doorbell,
    signal: AbortSignal,
    onCaughtUp: FollowOptions["onCaughtUp"],
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    let id: string | undefined;
    let record = from;
    // The message to read next; 0 until the place of the record was found.
    let at = 0;
    for (let waitMs = LOOK_MS;;) {
      if (at === 0) {
        const facts = await this.#refresh();
        id = this.#id;
        record ??= this.firstSequence;
        at = facts === undefined ? 0 : await this.#placeOf(record, signal);
      }
      let isNews = false;
      const found = at > 0 ? this.#from(at, signal) : [];
      for await (const message of found) {
        this.#assertKept(message, at, record!);
        at = message.seq + 1;
        const read = this.#reading.commitIn(message, record!);
        if (read === undefined) continue;
        isNews = true;
        this.#learn(read.commit);
        for (const each of read.records) {
          signal.throwIfAborted();
          yield each;
        }
        record = Math.max(record!, endOf(read.commit) + 1);
      }
      await onCaughtUp?.();
      signal.throwIfAborted();
      waitMs = isNews ? FIRST_LOOK_MS : Math.min(2 * waitMs, LOOK_MS);
      // What was published is not stored at once.
      if (await bell.wait(waitMs, signal)) waitMs = FIRST_LOOK_MS;
      else if (waitMs === LOOK_MS) await this.#assertSame(id, at, record);
    }
  }

  /** The message that holds a record, or is behind all that are there. */
  async #placeOf(record: number, signal: AbortSignal): Promise<number> {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) return 1;
    if (record < first.first) throw compacted(this.#stream.name, record);
    if (record > endOf(last)) return last.at + 1;
    return (await this.#reading.find(record, first, last, signal)).at;
  }

  /** Throws if records were removed before this reader got to them. */
  #assertKept(found: StoredMessage, at: number, record: number): void {
    const meaning = meaningOf(found);
    const isBehind = meaning.kind === "commit" && meaning.first > record;
    // One without records says that those before it are gone.
    if (isBehind && (found.seq > at || meaning.count === 0)) {
      throw compacted(this.#stream.name, record);
    }
  }

  /** The messages from one on, as far as there are any. */
  async *#from(
    at: number,
    signal: AbortSignal,
  ): AsyncGenerator<StoredMessage, void, undefined> {
    const stream = this.#stream;
    for (;;) {
      for (const message of await this.#reading.row(at)) {
        yield message;
        at = message.seq + 1;
      }
      // Who has answered may be behind the others, or has stopped before a hole.
      const ask = () => stream.next(at);
      const message = await stream.surely("read", ask, signal);
      if (message === undefined) return;
      yield message;
      at = message.seq + 1;
    }
  }

  /** Throws if the stream is not the one that was read, or has lost what was read. */
  async #assertSame(
    id: string | undefined,
    at: number,
    record: number | undefined,
  ): Promise<void> {
    if (id === undefined || record === undefined) return;
    const stream = this.#stream;
    const facts = await stream.surely("read", () => stream.facts());
    const isSame = facts !== undefined && idIn(facts.config) === id &&
      facts.last >= at - 1;
    if (isSame) return;
    throw new MiniError(
      "REWRITTEN",
      `Stream ${stream.name} does not hold the log any more that was read up to record ${
        record - 1
      }`,
      { seq: 1 },
    );
  }

  #assertOpen(): void {
    if (!this.#closed.signal.aborted) return;
    const name = this.#stream.name;
    throw new MiniError("CLOSED", `The reader of stream ${name} was closed`);
  }

  close(): Promise<void> {
    this.#closed.abort(new Error("the reader was closed"));
    return Promise.resolve();
  }
}

/** Wakes somebody who waits for the time of the next look. */
class Doorbell {
  #isRung = false;
  #isHinted = false;
  #waiting: Child | undefined;

  /** Something was published. */
  hint(): void {
    this.#isHinted = true;
    this.ring();
  }

  /** Somebody wants a look at once. */
  ring(): void {
    this.#isRung = true;
    this.#waiting?.abort();
  }

  /** Waits until it is rung, or for some milliseconds. Resolves to whether something was published. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isRung) {
      this.#waiting = childOf(signal);
      await pause(ms, this.#waiting.signal).catch(() => {});
      this.#waiting.letGo();
      this.#waiting = undefined;
    }
    signal.throwIfAborted();
    const wasHinted = this.#isHinted;
    [this.#isRung, this.#isHinted] = [false, false];
    return wasHinted;
  }
}
