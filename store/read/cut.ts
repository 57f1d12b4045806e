import { TextLineStream } from "@std/streams/text-line-stream";
import { onAbort } from "../../base/abort.ts";
import { BlockReader } from "../../fs/blocks.ts";
import type { MiniError } from "../../base/errors.ts";
import { NEWLINE } from "../../base/bytes.ts";
import { concat } from "../../base/bytes.ts";
import { corrupt } from "../corruption.ts";
import type { OpenSegment } from "./segments.ts";

/** What a reader in the process of the writer knows of the end of the log. */
export interface CommittedEnd {
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

/** Cuts blocks of whole lines into lines, as many at a time as one block has. */
export type LineSplitter = (blocks: Blocks) => AsyncIterable<readonly string[]>;

/** The lines of a segment. Bytes are verified first, in blocks; only what has passed is decoded and cut. */
export async function* linesOf(
  segment: OpenSegment,
  { signal, live, cut }: {
    readonly signal: AbortSignal | undefined;
    readonly live: CommittedEnd | undefined;
    readonly cut: LineSplitter;
  },
): AsyncGenerator<readonly string[], void, undefined> {
  const blocks = new Blocks(segment, signal, live);
  try {
    yield* cut(blocks);
    if (blocks.failure !== undefined) throw blocks.failure.error;
  } finally {
    blocks.end();
    await segment.file.close();
  }
}

/** Cuts with {@linkcode TextLineStream}. */
export async function* streamed(
  blocks: Blocks,
): AsyncGenerator<readonly string[], void, undefined> {
  let count = 0;
  const source = (async function* () {
    for await (const text of blocks.texts()) {
      count += countLines(text);
      yield text;
    }
  })();
  // Bun has `ReadableStream.from` from 1.4 on.
  const lines: ReadableStream<string> = new ReadableStream<string>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 }).pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // One wait for all the lines of a block, and not one for each.
      const others = Array.from({ length: count - 1 }, () => reader.read());
      count = 0;
      const rest = await Promise.all(others);
      yield [value, ...rest.map(({ value }) => value!)];
    }
  } finally {
    // What the source waits for may never come, and the stream waits for the source.
    blocks.end();
    await reader.cancel();
    // The stream does not say when it has let go of its source.
    await source.return();
  }
}

/** Cuts each block by itself, which is faster. */
export async function* split(
  blocks: Blocks,
): AsyncGenerator<readonly string[], void, undefined> {
  for await (const text of blocks.texts()) {
    yield text.slice(0, -1).split("\n");
  }
}

/** The blocks of whole lines of a segment, as text. */
export class Blocks {
  readonly #segment: OpenSegment;
  readonly #live: CommittedEnd | undefined;
  readonly #stop: Stopper;
  /** Why there are no more. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    segment: OpenSegment,
    signal: AbortSignal | undefined,
    live: CommittedEnd | undefined,
  ) {
    this.#segment = segment;
    this.#live = live;
    this.#stop = new Stopper(signal);
  }

  /** No more are wanted. */
  end(): void {
    this.#stop.end();
  }

  /** Ends where it fails: a stream that fails drops what it holds, and the lines before a damage are to come first. */
  async *texts(): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    try {
      const blocks = verifiedBlocks(this.#segment, this.#stop, this.#live);
      for await (const block of blocks) {
        yield this.#decode(decoder, block);
      }
    } catch (error) {
      this.failure = { error };
    }
  }

  #decode(decoder: TextDecoder, block: Uint8Array): string {
    try {
      return decoder.decode(block);
    } catch {
      throw corrupt(this.#segment.path, { reason: "it is not UTF-8" });
    }
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf("\n", at + 1)) >= 0;) count++;
  return count;
}

/** Ends a wait for more of the log. */
class Stopper {
  isStopped = false;
  #wake = () => {};

  readonly #letGo: () => void;

  constructor(signal: AbortSignal | undefined) {
    this.#letGo = onAbort(signal, () => this.#stop());
    // It may have fired while the segment was opened.
    if (signal?.aborted) this.#stop();
  }

  #stop(): void {
    this.isStopped = true;
    this.#wake();
  }

  /** Stops, and lets go of the signal. */
  end(): void {
    this.#letGo();
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
  stop: Stopper,
  live: CommittedEnd | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { file, base, path, scanner } = segment;
  const blocks = new BlockReader(file);
  let last = concat();
  let taken = 0;
  while (!stop.isStopped && !scanner.isBroken) {
    // Both are asked for before the limit, so that no change goes unseen.
    const changed = live?.changed;
    const isEnded = live?.isEnded;
    const room = (live?.limitOf(base) ?? Infinity) - taken;
    const block = segment.first ??
      (room > 0 ? await blocks.next(room) : concat());
    segment.first = undefined;
    taken += block.length;
    const lines = scanner.push(block);
    if (lines.length > 0) {
      last = lines.slice(lines.lastIndexOf(NEWLINE, -2) + 1);
      yield lines;
    }
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
