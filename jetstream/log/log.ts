import { concat } from "../../base/bytes.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { fitting, lineOf, MAX_DEPTH, toJson } from "../../base/json.ts";
import { withResolvers } from "../../base/promise.ts";
import { Signal } from "../../base/signal.ts";
import type {
  AppendOptions,
  CompactionReport,
  FollowOptions,
  Log,
  LogRecord,
  ReplayRange,
} from "../../store/mod.ts";
import { either, type Patience } from "../clock.ts";
import { compacted } from "../errors.ts";
import type { Lease } from "../lease.ts";
import type { Stream } from "../stream.ts";
import { commit } from "./commit.ts";
import { bodyOf, EMPTY_BODY_BYTES } from "./body.ts";
import { commitHeaders, type NewCommit } from "./message.ts";
import { endOf, Reading } from "./reading.ts";
import type { Placed, Taken } from "./take_over.ts";

/** A record that waits to be written. */
interface Waiting {
  readonly json: string;
  readonly applied: (() => number) | undefined;
  readonly appended: PromiseWithResolvers<number>;
}

/** The parts that a log stands on. */
export interface LogParts {
  readonly stream: Stream;
  readonly subject: string;
  readonly id: string;
  readonly taken: Taken;
  readonly lease: Lease;
  readonly patience: Patience;
  /** Changes the id of the log, if it may continue after records that were lost. */
  readonly rename?: ((id: string) => Promise<void>) | undefined;
}

/** A log in a stream, for its owner. */
export class JetStreamLog implements Log<unknown> {
  readonly #parts: LogParts;
  readonly #reading: Reading;
  readonly #waiting: Waiting[] = [];
  /** The first and the last commit that are there. */
  #first: Placed | undefined;
  #last: Placed | undefined;
  /** The last message that is known, and that no other owner wrote. */
  #lastMessage: number;
  #commits = 0;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #failure: MiniError | undefined;
  readonly #failed = withResolvers<MiniError>();
  readonly #changed = new Signal();
  #id: string;
  /** Continues with record `seq + 1`, if that was accepted. */
  readonly resetTo?: (seq: number, id?: string) => Promise<void>;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#id = parts.id;
    this.#reading = new Reading(parts.stream, parts.patience);
    const { firstCommit, lastCommit, epoch } = parts.taken;
    [this.#first, this.#last] = [firstCommit, lastCommit];
    this.#lastMessage = epoch;
    parts.lease.lost.then((failure) => this.#fail(failure));
    const { rename } = parts;
    if (rename) this.resetTo = (seq, id) => this.#resetTo(seq, id, rename);
  }

  get id(): string {
    return this.#id;
  }

  get sequence(): number {
    return this.#last ? endOf(this.#last) : 0;
  }

  get firstSequence(): number {
    return this.#first?.first ?? 1;
  }

  get applied(): number {
    return this.#last?.applied ?? 0;
  }

  get failed(): Promise<MiniError> {
    return this.#failed.promise;
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async append(record: unknown, options?: AppendOptions): Promise<number> {
    return this.#append(toJson(record, this.#maxBytes, MAX_DEPTH), options);
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async appendJson(json: string, options?: AppendOptions): Promise<number> {
    return this.#append(fitting(lineOf(json), this.#maxBytes), options);
  }

  /** The size of the largest record: it stands in an array. */
  get #maxBytes(): number {
    return this.#parts.stream.maxBodyBytes - EMPTY_BODY_BYTES;
  }

  #append(json: string, { applied }: AppendOptions = {}): Promise<number> {
    this.#assertOpen("append");
    if (this.#failure !== undefined) throw this.#failure;
    const appended = withResolvers<number>();
    this.#waiting.push({ json, applied, appended });
    this.#writing ??= this.#write();
    return appended.promise;
  }

  /** Writes whatever waits, one message after another. */
  async #write(): Promise<void> {
    // All that is appended in this turn goes together.
    await undefined;
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      await this.#writeSome();
    }
    this.#refuseWaiting();
    this.#writing = undefined;
  }

  async #writeSome(): Promise<void> {
    const { maxBodyBytes } = this.#parts.stream;
    const { bytes, count } = bodyOf(this.#waiting, maxBodyBytes);
    const some = this.#waiting.splice(0, count);
    const told = some.flatMap(({ applied }) => applied?.() ?? []);
    const outcome = await this.#commit(
      bytes,
      count,
      told.length > 0 ? Math.max(...told) : undefined,
    );
    if (typeof outcome === "object") {
      for (const { appended } of some) appended.reject(outcome);
      if (this.#failure === undefined) return;
    } else {
      some.forEach(({ appended }, index) => appended.resolve(outcome + index));
    }
    this.#changed.fire();
  }

  /** Writes one commit. Resolves to the number of its first record, or to why it is not written. */
  async #commit(
    body: Uint8Array<ArrayBuffer>,
    count: number,
    applied: number | undefined,
    first = this.sequence + 1,
    doubtMs = this.#parts.patience.doubtMs,
  ): Promise<number | MiniError> {
    const { stream, subject, taken, patience } = this.#parts;
    const { epoch } = taken;
    const id = `${epoch}.${++this.#commits}`;
    const made: NewCommit = {
      first,
      count,
      epoch,
      id,
      ...(applied !== undefined && { applied }),
    };
    const headers = commitHeaders(made, body);
    const message = { subject, headers, body };
    const outcome = await commit(
      stream,
      message,
      this.#lastMessage,
      taken,
      { ...patience, doubtMs },
    );
    this.#lastMessage = outcome.last;
    if (outcome.failed !== undefined) this.#fail(outcome.failed);
    const { seq: at } = outcome;
    if (at === undefined) return (outcome.failed ?? outcome.refused)!;
    this.#last = {
      kind: "commit",
      ...made,
      at,
      applied: Math.max(this.applied, applied ?? 0),
    };
    this.#first ??= this.#last;
    return first;
  }

  #fail(failure: MiniError): void {
    this.#failure ??= failure;
    this.#failed.resolve(this.#failure);
    this.#changed.fire();
    // One that is being written will say how that ended.
    if (hasCode(this.#failure, "DEPOSED")) this.#refuseWaiting();
  }

  #refuseWaiting(): void {
    if (this.#failure === undefined) return;
    for (const { appended } of this.#waiting.splice(0)) {
      appended.reject(this.#failure);
    }
  }

  replay(range: ReplayRange = {}): AsyncIterable<LogRecord<unknown>> {
    const chunks = this.replayChunks(range);
    return (async function* () {
      for await (const chunk of chunks) {
        for (const record of chunk) {
          range.signal?.throwIfAborted();
          yield record;
        }
      }
    })();
  }

  replayChunks(
    range: ReplayRange = {},
  ): AsyncIterable<Iterable<LogRecord<unknown>>> {
    this.#assertOpen("replay");
    return this.#read(range, this.#last);
  }

  async *#read(
    { from, to = Infinity, signal }: ReplayRange,
    last: Placed | undefined,
  ): AsyncGenerator<LogRecord<unknown>[], void, undefined> {
    signal?.throwIfAborted();
    const start = from ?? this.firstSequence;
    const end = Math.min(to, last ? endOf(last) : 0);
    if (start < this.firstSequence) {
      throw compacted(this.#parts.stream.name, start);
    }
    if (start > end) return;
    const { at } = await this.#reading.find(start, this.#first!, last!, signal);
    const position = { at, record: start };
    for await (
      const { records } of this.#reading.commits(position, last!, signal)
    ) {
      signal?.throwIfAborted();
      const wanted = records.filter(({ seq }) => seq <= end);
      if (wanted.length > 0) yield wanted;
      if (wanted.length < records.length) return;
    }
  }

  async *follow(
    { from = this.firstSequence, signal }: FollowOptions = {},
  ): AsyncGenerator<LogRecord<unknown>, void, undefined> {
    for (let next = from;;) {
      signal?.throwIfAborted();
      if (next < this.firstSequence) {
        throw compacted(this.#parts.stream.name, next);
      }
      const changed = this.#changed.next;
      for await (
        const chunk of this.#read(
          { from: next, ...(signal && { signal }) },
          this.#last,
        )
      ) {
        for (const record of chunk) {
          yield record;
          next = record.seq + 1;
        }
      }
      if (this.sequence >= next) continue;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closing !== undefined) return;
      await either(changed, signal);
    }
  }

  async compact(upTo: number): Promise<CompactionReport> {
    this.#assertOpen("compact");
    if (this.#failure !== undefined) throw this.#failure;
    const [first, last] = [this.#first, this.#last];
    if (first !== undefined && last !== undefined && upTo >= first.first) {
      // The last commit stays: it knows the number.
      const kept = upTo >= endOf(last)
        ? last
        : await this.#reading.find(upTo + 1, first, last);
      const { stream } = this.#parts;
      await stream.surely("compact", () => stream.purge({ seq: kept.at }));
      this.#first = kept;
    }
    return { firstSequence: this.firstSequence };
  }

  async #resetTo(
    seq: number,
    id: string | undefined,
    rename: (id: string) => Promise<void>,
  ): Promise<void> {
    this.#assertOpen("reset");
    const { stream } = this.#parts;
    if (id !== undefined) await rename(id);
    this.#id = id ?? this.#id;
    const before = this.#lastMessage + 1;
    // First, because records that do not follow on are damage.
    await stream.surely("reset", () => stream.purge({ seq: before }));
    [this.#first, this.#last] = [undefined, undefined];
    const outcome = await this.#commit(concat(), 0, undefined, seq + 1);
    if (typeof outcome === "object") throw outcome;
  }

  #assertOpen(verb: string): void {
    if (this.#closing === undefined) return;
    const name = this.#parts.stream.name;
    const words = `Cannot ${verb}: the log in stream ${name} was closed`;
    throw new MiniError("CLOSED", words);
  }

  close({ applied }: { readonly applied?: number } = {}): Promise<void> {
    return this.#closing ??= this.#close(applied);
  }

  async #close(applied: number | undefined): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    const { sequence } = this;
    const isNews = applied !== undefined && applied >= sequence &&
      this.applied < sequence;
    if (isNews && this.#failure === undefined) {
      // Says that the last records were applied, where that can be said at once.
      const { requestTimeoutMs: doubtMs } = this.#parts.patience;
      await this.#commit(concat(), 0, sequence, sequence + 1, doubtMs);
    }
    await this.#parts.lease.release();
    this.#changed.fire();
  }
}
