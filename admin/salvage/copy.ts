import {
  type JournalContext,
  parseLine,
  readHeader,
} from "../../store/internal.ts";
import type { DamagedLine, SalvagedRecords } from "./records.ts";
import { readableLines } from "../read/unreadable.ts";
import type { CopiedRecords, LeftOutLine } from "./report.ts";
import { salvagedLines } from "./reader.ts";
import { measureSegments } from "../read/log_summary.ts";
import {
  addRange,
  JournalBuilder,
  type Renumbered,
} from "../journal_builder.ts";

/** No more damages than this are told one by one. */
const MAX_TOLD = 100;

/**
 * Copies every record that can be read.
 *
 * @param after Where a snapshot stands for all records up to this one, which are then left out.
 */
export async function copyReadable(
  source: JournalContext,
  to: JournalContext,
  after?: number,
): Promise<{ copied: CopiedRecords; written: JournalBuilder }> {
  const unverified: Renumbered[] = [];
  const damages = new Damages();
  const isNative = (await measureSegments(source)).format === "mini";
  const first = after !== undefined
    ? after + 1
    : isNative
    ? await firstOf(source)
    : 1;
  let target: JournalBuilder | undefined;
  let isState = false;
  let renumber = (data: unknown): unknown => data;
  try {
    for await (const pieces of salvagedLines(source, first)) {
      for (const found of pieces) {
        if (found.kind === "damage") {
          damages.add(found);
          continue;
        }
        // What stands before a record that the snapshot knows, it knows too.
        if (after !== undefined && found.seq <= after + 1) damages.forget();
        const piece = behind(found, after);
        if (piece === undefined) continue;
        if (target === undefined) {
          target = await JournalBuilder.create(to, first ?? piece.seq);
          isState = isNative && isOfState(piece);
          if (isState) renumber = abortsFollow(target);
        }
        const { seq: from, records, applied = 0, at } = piece;
        target.noteTime(at);
        if (isState) target.noteApplied(applied);
        if (isNative && !piece.isVerified) {
          const range = {
            from,
            to: from + records.length - 1,
            as: target.next,
          };
          addRange(unverified, range);
        }
        await target.add(from, records.map(renumber));
      }
    }
    target ??= await JournalBuilder.create(to, first);
    // What the mark of a clean end says, no line of a record does.
    if (isState) target.noteApplied(await markAtEnd(source));
    await target.finish();
  } finally {
    await target?.[Symbol.asyncDispose]();
  }
  const { ranges, records } = target;
  const gaps = gapsBetween(ranges, first);
  const { count, told } = damages;
  const lost = { damages: count, damaged: told };
  const copied = { records, ranges, gaps, unverified, ...lost };
  return { copied, written: target };
}

/** The number in the mark of a clean end, where the last line is one; else 0. */
async function markAtEnd(
  { fs, paths: { active }, maxRecordBytes }: JournalContext,
): Promise<number> {
  if (await fs.stat(active) === undefined) return 0;
  let last: Uint8Array | undefined;
  for await (const lines of readableLines(fs, active, maxRecordBytes)) {
    for (const { bytes } of lines) last = bytes;
    // What is given next may be in the same memory.
    last = last?.slice();
  }
  const line = parseLine(new TextDecoder().decode(last));
  return line?.kind === "close" ? line.seq : 0;
}

/** Lines that cannot be read, the first of them with their places. */
class Damages {
  count = 0;
  readonly told: LeftOutLine[] = [];

  add({ place, reason, lines }: DamagedLine): void {
    this.count += lines;
    if (this.told.length === MAX_TOLD) return;
    this.told.push({ ...place, reason, ...(lines > 1 && { lines }) });
  }

  forget(): void {
    this.count = 0;
    this.told.length = 0;
  }
}

/** The records after record `after`. */
function behind(
  piece: SalvagedRecords,
  after: number | undefined,
): SalvagedRecords | undefined {
  if (after === undefined || piece.seq > after) return piece;
  const records = piece.records.slice(after + 1 - piece.seq);
  return records.length === 0
    ? undefined
    : { ...piece, seq: after + 1, records };
}

function isOfState({ records: [data] }: SalvagedRecords): boolean {
  return typeof data === "object" && data !== null &&
    ["apply", "applyBatch", "abort"].some((name) => name in data);
}

/** In the log of a state a record may name another by its number. */
function abortsFollow(target: JournalBuilder): (data: unknown) => unknown {
  return (data) => {
    const { abort } = (data ?? {}) as { abort?: unknown };
    if (typeof abort !== "number") return data;
    // Record 0 is none: what was aborted is gone, or was before the first.
    return { ...data as object, abort: target.numberOf(abort) ?? 0 };
  };
}

/** The number that the first record had, where name or header of the first segment tell. */
async function firstOf(source: JournalContext): Promise<number | undefined> {
  const [oldest] = (await measureSegments(source)).segments;
  if (oldest?.base !== undefined) return oldest.base + 1;
  try {
    const header = await readHeader(source, source.paths.active);
    return header && header.base + 1;
  } catch {
    return undefined;
  }
}

function gapsBetween(
  ranges: readonly Renumbered[],
  first: number | undefined,
): CopiedRecords["gaps"] {
  const gaps: { from: number; to: number }[] = [];
  let next = first ?? ranges[0]?.from ?? 1;
  for (const { from, to } of ranges) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  return gaps;
}
