import { FIRST_BLOCK_BYTES, readBlock } from "../../fs/blocks.ts";
import type { CommittedEnd } from "./cut.ts";
import { MiniError } from "../../base/errors.ts";
import type { FileHandle } from "../../fs/file_system.ts";
import { type Header, isIntact } from "../format/line.ts";
import { hex, NEWLINE } from "../../base/bytes.ts";
import { type LineParser, NativeLines } from "../format/records.ts";
import { ChainScanner, type Scanner } from "../format/scanner.ts";
import { concat } from "../../base/bytes.ts";
import { shapeOf } from "../format/shape.ts";
import { corrupt, corruptAt, tooLong } from "../corruption.ts";
import type { JournalContext } from "../journal.ts";
import {
  assertNeverBegun,
  basesReason,
  checkContinuity,
  checkName,
  type Continuation,
  headerOf,
  judgeStart,
  tracesOf,
} from "./header.ts";
import { readTail, tailPlace } from "./segment_reader.ts";
import { listIfThere, openIfThere } from "../../fs/directory.ts";
import { judgeTail } from "../format/tail.ts";

/** A segment that is open for reading from its start. */
export interface OpenSegment {
  readonly path: string;
  /** The id of its journal; empty where the format has none. */
  readonly journal: string;
  /** The number before its first record. */
  readonly base: number;
  readonly file: FileHandle;
  /** What has been read of it already. */
  first: Uint8Array<ArrayBuffer> | undefined;
  readonly isActive: boolean;
  readonly scanner: Scanner;
  readonly lines: LineParser;
  /**
   * Judges what the scanner could not verify: gives a last line to add, or
   * nothing, or throws. `last` are the lines verified last.
   */
  judge(
    last: Uint8Array<ArrayBuffer>,
    mayBeTorn: boolean,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/**
 * The base of the segment that a reader starts with, `undefined` where there is
 * no log. Throws `COMPACTED` where record `from` is gone.
 */
async function startBase(
  context: JournalContext,
  from: number | undefined,
  live: CommittedEnd | undefined,
): Promise<number | undefined> {
  const bases = await segmentBases(context);
  const [first] = bases;
  if (first === undefined) return undefined;
  // A segment that the writer has not begun with shows already while it is made.
  const last = live?.base ?? Infinity;
  if (from === undefined) return Math.min(first, last);
  if (from <= first) throw compacted(context, from, first + 1);
  return Math.min(bases.findLast((base) => base < from)!, last);
}

/** The error for a record that compaction has removed. */
function compacted(
  { paths: { active: path } }: JournalContext,
  seq: number,
  first: number,
): MiniError {
  const message =
    `Cannot read record ${seq} of "${path}": compaction has removed it; the first that is left is ${first}`;
  return new MiniError("COMPACTED", message, { path, seq });
}

/** The bases of all segments, lowest first. A writer may be at work. */
async function segmentBases(context: JournalContext): Promise<number[]> {
  for (;;) {
    const sealed = await sealedBases(context);
    const active = await activeBase(context);
    // Sealed while we looked: what was active when we listed is in neither.
    if (String(await sealedBases(context)) !== String(sealed)) continue;
    return active === undefined ? sealed : [...sealed, active];
  }
}

async function sealedBases({ fs, paths }: JournalContext): Promise<number[]> {
  return paths.sealedBases(await listIfThere(fs, paths.directory));
}

async function activeBase(
  context: JournalContext,
): Promise<number | undefined> {
  const { paths } = context;
  const file = await openIfThere(context, paths.active);
  if (file === undefined) return undefined;
  try {
    const start = await readBlock(file, FIRST_BLOCK_BYTES);
    const header = readHeader(paths.active, start, true);
    if (header !== undefined) return header.base;
    assertNeverBegun(paths.active, await tracesOf(context));
    return undefined;
  } finally {
    await file.close();
  }
}

/** The segments of a log, from the one with record `from` on. Ends with the active one, unless the reader has seen it sealed. */
export async function* openSegments(
  context: JournalContext,
  from: number | undefined,
  live?: CommittedEnd,
): AsyncGenerator<OpenSegment, void, undefined> {
  let segment = await openFirst(context, from, live);
  while (segment !== undefined) {
    yield segment;
    const { journal, scanner, lines }: OpenSegment = segment;
    const isSealed = live === undefined
      ? !segment.isActive
      : live.limitOf(segment.base) === Infinity;
    if (!isSealed) return;
    const base = lines.next - 1;
    const expected = { journal, base, prev: hex(scanner.chain) };
    segment = await openSegment(context, base, expected, live);
  }
}

/** Opens the segment that a reader starts with; `undefined` where there is no log. */
async function openFirst(
  context: JournalContext,
  from: number | undefined,
  live: CommittedEnd | undefined,
): Promise<OpenSegment | undefined> {
  for (;;) {
    const base = await startBase(context, from, live);
    if (base === undefined) return undefined;
    try {
      return await openSegment(context, base, undefined, live);
    } catch (error) {
      const isGone = error instanceof MiniError && error.code === "COMPACTED";
      // Who asks for no record gets those that compaction beside it has left.
      if (!isGone || from !== undefined) throw error;
    }
  }
}

/** Opens the segment that starts after record `base`; `undefined` where the log ends there. */
async function openSegment(
  context: JournalContext,
  base: number,
  expected: Continuation | undefined,
  live: CommittedEnd | undefined,
): Promise<OpenSegment | undefined> {
  const { paths } = context;
  // A writer that is at work may seal a segment between our two looks.
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const path of [paths.sealed(base), paths.active]) {
      // Taken before the file is read: what is beyond may not be durable, or not stay.
      const limit = live?.limitOf(base) ?? Infinity;
      const segment = await openAt(context, path, base, { expected, limit });
      if (segment !== undefined) return segment;
    }
    const [first, ...others] = await segmentBases(context);
    if ((others.at(-1) ?? first ?? -1) < base) {
      checkEnd(paths.active, await activeBase(context), base);
      return undefined;
    }
    if (base < first!) throw compacted(context, base + 1, first! + 1);
  }
  throw corrupt(paths.sealed(base), {
    reason: `the segment with record ${base + 1} is missing`,
    seq: base + 1,
  });
}

/** Throws where the log ends after record `end`, and an active segment starts before that. */
function checkEnd(path: string, active: number | undefined, end: number): void {
  if (active === undefined || active >= end) return;
  const reason = basesReason(end, active);
  throw corrupt(path, { reason, line: 1, offset: 0, seq: end + 1 });
}

async function openAt(
  context: JournalContext,
  path: string,
  base: number,
  { expected, limit }: { expected: Continuation | undefined; limit: number },
): Promise<OpenSegment | undefined> {
  const file = await openIfThere(context, path);
  if (file === undefined) return undefined;
  let isKept = false;
  try {
    const first = await readBlock(file, Math.min(FIRST_BLOCK_BYTES, limit));
    const isActive = path === context.paths.active;
    const header = readHeader(path, first, isActive);
    if (header === undefined || isActive && header.base !== base) {
      return undefined;
    }
    checkName(path, header, base);
    checkContinuity(path, header, expected);
    isKept = true;
    const scanner = new ChainScanner(context.maxRecordBytes);
    return {
      path,
      journal: header.journal,
      base,
      file,
      first,
      isActive,
      scanner,
      lines: new NativeLines(base, (damage) => corrupt(path, damage)),
      judge: async (last, mayBeTorn) => {
        const tail = await readTail(file, scanner);
        return await judgeRest(context, path, scanner, {
          tail,
          last,
          mayBeTorn,
        });
      },
    };
  } finally {
    if (!isKept) await file.close();
  }
}

/** The header that a segment starts with; `undefined` where it was never finished. */
function readHeader(
  path: string,
  start: Uint8Array,
  isActive: boolean,
): Header | undefined {
  const end = start.indexOf(NEWLINE);
  const line = start.subarray(0, Math.max(end, 0));
  if (isIntact(line, 0)) return headerOf(line, path);
  judgeStart(path, start);
  if (isActive) return undefined;
  throw corrupt(path, { offset: 0, reason: "a sealed segment has no header" });
}

async function judgeRest(
  context: JournalContext,
  path: string,
  { offset, chain }: Scanner,
  { tail, last, mayBeTorn }: {
    tail: Uint8Array<ArrayBuffer>;
    last: Uint8Array<ArrayBuffer>;
    mayBeTorn: boolean;
  },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const next = numberAfter(last);
  const verdict = judgeTail(tail, tailPlace({ offset, chain, next }, context));
  if (verdict.kind === "tooLarge") {
    throw await tooLong(context, path, {
      offset,
      seq: next,
      reason: verdict.reason,
    });
  }
  if (mayBeTorn && verdict.kind === "torn") return undefined;
  if (mayBeTorn && verdict.kind === "whole") {
    return concat(tail.subarray(0, verdict.lineBytes), Uint8Array.of(NEWLINE));
  }
  const reason = verdict.kind === "corrupt"
    ? verdict.reason
    : `record ${next} had been durable and is damaged`;
  throw await corruptAt(context.fs, path, offset, { reason, seq: next });
}

/** The number of the record that follows verified lines. */
function numberAfter(lines: Uint8Array): number {
  const start = lines.lastIndexOf(NEWLINE, -2) + 1;
  const line = lines.subarray(start, -1);
  const shape = shapeOf(line);
  if (shape?.kind === "records") return shape.seq + shape.count;
  if (shape?.kind === "close") return shape.seq + 1;
  return shape === undefined ? 0 : shape.base + 1;
}
