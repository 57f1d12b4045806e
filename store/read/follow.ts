import { NEWLINE } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import type { Schema } from "../../base/schema.ts";
import { type Shape, shapeOf } from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import type { FollowOptions, LogRecord } from "../log.ts";
import {
  Chunk,
  converting,
  decodeLines,
  explained,
  lineDecoder,
  Wanted,
} from "./chunk.ts";
import type { IfMissing } from "./journal_segments.ts";
import { LogEnd } from "./log_end.ts";
import { LogTail } from "./log_tail.ts";
import { Lookout } from "./lookout.ts";

/** How a log is followed that somebody else writes. */
export interface Following<T> {
  readonly context: JournalContext;
  readonly options: FollowOptions;
  readonly schema: Schema<T> | undefined;
  readonly ifMissing: IfMissing;
  /** Of a reader that is told how far the log was read. */
  readonly reader?: {
    /** Ends the iteration. */
    readonly closed: AbortSignal;
    /** Those who wait, to be hinted at a change. */
    readonly lookouts: Set<Lookout>;
    /** Called with what the last of the lines says that were read. */
    onLines(shape: Shape | undefined): void;
  };
}

/** The records of a log that somebody else writes, and each further one once it is there. */
export async function* followRecords<T>(
  following: Following<T>,
): AsyncGenerator<LogRecord<T>, void, undefined> {
  const { context, options, ifMissing, schema, reader } = following;
  const { from, since, signal, durableOnly = false, onCaughtUp } = options;
  const { fs, paths: { directory } } = context;
  signal?.throwIfAborted();
  const lookout = new Lookout(fs, directory, [signal, reader?.closed]);
  reader?.lookouts.add(lookout);
  const start = { from, since: since?.getTime() };
  const tail = new LogTail(context, { ...start, ifMissing });
  const end = durableOnly ? new LogEnd(context, ifMissing) : undefined;
  const wanted = new Wanted(from ?? 1, Infinity, since);
  const convert = converting(schema);
  const decoder = lineDecoder();
  try {
    while (!lookout.isEnded) {
      const lines = await nextLines(tail, end);
      if (lines === undefined) {
        wanted.assertTimes(context.paths.active);
        await onCaughtUp?.();
        await lookout.wait();
        continue;
      }
      const { lines: parser, reader: { path, lastLine } } = tail.segment!;
      const texts = decodeLines(decoder, lines, path).slice(0, -1).split("\n");
      if (reader !== undefined && tail.layout!.isNative) {
        reader.onLines(shapeOf(lastLine.subarray(0, -1)));
      }
      for (const record of new Chunk(wanted.of(texts, parser), convert)) {
        yield record;
        if (lookout.isEnded) break;
      }
    }
    signal?.throwIfAborted();
  } catch (error) {
    throw explained(error, { context, signal });
  } finally {
    reader?.lookouts.delete(lookout);
    lookout.end();
    await tail.close();
    await end?.close();
  }
}

/** The next lines; where the end is given, only those of records that are durable. */
export async function nextLines(
  tail: LogTail,
  end: LogEnd | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  // Asked first: what was durable then is durable now.
  await end?.refresh();
  const lines = await tail.next();
  if (lines === undefined || end === undefined) return lines;
  if (!tail.layout!.isNative) {
    const { active: path } = tail.layout!.context.paths;
    const message =
      `Cannot tell which records of "${path}" are durable: the format of the Rust ministore does not say`;
    throw new MiniError("UNSUPPORTED_FORMAT", message, { path });
  }
  // In a file that was replaced, others may have the numbers of what is durable.
  if (!await tail.confirm()) return await nextLines(tail, end);
  const bytes = durableBytes(lines, end.durableSequence);
  tail.keep(bytes);
  return bytes > 0 ? lines.subarray(0, bytes) : undefined;
}

/** How many bytes of lines hold no record after `durable`. */
function durableBytes(lines: Uint8Array, durable: number): number {
  let start = 0;
  for (let end; (end = lines.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
    const shape = shapeOf(lines.subarray(start, end));
    if (shape?.kind !== "records") continue;
    if (shape.seq + shape.count - 1 > durable) return start;
  }
  return start;
}
