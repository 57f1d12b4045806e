import { MiniError } from "../../base/errors.ts";
import type { Schema } from "../../base/schema.ts";
import { namesIn } from "../../fs/directory.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { Consumer } from "../consumer.ts";
import type { JournalContext } from "../journal.ts";
import { nextLines } from "../read/follow.ts";
import { LogEnd } from "../read/log_end.ts";
import { LogTail } from "../read/log_tail.ts";
import { Lookout } from "../read/lookout.ts";
import { asListed } from "../spelling.ts";
import type { ConsumerLog } from "./log_consumer.ts";
import { checkConsumerName, openConsumer } from "./open.ts";
import {
  type PlacedLines,
  positionIn,
  recordsAfter,
  rewritten,
} from "./placed.ts";
import type { Position } from "./position.ts";
import { segmentLines, startOf } from "./segment_lines.ts";

/** Opens a consumer of a log that may be open elsewhere. */
export async function openConsumerBeside<T>(
  asked: JournalContext,
  name: string,
  schema: Schema<T> | undefined,
): Promise<Consumer<T>> {
  checkConsumerName(name);
  const { fs, paths: { directory } } = asked;
  const context = await asListed(asked, await namesIn(fs, directory));
  const log = await FileLog.open(context);
  try {
    return await openConsumer(context, name, { log, schema });
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** The log of a consumer in another process than its writer. */
export class FileLog implements ConsumerLog {
  readonly #context: JournalContext;
  readonly #end: LogEnd;

  private constructor(context: JournalContext) {
    this.#context = context;
    this.#end = new LogEnd(context, "error");
  }

  /** Looks at the log for the first time. Throws `NOT_FOUND` if there is none, and `UNSUPPORTED_FORMAT` if it is not one of this package. */
  static async open(context: JournalContext): Promise<FileLog> {
    const log = new FileLog(context);
    try {
      await log.#end.refresh();
      if ((await log.start()).journal === "") {
        const { active: path } = context.paths;
        const message =
          `Cannot open a consumer of "${path}": the format of the Rust ministore does not say which records are durable`;
        throw new MiniError("UNSUPPORTED_FORMAT", message, { path });
      }
      return log;
    } catch (error) {
      await log.close();
      const { directory, active: path } = context.paths;
      const doing = `open a consumer of "${path}"`;
      throw fromOs(error, doing, "nothing was changed", { directory, path });
    }
  }

  get sequence(): number {
    return this.#end.sequence;
  }

  get durableSequence(): number {
    return this.#end.durableSequence;
  }

  recordsAfter(
    position: Position,
    signal: AbortSignal,
  ): ReturnType<typeof recordsAfter> {
    const lines = this.#linesAfter(position, signal);
    return recordsAfter(this.#context, position, lines);
  }

  async *#linesAfter(
    position: Position,
    signal: AbortSignal,
  ): AsyncGenerator<PlacedLines, void, undefined> {
    const { fs, paths: { directory } } = this.#context;
    const lookout = new Lookout(fs, directory, [signal]);
    const tail = new LogTail(this.#context, {
      from: position.seq + 1,
      ifMissing: "error",
    });
    try {
      while (!lookout.isEnded) {
        const lines = await nextLines(tail, this.#end);
        // A position is durable only after the records before it.
        if (this.#end.sequence < position.seq) {
          throw rewritten(this.#context, position);
        }
        if (lines === undefined) {
          await lookout.wait();
          continue;
        }
        const { header, lines: parser, reader } = tail.segment!;
        yield { path: reader.path, header, parser, lines, chain: tail.chain };
      }
    } finally {
      lookout.end();
      await tail.close();
    }
  }

  async positionAfter(seq: number): Promise<Position | undefined> {
    const first = await this.start();
    if (first.seq === seq) return first;
    await this.#end.refresh();
    if (seq > this.#end.durableSequence) return undefined;
    const from = Math.max(seq, 1);
    return await positionIn(seq, segmentLines(this.#context, from));
  }

  start(): Promise<Position> {
    return startOf(this.#context);
  }

  close(): Promise<void> {
    return this.#end.close();
  }
}
