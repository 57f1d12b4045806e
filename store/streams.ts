import { childOf } from "../base/abort.ts";
import type { Unit } from "./format/line.ts";

/** The most characters of JSON that a stream puts into one commit, but for a record that is longer. */
const COMMIT_CHARS = 1024 * 1024;

/** A log as a stream of records writes to it. */
export interface RecordSink<T> {
  /** Encodes a record, which must not change later. Throws if it cannot be appended. */
  encode(record: T): Unit;
  /** Appends all of them in one commit, and resolves once they are acknowledged. */
  append(units: readonly Unit[]): Promise<unknown>;
  /** Makes durable what was appended. */
  sync(): Promise<void>;
}

/** A record that waits to be appended, or why it cannot be. */
type Waiting = { readonly unit: Unit } | { readonly error: unknown };

/**
 * A stream that appends. Those that write one record after another without
 * waiting share commits, so that a pipe does not pay an fsync for each.
 *
 * A stream gives its sink one chunk at a time. But it asks for the size of each
 * as soon as it is written: there a record is encoded, and waits for the next
 * commit. While one is written, as much again may wait.
 */
export function writableOf<T>(log: RecordSink<T>): WritableStream<T> {
  const waiting: Waiting[] = [];
  /** How many chunks that the sink was not given yet are acknowledged. */
  let ahead = 0;
  const stream = new ClosingStream<T>({
    async write() {
      if (ahead === 0) {
        const units = takeCommit(waiting);
        await log.append(units);
        ahead = units.length;
      }
      ahead--;
    },
    close: () => log.sync(),
  }, {
    highWaterMark: 2 * COMMIT_CHARS,
    size(record) {
      const next = encoded(log, record);
      // After the encoding, whose schema may close the stream.
      if (!stream.isClosing) waiting.push(next);
      return "unit" in next ? next.unit.text.length : 1;
    },
  });
  return stream;
}

/** A stream that tells when it is closing: it refuses a chunk then, but asks for its size all the same. */
class ClosingStream<T> extends WritableStream<T> {
  isClosing = false;

  override async close(): Promise<void> {
    const writer = this.getWriter();
    const closed = writer.close();
    writer.releaseLock();
    await closed;
  }

  override getWriter(): WritableStreamDefaultWriter<T> {
    const writer = super.getWriter();
    const close = writer.close.bind(writer);
    writer.close = async () => {
      // Throws if the writer was released, and closes nothing.
      void writer.desiredSize;
      this.isClosing = true;
      await close();
    };
    return writer;
  }
}

/** Encodes a record. An error is thrown when its turn comes: what was written before it is to be kept. */
function encoded<T>(log: RecordSink<T>, record: T): Waiting {
  try {
    return { unit: log.encode(record) };
  } catch (error) {
    return { error };
  }
}

/** Takes out the units of the next commit. Throws if the first that waits is none. */
function takeCommit(waiting: Waiting[]): Unit[] {
  const units: Unit[] = [];
  let chars = 0;
  for (const next of waiting) {
    if ("error" in next) {
      if (units.length === 0) throw next.error;
      break;
    }
    chars += next.unit.text.length;
    if (units.length > 0 && chars > COMMIT_CHARS) break;
    units.push(next.unit);
  }
  waiting.splice(0, units.length);
  return units;
}

/** A stream of what an iteration gives. Nothing is read before it is asked for; cancelling ends the iteration. */
export function readableOf<R>(
  read: (signal: AbortSignal) => AsyncIterable<R>,
  signal: AbortSignal | undefined,
): ReadableStream<R> {
  const child = childOf(signal);
  const items = read(child.signal)[Symbol.asyncIterator]();
  return new ReadableStream<R>({
    async pull(controller) {
      try {
        const { done, value } = await items.next();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      child.letGo();
    },
    async cancel() {
      // It may be waiting for a record that never comes.
      child.abort();
      await items.return?.();
    },
  }, { highWaterMark: 0 });
}
