import { join } from "@std/path";
import { hex, withNewline } from "../../base/bytes.ts";
import { hasCode, MiniError } from "../../base/errors.ts";
import { listIfExists, openIfExists } from "../../fs/directory.ts";
import { corrupt } from "../corruption.ts";
import { NativeLines } from "../format/records.ts";
import { numberAfter } from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import {
  assertNeverBegun,
  basesReason,
  checkContinuity,
  checkHasRecords,
  checkName,
  type Continuation,
  headless,
  tracesOf,
} from "./header.ts";
import {
  firstTime,
  judgeEnd,
  lastBefore,
  readSegment,
} from "./native_segments.ts";
import { isRustJournal, type SealedFile } from "./rust_segments.ts";
import type {
  CommittedEnd,
  OpenSegment,
  SegmentReader,
  SegmentRole,
} from "./segment_reader.ts";
import { untilStable } from "./until_stable.ts";

/** The program that wrote a journal: this package, or the Rust `ministore`. */
export type Format = "mini" | "ministore";

/** The files of a journal beside its active segment. */
export interface SegmentList {
  readonly format: Format;
  /** Oldest first. */
  readonly sealed: readonly SealedFile[];
}

/** Lists the segments of a journal in a directory with these names; there may be none. */
export async function listSegments(
  context: JournalContext,
  names: readonly string[],
): Promise<SegmentList> {
  const { paths } = context;
  const rotated = paths.rustSegments(names)
    .map((name) => ({ path: join(paths.directory, name) }));
  const oldest = rotated[0]?.path ?? paths.active;
  if (await isRustJournal(context, oldest)) {
    return { format: "ministore", sealed: rotated };
  }
  const sealed = paths.sealedBases(names)
    .map((base) => ({ path: paths.sealed(base), base }));
  return { format: "mini", sealed };
}

/** The bases of all segments, lowest first. */
async function segmentBases(context: JournalContext): Promise<number[]> {
  const { fs, paths } = context;
  const sealedBases = async () =>
    paths.sealedBases(await listIfExists(fs, paths.directory));
  return await untilStable(async () => {
    const before = await sealedBases();
    const active = await activeBase(context);
    // What was active when we listed may be sealed since: then it is in this list.
    const sealed = await sealedBases();
    const bases = active === undefined ? sealed : [...sealed, active];
    return {
      value: bases.sort((one, other) => one - other),
      isStable: String(before) === String(sealed),
    };
  });
}

async function activeBase(
  context: JournalContext,
): Promise<number | undefined> {
  const { active } = context.paths;
  const file = await openIfExists(context.fs, active);
  if (file === undefined) return undefined;
  const reader = await readSegment(context, active, file);
  await reader.close();
  if (reader.header !== undefined) return reader.header.base;
  assertNeverBegun(active, await tracesOf(context));
  return undefined;
}

/** Where a reader starts. */
export interface ReadStart {
  /** The first record that it asks for. */
  readonly from?: number | undefined;
  /** The time of the first record that it asks for, in milliseconds since 1970. */
  readonly since?: number | undefined;
}

/**
 * The segments of a log, from the one where a reader starts. Ends with the active
 * one, unless the reader has seen it sealed.
 *
 * @param newest The base of the newest segment that was sealed before.
 */
export async function* openSegments(
  context: JournalContext,
  start: ReadStart,
  live: CommittedEnd | undefined,
  newest: number = -1,
): AsyncGenerator<OpenSegment, void, undefined> {
  let segment = await openFirst(context, start, live);
  while (segment !== undefined) {
    yield segment;
    const { header, isActive, reader, lines }: OpenSegment = segment;
    const isSealed = live === undefined
      ? !isActive
      : live.limitOf(header.base) === Infinity;
    if (!isSealed) {
      checkNewest(reader.path, header.base, newest);
      return;
    }
    checkHasRecords(reader.path, header, lines.next);
    const base = lines.next - 1;
    const { journal } = header;
    const expected = { journal, base, prev: hex(reader.chain) };
    segment = await openSegment(context, base, expected, live);
  }
}

/** Throws if the active segment starts before a sealed one. */
function checkNewest(path: string, base: number, newest: number): void {
  if (base > newest) return;
  const reason =
    `it starts after record ${base}, before a sealed segment; this happens when an older copy, such as a backup, is put among newer files`;
  throw corrupt(path, { reason, line: 1, offset: 0, seq: base + 1 });
}

/** Opens the segment that a reader starts with; `undefined` if there is no log. */
export async function openFirst(
  context: JournalContext,
  start: ReadStart,
  live: CommittedEnd | undefined,
): Promise<OpenSegment | undefined> {
  return await untilStable(async () => {
    const base = await startBase(context, start, live);
    if (base === undefined) return { value: undefined, isStable: true };
    try {
      const value = await openSegment(context, base, undefined, live);
      return { value, isStable: true };
    } catch (error) {
      const isGone = hasCode(error, "COMPACTED");
      if (!isGone) throw error;
      // The next look says so of a record that is asked for; else it finds those that compaction beside it has left.
      return { error };
    }
  });
}

/**
 * The base of the segment that a reader starts with, `undefined` if there is no
 * log. Throws `COMPACTED` if record `from` is gone.
 */
async function startBase(
  context: JournalContext,
  { from, since }: ReadStart,
  live: CommittedEnd | undefined,
): Promise<number | undefined> {
  const bases = await segmentBases(context);
  const [first] = bases;
  if (first === undefined) return undefined;
  // A segment that the writer has not begun with shows already while it is made.
  const last = live?.base ?? Infinity;
  if (from !== undefined && from <= first) {
    throw compacted(context, from, first + 1);
  }
  const base = from === undefined
    ? first
    : bases.findLast((base) => base < from)!;
  const later = since === undefined
    ? base
    : await lastBefore(bases, since, (base) => firstTime(context, base));
  return Math.min(Math.max(base, later), last);
}

/** The error for a record that compaction has removed. */
export function compacted(
  { paths: { active: path } }: JournalContext,
  seq: number,
  first: number,
): MiniError {
  const message =
    `Cannot read record ${seq} of "${path}": compaction removed it; the first record left is ${first}`;
  return new MiniError("COMPACTED", message, { path, seq });
}

/** The error for a record that was read, and that the log does not hold any more. */
export function rewritten(
  { paths: { active: path } }: JournalContext,
  seq: number,
): MiniError {
  const message =
    `Cannot read on in "${path}": record ${seq}, or one after it, was read before and is not there any more, or another stands in its place: a crash or a full disk took it back, or an older copy has taken its place; read the log again`;
  return new MiniError("REWRITTEN", message, { path, seq });
}

/** The error for files of which none stays that of the log while it is read. */
export function unstable(
  { paths: { active: path } }: JournalContext,
): MiniError {
  const message =
    `Cannot read "${path}": at each look another file has its name, or the file system gives a file another identity each time; nothing was changed`;
  return new MiniError("IO", message, { path });
}

/** Opens the segment that starts after record `base`; `undefined` if the log ends there. */
export async function openSegment(
  context: JournalContext,
  base: number,
  expected: Continuation | undefined,
  live: CommittedEnd | undefined,
): Promise<OpenSegment | undefined> {
  const { paths } = context;
  // A writer that is at work may seal a segment between our two looks.
  return await untilStable(async () => {
    for (const path of [paths.sealed(base), paths.active]) {
      // Taken before the file is read: what is beyond may not be durable, or not stay.
      const limit = live?.limitOf(base);
      const value = await openAt(context, path, base, { expected, limit });
      if (value !== undefined) return { value, isStable: true };
    }
    const [first, ...others] = await segmentBases(context);
    if ((others.at(-1) ?? first ?? -1) < base) {
      checkEnd(paths.active, await activeBase(context), base);
      return { value: undefined, isStable: true };
    }
    if (base < first!) throw compacted(context, base + 1, first! + 1);
    const reason = `the segment with record ${base + 1} is missing`;
    return { error: corrupt(paths.sealed(base), { reason, seq: base + 1 }) };
  });
}

/** Opens the segment with this base; `undefined` if there is none. */
export async function openNamed(
  context: JournalContext,
  base: number,
): Promise<OpenSegment | undefined> {
  const { active } = context.paths;
  const sealed = context.paths.sealed(base);
  // A writer may seal it between two looks, or take back the name.
  for (const path of [sealed, active, sealed, active]) {
    const found = await openAt(context, path, base);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Throws if the log ends after record `end`, and an active segment starts before that. */
function checkEnd(path: string, active: number | undefined, end: number): void {
  if (active === undefined || active >= end) return;
  const reason = basesReason(end, active);
  throw corrupt(path, { reason, line: 1, offset: 0, seq: end + 1 });
}

async function openAt(
  context: JournalContext,
  path: string,
  base: number,
  { expected, limit }: {
    readonly expected?: Continuation | undefined;
    readonly limit?: number | undefined;
  } = {},
): Promise<OpenSegment | undefined> {
  const file = await openIfExists(context.fs, path);
  if (file === undefined) return undefined;
  const reader = await readSegment(context, path, file, limit);
  const { header } = reader;
  const isActive = path === context.paths.active;
  let isKept = false;
  try {
    if (isActive && header?.base !== base) return undefined;
    if (header === undefined) throw headless(path);
    checkName(path, header, base);
    checkContinuity(path, header, expected);
    isKept = true;
    const lines = new NativeLines(base, (damage) => corrupt(path, damage));
    const judge = (role: SegmentRole, next?: number) =>
      judgeRest(context, reader, role, next);
    return { reader, key: base, header, isActive, lines, judgeEnd: judge };
  } finally {
    if (!isKept) await reader.close();
  }
}

/** Judges what a reader could not verify: gives a last line that lacks only its newline, or nothing. */
async function judgeRest(
  context: JournalContext,
  reader: SegmentReader,
  role: SegmentRole,
  next: number = numberAfter(reader.lastLine),
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { path, offset, chain } = reader;
  const tail = await reader.rest();
  const end = { path, offset, chain, next, tail };
  const ending = await judgeEnd(context, end, role);
  return ending.kind === "whole"
    ? withNewline(tail.subarray(0, ending.lineBytes))
    : undefined;
}
