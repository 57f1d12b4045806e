import { concat, NEWLINE } from "../../base/bytes.ts";
import { BlockReader, readBlock } from "../../fs/blocks.ts";
import type { FileHandle } from "../../fs/file_system.ts";
import { corruptAt } from "../corruption.ts";
import {
  FRAME_BYTES,
  type Header,
  isIntact,
  lastLine,
} from "../format/line.ts";
import {
  ChainScanner,
  type Scanner,
  SequenceCheck,
} from "../format/scanner.ts";
import type { TailPlace } from "../format/tail.ts";
import type { JournalContext } from "../journal.ts";
import { headerOf, judgeStart } from "./header.ts";

/** What reading a whole segment found. */
export interface SegmentScan {
  readonly path: string;
  readonly header: Header;
  /** The number that the next record must have. */
  readonly next: number;
  /** How many bytes are verified lines. */
  readonly offset: number;
  /** The running checksum there. */
  readonly chain: number;
  /** Up to where its lines say that records had been applied; 0 where it has none. */
  readonly applied: number;
  /** Whether the last line is a mark of a clean end. */
  readonly isMarked: boolean;
  /** Where a second mark stands, which says that the one before it is durable, and the running checksum there. */
  readonly seal:
    | { readonly offset: number; readonly chain: number }
    | undefined;
  /** The bytes from there to the end of the file. */
  readonly tail: Uint8Array<ArrayBuffer>;
}

/**
 * Reads and verifies a whole segment of this format.
 *
 * @returns What it holds, or `"unfinished"` for a segment whose header was never written whole.
 */
export async function scanSegment(
  context: JournalContext,
  path: string,
): Promise<SegmentScan | "unfinished"> {
  const file = await context.fs.open(path, "read");
  try {
    const scanner = new ChainScanner(context.maxRecordBytes);
    let found: { header: Header; walk: SequenceCheck } | undefined;
    let lastStart: SegmentScan["seal"];
    const blocks = new BlockReader(file);
    for (;;) {
      const block = await blocks.next();
      if (block.length === 0) break;
      const { offset: start, chain: before } = scanner;
      let lines = scanner.push(block);
      const last = lastLine(lines, before);
      if (lines.length > 0 && found === undefined) {
        const end = lines.indexOf(NEWLINE);
        const line = lines.subarray(0, end);
        // The last line vouches for its bytes, not for what they say.
        if (!isIntact(line, 0)) judgeStart(path, lines);
        const header = headerOf(line, path);
        found = { header, walk: new SequenceCheck(header.base) };
        lines = lines.subarray(end + 1);
      }
      const stray = found?.walk.push(lines);
      if (stray !== undefined) {
        const offset = scanner.offset - lines.length + stray.at;
        throw await corruptAt(context.fs, path, Math.max(start, offset), {
          reason: stray.reason,
          seq: found!.walk.next,
        });
      }
      if (lines.length > 0) {
        lastStart = { offset: start + last.start, chain: last.chain };
      }
      if (scanner.isBroken) break;
    }
    if (found === undefined) {
      return judgeStart(path, scanner.rest);
    }
    const { header, walk } = found;
    const { offset, chain } = scanner;
    const tail = await readTail(file, scanner);
    return {
      path,
      header,
      next: walk.next,
      offset,
      chain,
      applied: walk.applied,
      isMarked: walk.marks > 0,
      seal: walk.marks > 1 ? lastStart : undefined,
      tail,
    };
  } finally {
    await file.close();
  }
}

/** Where the tail of a scanned segment stands. */
export function tailPlace(
  { offset, chain, next }: Pick<SegmentScan, "offset" | "chain" | "next">,
  { maxRecordBytes }: JournalContext,
): TailPlace {
  return { offset, chain, next, maxLineBytes: maxRecordBytes + FRAME_BYTES };
}

/** What follows the verified part of a segment, all of which has been read but for what stands behind a bad line. */
export async function readTail(
  file: FileHandle,
  scanner: Scanner,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!scanner.isBroken) return scanner.rest;
  const blocks: Uint8Array[] = [scanner.rest];
  for (;;) {
    const block = await readBlock(file);
    if (block.length === 0) return concat(...blocks);
    blocks.push(block);
  }
}
