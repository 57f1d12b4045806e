import { MiniError } from "../store/errors.ts";
import { FRAME_BYTES } from "../store/line.ts";
import { openRustSegments } from "../store/rust.ts";
import type { JournalContext } from "../store/segment.ts";
import { type RawLine, rawLines } from "./lines.ts";
import {
  type Damage,
  mergeUnwanted,
  NumberFilter,
  PieceReader,
  type Readable,
  type Wants,
} from "./pieces.ts";
import {
  readHeader,
  rotatedByRust,
  type SegmentFile,
  survey,
} from "./survey.ts";

/**
 * Everything of a journal that can be read, in order, and what cannot; begins
 * with the segment that holds record `from`.
 */
export async function* salvagePieces(
  context: JournalContext,
  from = 1,
  wants?: Wants,
): AsyncGenerator<Readable | Damage, void, undefined> {
  const rust = await rotatedByRust(context);
  yield* rust === undefined
    ? nativePieces(context, from, wants)
    : rustPieces(context, rust);
}

async function* nativePieces(
  context: JournalContext,
  from: number,
  wants: Wants | undefined,
): AsyncGenerator<Readable | Damage, void, undefined> {
  const { fs, maxRecordBytes } = context;
  const numbers = new NumberFilter();
  const segments = await segmentsFrom(context, from);
  let journal: string | undefined;
  for (const [index, { path, sizeBytes }] of segments.entries()) {
    const reader = new PieceReader(path, wants);
    let isForeign = false;
    const lines = rawLines(fs, path, maxRecordBytes + FRAME_BYTES);
    const next = segments[index + 1];
    const chain = () => next && chainBeforeSegment(context, next.path);
    for await (const pieces of pieceBlocks(lines, reader, chain)) {
      for (const piece of pieces) {
        if (piece.kind === "header") {
          journal ??= piece.journal;
          isForeign = piece.journal !== journal;
        } else if (piece.kind === "damage") yield piece;
        else if (!isForeign) yield* numbers.push(piece);
      }
      if (isForeign) break;
    }
    if (isForeign) {
      const reason = "the segment belongs to another journal";
      const place = { path, line: 1, offset: 0, sizeBytes };
      yield { kind: "damage", reason, place };
    }
    // What the next segment's name says bounds what this one may hold.
    yield* numbers.release((next?.base ?? Infinity) + 1);
  }
}

/** The segments from the one with record `from` on, so far as names and the last header say which that is. */
async function segmentsFrom(
  context: JournalContext,
  from: number,
): Promise<readonly SegmentFile[]> {
  const { segments } = await survey(context);
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
export async function journalIn(
  context: JournalContext,
): Promise<string | undefined> {
  for (const { path } of (await survey(context)).segments) {
    const header = await readHeader(context, path).catch(unlessDamaged);
    if (header !== undefined) return header.journal;
  }
  return undefined;
}

/** What ran before a segment, as its header says. */
async function chainBeforeSegment(
  context: JournalContext,
  path: string,
): Promise<number | undefined> {
  const header = await readHeader(context, path).catch(unlessDamaged);
  return header && parseInt(header.prev, 16);
}

/** A damaged header tells nothing, and is told of where it is read. */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof MiniError)) throw error;
}

async function* pieceBlocks(
  lines: AsyncIterable<RawLine[]>,
  reader: PieceReader,
  chain: () => Promise<number | undefined> | undefined,
): AsyncGenerator<ReturnType<PieceReader["push"]>, void, undefined> {
  for await (const block of lines) {
    yield mergeUnwanted(block.flatMap((line) => reader.push(line)));
  }
  yield reader.end(await chain());
}

/** The lines of a Rust journal that are JSON; a number is the place among them. */
async function* rustPieces(
  context: JournalContext,
  rotated: readonly string[],
): AsyncGenerator<Readable | Damage, void, undefined> {
  const { fs, maxRecordBytes } = context;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (
    const { file, path, lines } of openRustSegments(context, rotated)
  ) {
    await file.close();
    for await (const block of rawLines(fs, path, maxRecordBytes)) {
      for (const { bytes, line, offset, sizeBytes, isTooLong } of block) {
        const place = { path, line, offset, sizeBytes };
        try {
          if (isTooLong) throw new TypeError("the line is too long");
          const text = decoder.decode(bytes);
          const seq = lines.next;
          const records = [...lines.parse(text, 0)];
          if (records.length === 0) continue;
          yield { kind: "records", seq, records, isVerified: false, place };
        } catch (error) {
          yield { kind: "damage", reason: reasonOf(error), place };
        }
      }
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MiniError && error.code !== "CORRUPT") {
    return error.message;
  }
  if (error instanceof MiniError) return "the line is not JSON";
  if (error instanceof TypeError) return error.message;
  throw error;
}
