import { TextLineStream } from "@std/streams/text-line-stream";
import type { MiniError } from "./errors.ts";
import { concat } from "./scan.ts";
import { corrupt, FIRST_BLOCK_BYTES, readBlock } from "./segment.ts";
import type { OpenSegment } from "./source.ts";

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

/** The lines of a segment, a block of them at a time. Only what was verified is decoded. */
export async function* wholeBlocks(
  segment: OpenSegment,
  signal: AbortSignal | undefined,
  live: LiveEnd | undefined,
): AsyncGenerator<readonly string[], void, undefined> {
  const stop = new Stop(signal);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    for await (const block of verifiedBlocks(segment, stop, live)) {
      const lines = decoder.decode(block).split("\n");
      if (lines.at(-1) === "") lines.pop();
      yield lines;
    }
  } catch (error) {
    throw notUtf8(error, segment);
  } finally {
    stop.end();
    await segment.file.close();
  }
}

/** The lines of a segment, each by itself. Bytes are verified first, in blocks; only what has passed is decoded and cut. */
export async function* streamedLines(
  segment: OpenSegment,
  signal: AbortSignal | undefined,
  live: LiveEnd | undefined,
): AsyncGenerator<readonly string[], void, undefined> {
  const stop = new Stop(signal);
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
      yield [value];
    }
    if (failure !== undefined) throw failure.error;
  } catch (error) {
    throw notUtf8(error, segment);
  } finally {
    stop.end();
    await reader.cancel().catch(() => {});
    // The stream does not say when it has let go of its source.
    await blocks.return();
    await segment.file.close();
  }
}

/** A `TypeError` is the decoder's way to say that. */
function notUtf8(error: unknown, { path }: OpenSegment): unknown {
  return error instanceof TypeError
    ? corrupt(path, { reason: "it is not UTF-8" })
    : error;
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

  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
    // It may have fired while the segment was opened.
    if (signal?.aborted) this.#stop();
  }

  readonly #stop = (): void => {
    this.isStopped = true;
    this.#wake();
  };

  /** Stops, and lets go of the signal. */
  end(): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    this.#stop();
  }

  /**
   * Resolves when `changed` does, or when stopped. A race with one promise that
   * lasts as long as the reader would leave something behind at every wait.
   */
  async wait(changed: Promise<void>): Promise<void> {
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
