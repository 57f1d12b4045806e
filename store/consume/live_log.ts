import type { Schema } from "../../base/schema.ts";
import type { Consumer } from "../consumer.ts";
import type { JournalContext } from "../journal.ts";
import { DurableEnd } from "../write/durable_end.ts";
import type { Writer } from "../write/writer.ts";
import type { ConsumerLog } from "./log_consumer.ts";
import { openConsumer } from "./open.ts";
import { positionIn, recordsAfter, rewritten } from "./placed.ts";
import type { Position } from "./position.ts";
import { segmentLines, startOf } from "./segment_lines.ts";

/** The log of a consumer in the process of its writer. */
class LiveLog implements ConsumerLog {
  readonly #context: JournalContext;
  readonly #writer: Writer;

  constructor(context: JournalContext, writer: Writer) {
    this.#context = context;
    this.#writer = writer;
  }

  get sequence(): number {
    return this.#writer.sequence;
  }

  get durableSequence(): number {
    return this.#writer.durableSequence;
  }

  async *recordsAfter(
    position: Position,
    signal: AbortSignal,
  ): ReturnType<typeof recordsAfter> {
    const live = new DurableEnd(this.#writer);
    if (position.seq > this.#writer.durableSequence) {
      throw rewritten(this.#context, position);
    }
    const lines = segmentLines(this.#context, position.seq + 1, {
      live,
      signal,
    });
    yield* recordsAfter(this.#context, position, lines);
  }

  async positionAfter(seq: number): Promise<Position | undefined> {
    const live = new DurableEnd(this.#writer);
    const first = await this.start();
    if (first.seq === seq) return first;
    if (seq > this.#writer.durableSequence) return undefined;
    const from = Math.max(seq, 1);
    return await positionIn(seq, segmentLines(this.#context, from, { live }));
  }

  async start(): Promise<Position> {
    // One under way may not have seen a position that was written since.
    await this.#writer.compacted();
    return await startOf(this.#context, new DurableEnd(this.#writer));
  }

  async close(): Promise<void> {}
}

/** Opens a consumer in the process of the writer. */
export async function openLiveConsumer<T>(
  context: JournalContext,
  writer: Writer,
  name: string,
  schema: Schema<T> | undefined,
): Promise<Consumer<T>> {
  writer.assertOpen();
  writer.assertNative("open a consumer");
  const log = new LiveLog(context, writer);
  return await openConsumer(context, name, { log, schema });
}
