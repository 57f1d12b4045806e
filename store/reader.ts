import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniError } from "./errors.ts";
import type { StoreRecord } from "./records.ts";
import { concat } from "./scan.ts";
import { corrupt, FIRST_BLOCK_BYTES, readBlock } from "./segment.ts";
import type { OpenSegment } from "./source.ts";

/** Which records to read. */
export interface ReadRange {
  /** The first. @default the first that is there */
  readonly from?: number | undefined;
  /** The last. @default the last that is there */
  readonly to?: number | undefined;
  /** Ends the iteration by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a reader in the process of the writer knows of the end of the log. */
export interface LiveEnd {
  /** The base of the segment that is being written. */
  readonly base: number;
  /** How many bytes of the segment are acknowledged; `Infinity` for a sealed one. */
  limitOf(base: number): number;
  /** Resolves when there is more to read, or never will be. */
  readonly changed: Promise<void>;
  /** Whether no more records will come. */
  readonly isEnded: boolean;
  /** Why none will come, where the log was not closed. */
  readonly failure: MiniError | undefined;
}

/** What the caller of a reader makes of it. */
export interface Reading<T> {
  readonly range: ReadRange;
  /** What is known of the end; a reader without it takes the log as it finds it. */
  readonly live?: LiveEnd | undefined;
  /** Makes a record's data what the caller has it as. */
  readonly convert: (data: unknown, seq: number) => T;
  /** Makes an error one that says what could not be read. */
  readonly explain: (error: unknown) => unknown;
}

/**
 * Reads the records of segments in order. `open` gives the segments from the
 * one with a record on.
 *
 * Beside a writer elsewhere that takes back what did not fit, the end of a file
 * may be seen half old and half new. So only a damage that is the same at a
 * second look counts. That look starts with the last record given, for the seam
 * behind its segment is to be checked too.
 */
export async function* readRecords<T>(
  open: (from: number | undefined) => AsyncIterable<OpenSegment>,
  { range, live, convert, explain }: Reading<T>,
): AsyncGenerator<StoreRecord<T>, void, undefined> {
  const { from = 1, to = Infinity, signal } = range;
  signal?.throwIfAborted();
  if (to < from) return;
  let next = from;
  let damage: string | undefined;
  for (;;) {
    try {
      const start = next === from ? range.from : next - 1;
      for await (const segment of open(start)) {
        for await (const line of readLines(segment, signal, live)) {
          for (const { seq, data } of segment.lines.parse(line, next)) {
            if (seq < next) continue;
            if (seq > to) return;
            const record = { seq, data: convert(data, seq) };
            next = seq + 1;
            yield record;
            signal?.throwIfAborted();
          }
          if (segment.lines.next > to) return;
        }
        signal?.throwIfAborted();
      }
      return;
    } catch (error) {
      const seen = damage;
      damage = damageOf(error);
      const isNew = damage !== undefined && damage !== seen;
      if (live !== undefined || !isNew) throw explain(error);
    }
  }
}

/** What an error says of a damage, if that is what it is about. */
function damageOf(error: unknown): string | undefined {
  return error instanceof MiniError && error.code === "CORRUPT"
    ? error.message
    : undefined;
}

/**
 * The lines of a segment as text. Bytes are verified first, in blocks; only
 * what has passed is decoded and cut into lines. Closes the segment's file.
 */
async function* readLines(
  segment: OpenSegment,
  signal: AbortSignal | undefined,
  live: LiveEnd | undefined,
): AsyncGenerator<string, void, undefined> {
  const stop = new Stop();
  signal?.addEventListener("abort", stop.stop);
  // It may have fired while the segment was opened.
  if (signal?.aborted) stop.stop();
  let failure: { error: unknown } | undefined;
  // A stream that fails drops what it holds: the lines before a damage are to come first.
  const blocks = endingQuietly(
    verifiedBlocks(segment, stop, live),
    (error) => failure = { error },
  );
  const lines: ReadableStream<string> = ReadableStream.from(blocks)
    .pipeThrough(
      new TextDecoderStream("utf-8", { fatal: true, ignoreBOM: true }),
    )
    .pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    if (failure !== undefined) throw failure.error;
  } catch (error) {
    // The decoder's way to say so.
    if (!(error instanceof TypeError)) throw error;
    throw corrupt(segment.path, { reason: "it is not UTF-8" });
  } finally {
    signal?.removeEventListener("abort", stop.stop);
    stop.stop();
    await reader.cancel().catch(() => {});
    // The stream does not say when it has let go of its source.
    await blocks.return();
    await segment.file.close();
  }
}

async function* endingQuietly<T>(
  items: AsyncIterable<T>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* items;
  } catch (error) {
    onFailure(error);
  }
}

/** Ends a wait for more of the log. */
class Stop {
  isStopped = false;
  #wake = () => {};

  readonly stop = (): void => {
    this.isStopped = true;
    this.#wake();
  };

  /**
   * Resolves when `changed` does, or when stopped. A race with one promise that
   * lasts as long as the reader would leave something behind at every wait.
   */
  async wait(changed: Promise<void>): Promise<void> {
    if (this.isStopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      changed.then(resolve);
    });
  }
}

async function* verifiedBlocks(
  segment: OpenSegment,
  stop: Stop,
  live: LiveEnd | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { file, base, path, scanner } = segment;
  let last = concat();
  let taken = 0;
  let size = FIRST_BLOCK_BYTES;
  while (!stop.isStopped && !scanner.isBroken) {
    // Both are asked for before the limit, so that no change goes unseen.
    const changed = live?.changed;
    const isEnded = live?.isEnded;
    const room = (live?.limitOf(base) ?? Infinity) - taken;
    const block = segment.first ??
      (room > 0 ? await readBlock(file, Math.min(room, size)) : concat());
    size *= 8;
    segment.first = undefined;
    taken += block.length;
    const lines = scanner.push(block);
    if (lines.length > 0) yield last = lines;
    if (block.length > 0) continue;
    if (isEnded && live?.failure) throw live.failure;
    if (room === Infinity || isEnded) break;
    if (room > 0) {
      const reason = "the file is shorter than what was acknowledged";
      throw corrupt(path, { offset: taken, reason });
    }
    await stop.wait(changed!);
  }
  if (stop.isStopped || scanner.rest.length === 0) return;
  const mayBeTorn = segment.isActive && live === undefined;
  const end = await segment.judge(last, mayBeTorn);
  if (end !== undefined) yield end;
}
