import { type JournalContext, untilStable } from "../store/internal.ts";
import type { SalvagedRecords } from "../admin/salvage/records.ts";
import { measureSegments } from "../admin/read/log_summary.ts";
import { brief } from "../base/text.ts";
import { type DamageRow, items, told, type ToldPlace } from "./items.ts";
import { bodyOf, kindOf } from "./kinds.ts";

/** A record as a row shows it. */
export interface RecordRow extends ToldPlace {
  readonly seq: number;
  /** The kind of entry of a state or a queue, if it is one. */
  readonly kind?: string;
  readonly text: string;
  /** The records that are one unit with it, if it was appended in a batch. */
  readonly batch?: { readonly from: number; readonly to: number };
  /** Whether a checksum vouches for it. */
  readonly isVerified: boolean;
}

/** The rows between two records of a log. */
export interface RecordPage {
  readonly from: number;
  readonly records: readonly RecordRow[];
  readonly damages: readonly DamageRow[];
}

/** A record in full. */
export interface WholeRecord extends RecordRow {
  readonly data: unknown;
}

/** A record that cannot be read, and the lines that may have held it. */
export interface MissingRecord {
  readonly seq: number;
  readonly isMissing: true;
  readonly damages: readonly DamageRow[];
}

/** The most characters of a record in a row. */
const ROW_CHARS = 240;

/** The records `from` to `from + count - 1`, and what cannot be read among them. */
export async function recordPage(
  context: JournalContext,
  from: number,
  count: number,
): Promise<RecordPage> {
  return await untilStable(async () => {
    const before = await namesOf(context);
    const value = await readPage(context, from, from + count - 1);
    // A rotation or a compaction meanwhile takes files away from under the reader.
    return { value, isStable: before === await namesOf(context) };
  });
}

async function readPage(
  context: JournalContext,
  from: number,
  to: number,
): Promise<RecordPage> {
  const records: RecordRow[] = [];
  const damages: DamageRow[] = [];
  const wants = (seq: number) => seq >= from;
  for await (const item of items(context, from, wants)) {
    if ("reason" in item) {
      if ((item.to ?? Infinity) >= from - 1) damages.push(item);
      continue;
    }
    const { piece } = item;
    for (const [at, data] of piece.records.entries()) {
      const seq = piece.seq + at;
      if (seq >= from && seq <= to) records.push(rowOf(piece, seq, data));
    }
    if (piece.seq + piece.records.length > to) break;
  }
  return { from, records, damages };
}

/** A record in full, or what has become of it. */
export async function wholeRecord(
  context: JournalContext,
  seq: number,
): Promise<WholeRecord | MissingRecord> {
  const wants = (other: number) => other >= seq;
  const damages: DamageRow[] = [];
  for await (const item of items(context, seq, wants)) {
    if ("reason" in item) {
      if (seq >= item.from && seq <= (item.to ?? Infinity)) damages.push(item);
      continue;
    }
    const { piece } = item;
    if (piece.seq > seq) break;
    if (piece.seq + piece.records.length <= seq) continue;
    const data = piece.records[seq - piece.seq];
    return { ...rowOf(piece, seq, data), data };
  }
  return { seq, isMissing: true, damages };
}

/** The last record that can be read, from record `from` on, `from - 1` where there is none; and whether something stands behind it that cannot. */
export async function readableEnd(
  context: JournalContext,
  from: number,
): Promise<{ last: number; isCut: boolean }> {
  let last = from - 1;
  let isCut = false;
  for await (const item of items(context, from, () => false)) {
    isCut = "reason" in item;
    if ("reason" in item) continue;
    const { seq, records } = item.piece;
    last = Math.max(last, seq + records.length - 1);
  }
  return { last, isCut };
}

function rowOf(piece: SalvagedRecords, seq: number, data: unknown): RecordRow {
  const { records, seq: from, place, isVerified } = piece;
  const to = from + records.length - 1;
  return {
    seq,
    ...kindOf(data),
    text: brief(bodyOf(data), ROW_CHARS),
    ...told(place),
    ...(to > from && { batch: { from, to } }),
    isVerified,
  };
}

async function namesOf(context: JournalContext): Promise<string> {
  const { segments } = await measureSegments(context);
  return segments.map(({ path }) => path).join("\n");
}
