import { hex, NEWLINE } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum.ts";
import { MiniError } from "../../base/errors.ts";
import { corrupt } from "../corruption.ts";
import type { Header } from "../format/line.ts";
import type { LineParser } from "../format/records.ts";
import type { JournalContext } from "../journal.ts";
import type { LogRecord } from "../log.ts";
import { recordOf } from "../read/chunk.ts";
import { continues } from "../read/header.ts";
import type { Position } from "./position.ts";

/** Verified lines of a segment. */
export interface PlacedLines {
  readonly path: string;
  readonly header: Header;
  /** Makes records of them. */
  readonly parser: LineParser;
  readonly lines: Uint8Array;
  /** The running checksum at their start. */
  readonly chain: number;
}

/** The end of a line. */
export type Place = Omit<Position, "seq">;

/** A record, not yet as a schema gives it. */
export interface PlacedRecord extends LogRecord<unknown> {
  /** The end of its line; the same object for all records of a line. */
  readonly place: Place;
}

/**
 * The records after a position, of lines that begin with the segment that holds
 * record `after.seq + 1`, at its start. Throws `REWRITTEN` if the position is not
 * one of their log, before it gives any.
 */
export async function* recordsAfter(
  context: JournalContext,
  after: Position,
  blocks: AsyncIterable<PlacedLines>,
): AsyncGenerator<PlacedRecord, void, undefined> {
  for await (const block of blocks) {
    const { header, parser } = block;
    const { journal, base } = header;
    const fits = base === after.seq
      ? continues(header, parseInt(after.chain, 16))
      : base > after.seq || base === after.base;
    if (journal !== after.journal || !fits) throw rewritten(context, after);
    for (const { text, chain } of linesOf(block)) {
      const place = { journal, base, chain };
      let seq = parser.next;
      for (const data of parser.parse(text, after.seq)) {
        if (seq > after.seq) {
          yield { ...recordOf(seq, data, parser.at), place };
        } else if (seq === after.seq && chain !== after.chain) {
          throw rewritten(context, after);
        }
        seq++;
      }
    }
  }
}

/** The error for a position that is not one of the log. */
export function rewritten(
  { paths: { active: path } }: JournalContext,
  { seq, journal }: Position,
): MiniError {
  const message =
    `Cannot read "${path}" after record ${seq} of log ${journal}: the log does not hold what it held up to there: it was repaired, reset or restored, or is another; nothing was changed`;
  return new MiniError("REWRITTEN", message, { path });
}

/** The position after a record, of lines that begin with its segment, at its start; `undefined` if they end before it. */
export async function positionIn(
  seq: number,
  blocks: AsyncIterable<PlacedLines>,
): Promise<Position | undefined> {
  for await (const block of blocks) {
    const { header: { journal, base }, parser } = block;
    for (const { text, chain } of linesOf(block)) {
      for (const _ of parser.parse(text, seq));
      if (parser.next > seq) return { journal, base, seq, chain };
    }
  }
  return undefined;
}

/** A line of a segment, and the running checksum at its end. */
interface PlacedLine {
  readonly text: string;
  readonly chain: string;
}

function* linesOf(
  { path, lines, chain }: PlacedLines,
): Generator<PlacedLine, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(NEWLINE, start) + 1;
    const line = lines.subarray(start, end);
    chain = crc32(line, chain);
    yield { text: decoded(decoder, line, path), chain: hex(chain) };
    start = end;
  }
}

function decoded(
  decoder: TextDecoder,
  line: Uint8Array,
  path: string,
): string {
  try {
    return decoder.decode(line.subarray(0, -1));
  } catch {
    throw corrupt(path, { reason: "it is not UTF-8" });
  }
}
