import { childOf, onAbort } from "../../base/abort.ts";
import { pause } from "../../base/deadline.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import type { LogRecord } from "../../store/mod.ts";
import { sendable, type SendableRecord } from "./message.ts";
import type { CheckedForward } from "./options.ts";
import { batchSize, planOf } from "./plan.ts";
import { ReadAhead } from "./read_ahead.ts";
import type { Source } from "./source.ts";
import { Interruption, type SubjectEnd, type Target } from "./target.ts";

/** How much is sent at once. */
const BATCH = { records: 250, bytes: 512 * 1024 };

/** How much more is sent at once after a batch that was stored. */
const GROWTH = 1.25;

/** How much is read while that is sent. */
const AHEAD = {
  sizeOf: ({ body }: SendableRecord) => body.length,
  maxItems: 2 * BATCH.records,
  maxBytes: 2 * BATCH.bytes,
};

/** How often a stream must say that it has less than the consumer has committed: a server may be behind the others. */
const LOOKS = 3;

/** Sends the records of a log to a stream until it is ended. */
export class Forwarder {
  readonly #source: Source;
  readonly #target: Target;
  readonly #options: CheckedForward;
  /** How often it has failed since something was sent. */
  #failures = 0;
  /** How much of a batch is sent at once: less where the connection is cut before a whole one is through. */
  #share = 1;

  constructor(source: Source, target: Target, options: CheckedForward) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  /** Resolves when the log is closed, or the signal is aborted. */
  async run(): Promise<void> {
    const { signal, backoff, onError } = this.#options;
    while (!signal?.aborted && !this.#source.isClosed) {
      try {
        return await this.#session();
      } catch (error) {
        if (signal?.aborted || this.#source.isClosed) return;
        if (!(error instanceof Interruption)) throw error;
        this.#failures++;
        if (error.error !== undefined) onError(error.error);
        // What others were quicker with is looked at at once.
        else if (this.#failures === 1) continue;
        await pause(backoff(this.#failures), signal).catch(() => {});
      }
    }
  }

  /** Reads where the stream ends, and sends what comes after that. */
  async #session(): Promise<void> {
    const { source, target, options } = {
      source: this.#source,
      target: this.#target,
      options: this.#options,
    };
    await target.prepare({ ...options, doubtMs: 0 });
    const { last, at } = await this.#end();
    const facts = await source.facts();
    const { after, reset, lost } = planOf(last, facts);
    if (last !== undefined) await unlessCompacted(source.verify(last, facts));
    if (lost !== undefined) {
      if (!options.acceptLoss) throw lost;
      options.onError(lost);
    }
    if (reset !== undefined) {
      await unlessCompacted(source.consumer.reset(reset));
    }
    await this.#send(after, at);
  }

  /** The end of what the stream has, once that is believed. */
  async #end(): Promise<SubjectEnd> {
    const { signal, backoff } = this.#options;
    for (let looks = 1;; looks++) {
      const end = await this.#target.end();
      const sent = end.last?.seq ?? 0;
      const isBehind = sent < this.#source.consumer.position;
      if (!isBehind || looks === LOOKS) return end;
      await pause(backoff(looks), signal);
    }
  }

  /** Sends the records after one, behind message `at`. */
  async #send(after: number, at: number): Promise<void> {
    const { signal, onError } = this.#options;
    const { consumer } = this.#source;
    const stop = childOf(signal);
    const records = consumer.follow({ signal: stop.signal });
    const ahead = new ReadAhead(sendableAfter(after, records), AHEAD);
    let committed: Promise<void> | undefined;
    try {
      for (;;) {
        const waiting = await unlessCompacted(ahead.waiting());
        if (waiting.length === 0) return;
        const batch = ahead.take(this.#batchSize(waiting));
        at = await unlessAborted(this.#sendBatch(batch, at), signal);
        // The stream knows what it has; the position only lets the log forget it.
        committed = consumer.commit(batch.at(-1)!.seq).catch(onError);
      }
    } finally {
      ahead.stop();
      stop.abort();
      await committed;
    }
  }

  async #sendBatch(
    batch: readonly SendableRecord[],
    at: number,
  ): Promise<number> {
    try {
      const last = await this.#target.send(batch, at);
      this.#failures = 0;
      this.#share = Math.min(1, this.#share * GROWTH);
      return last;
    } catch (error) {
      this.#share /= 2;
      throw error;
    }
  }

  #batchSize(waiting: readonly SendableRecord[]): number {
    const { maxBytes, takesBatches } = this.#target;
    const fitting = waiting.findIndex(({ body }) => body.length > maxBytes);
    if (fitting === 0) throw tooLarge(waiting[0]!, maxBytes);
    const sizes = waiting.slice(0, fitting < 0 ? undefined : fitting)
      .map(({ body }) => body.length);
    const limits = {
      records: takesBatches ? BATCH.records * this.#share : 1,
      bytes: BATCH.bytes * this.#share,
    };
    return batchSize(sizes, limits);
  }
}

async function* sendableAfter(
  after: number,
  records: AsyncIterable<LogRecord<unknown>>,
): AsyncGenerator<SendableRecord, void, undefined> {
  for await (const record of records) {
    if (record.seq > after) yield sendable(record);
  }
}

/** Throws an interruption where records were removed meanwhile: then where to continue is decided again. */
async function unlessCompacted<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw hasCode(error, "COMPACTED") ? new Interruption() : error;
  }
}

/** Settles as the promise does, unless the signal is aborted before. */
function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const letGo = onAbort(signal, () => reject(signal!.reason));
    if (signal?.aborted) reject(signal.reason);
    promise.then(resolve, reject).finally(letGo);
  });
}

function tooLarge({ seq, body }: SendableRecord, maxBytes: number): MiniError {
  const message =
    `Cannot forward record ${seq}: it has ${body.length} bytes of JSON, and the server takes ${maxBytes}; all records before it were sent, and max_payload in the server's configuration raises the limit`;
  return new MiniError("TOO_LARGE", message, { seq });
}
