import {
  corrupt,
  FRAME_BYTES,
  isRustHeader,
  type JournalContext,
  readHeader,
  RustLines,
} from "../../store/internal.ts";
import { bareMessage } from "../finding.ts";
import { withNewline } from "../../base/bytes.ts";
import { MiniError } from "../../base/errors.ts";
import { isUnreadable } from "../../fs/os_errors.ts";
import type { RawLine } from "../read/raw_lines.ts";
import { readableLines } from "../read/unreadable.ts";
import {
  blank,
  type DamagedLine,
  mergeUnwanted,
  NumberFilter,
  REST,
  type SalvagedLine,
  type SalvagedRecords,
  SalvageReader,
  UNREADABLE,
  type Wants,
} from "./records.ts";
import { measureSegments, type SegmentFile } from "../read/log_summary.ts";

/** Some lines of a journal, to be taken before the next ones. */
type SalvagedLines = Iterable<SalvagedRecords | DamagedLine>;

/**
 * Everything of a journal that can be read, in order, and what cannot; begins
 * with the segment that holds record `from`.
 */
export async function* salvagedLines(
  context: JournalContext,
  from = 1,
  wants?: Wants,
): AsyncGenerator<SalvagedLines, void, undefined> {
  const { format, segments } = await measureSegments(context);
  yield* format === "mini"
    ? nativeLines(context, segments, { from, wants })
    : rustLines(context, segments);
}

async function* nativeLines(
  context: JournalContext,
  all: readonly SegmentFile[],
  { from, wants }: {
    readonly from: number;
    readonly wants: Wants | undefined;
  },
): AsyncGenerator<SalvagedLines, void, undefined> {
  const { fs, maxRecordBytes } = context;
  const numbers = new NumberFilter();
  const segments = await segmentsFrom(context, all, from);
  let logId: string | undefined;
  for (const [index, { path, sizeBytes }] of segments.entries()) {
    const reader = new SalvageReader(path, wants);
    let isForeign = false;
    const lines = readableLines(fs, path, maxRecordBytes + FRAME_BYTES);
    const next = segments[index + 1];
    const chain = () => next && chainBeforeSegment(context, next.path);
    const ours = function* (pieces: Iterable<SalvagedLine>): Generator<
      SalvagedRecords | DamagedLine,
      void,
      undefined
    > {
      for (const piece of pieces) {
        if (piece.kind === "header") {
          logId ??= piece.logId;
          isForeign = piece.logId !== logId;
        } else if (piece.kind === "damage") yield piece;
        else if (!isForeign) yield* numbers.push(piece);
      }
    };
    for await (const pieces of lineBlocks(lines, reader, chain)) {
      yield ours(pieces);
      if (isForeign) break;
    }
    if (isForeign) {
      const reason = "the segment belongs to another journal";
      const place = { path, line: 1, offset: 0, sizeBytes };
      yield [{ kind: "damage", reason, lines: 1, place }];
    }
    // What the next segment's name says bounds what this one may hold.
    yield numbers.release((next?.base ?? Infinity) + 1);
  }
}

/** The segments from the one with record `from` on, so far as names and the last header say which that is. */
async function segmentsFrom(
  context: JournalContext,
  segments: readonly SegmentFile[],
  from: number,
): Promise<readonly SegmentFile[]> {
  if (from <= 1 || segments.length < 2) return segments;
  const last = segments.at(-1)!;
  const header = last.isActive
    ? await readHeader(context, last.path).catch(unlessDamaged)
    : undefined;
  const base = (segment: SegmentFile) =>
    segment === last ? segment.base ?? header?.base : segment.base;
  const at = segments.findLastIndex((segment) =>
    (base(segment) ?? Infinity) < from
  );
  return segments.slice(Math.max(at, 0));
}

/** The id of a journal, as the first header that is whole tells it. */
export async function logIdIn(
  context: JournalContext,
): Promise<string | undefined> {
  for (const { path } of (await measureSegments(context)).segments) {
    const header = await readHeader(context, path).catch(unlessDamaged);
    if (header !== undefined) return header.journal;
  }
  return undefined;
}

/** The running checksum before a segment, by its header. */
async function chainBeforeSegment(
  context: JournalContext,
  path: string,
): Promise<number | undefined> {
  const header = await readHeader(context, path).catch(unlessDamaged);
  return header && parseInt(header.prev, 16);
}

/** A damaged header tells nothing, and is told of where it is read. */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof MiniError) && !isUnreadable(error)) throw error;
}

async function* lineBlocks(
  lines: AsyncIterable<Iterable<RawLine>>,
  reader: SalvageReader,
  chain: () => Promise<number | undefined> | undefined,
): AsyncGenerator<Iterable<SalvagedLine>, void, undefined> {
  for await (const block of lines) {
    yield mergeUnwanted(linesIn(block, reader));
  }
  yield reader.end(await chain());
}

function* linesIn(
  lines: Iterable<RawLine>,
  reader: SalvageReader,
): Generator<SalvagedLine, void, undefined> {
  for (const line of lines) yield* reader.push(line);
}

/** The lines of a Rust journal that are JSON; a number is the place among them. */
async function* rustLines(
  context: JournalContext,
  segments: readonly SegmentFile[],
): AsyncGenerator<SalvagedLines, void, undefined> {
  const { fs, maxRecordBytes } = context;
  let base = 0;
  for (const { path } of segments) {
    const parser = new RustLines(base, (damage) => corrupt(path, damage));
    for await (const block of readableLines(fs, path, maxRecordBytes)) {
      yield rustLinesIn(block, path, parser);
    }
    base = parser.next - 1;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function* rustLinesIn(
  block: Iterable<RawLine>,
  path: string,
  parser: RustLines,
): Generator<SalvagedRecords | DamagedLine, void, undefined> {
  for (const { bytes, isTooLong, lines, ...where } of block) {
    const { line, offset, sizeBytes, isUnreadable, isRest } = where;
    const place = { path, line, offset, sizeBytes };
    try {
      if (isUnreadable) throw new TypeError(UNREADABLE);
      if (isRest) throw new TypeError(REST);
      if (isTooLong) throw new TypeError("the line is too long");
      if (lines > 1) throw new TypeError(blank(lines));
      if (line === 1 && isRustHeader(withNewline(bytes))) continue;
      const seq = parser.next;
      const records = [...parser.parse(decoder.decode(bytes))];
      yield { kind: "records", seq, records, isVerified: false, place };
    } catch (error) {
      yield { kind: "damage", reason: reasonOf(error), lines, place };
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MiniError && error.code !== "CORRUPT") {
    return bareMessage(error);
  }
  if (error instanceof MiniError) {
    return "the line is not JSON, or is nested too deeply";
  }
  if (error instanceof TypeError) return error.message;
  throw error;
}
