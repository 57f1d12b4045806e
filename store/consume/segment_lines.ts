import { MiniError } from "../../base/errors.ts";
import type { JournalContext } from "../journal.ts";
import { journalSegments } from "../read/journal_segments.ts";
import { type CommittedEnd, Stopper } from "../read/segment_reader.ts";
import type { PlacedLines } from "./placed.ts";
import type { Position } from "./position.ts";

/**
 * The lines of a log from the segment with record `from` on: those that are
 * there, or with `live` as far as that allows, and those to come until the log
 * ends or the signal fires.
 */
export async function* segmentLines(
  context: JournalContext,
  from: number,
  { live, signal }: {
    readonly live?: CommittedEnd;
    readonly signal?: AbortSignal;
  } = {},
): AsyncGenerator<PlacedLines, void, undefined> {
  for await (const segment of journalSegments(context, from, { live })) {
    const { header, lines: parser, reader } = segment;
    const { path } = reader;
    const stopper = new Stopper(signal);
    try {
      for await (const { lines, chain } of reader.blocks(live, stopper)) {
        yield { path, header, parser, lines, chain };
      }
      if (stopper.isStopped) return;
      if (live && reader.hasRest) await segment.judgeEnd("acknowledged");
    } finally {
      stopper.end();
      await reader.close();
    }
  }
}

/** The position before the first record that is present. Throws `NOT_FOUND` if the log was not made yet. */
export async function startOf(
  context: JournalContext,
  live?: CommittedEnd,
): Promise<Position> {
  for await (
    const { header, reader } of journalSegments(context, undefined, { live })
  ) {
    await reader.close();
    const { journal, base, prev } = header;
    return { journal, base, seq: base, chain: prev };
  }
  const { active: path } = context.paths;
  const message = `Cannot read "${path}": there is no log`;
  throw new MiniError("NOT_FOUND", message, { path });
}
