import { basename } from "@std/path";
import type { JournalContext } from "../../store/segment.ts";
import type { Damage, Place, Readable } from "../pieces.ts";
import { salvagePieces } from "../salvage_source.ts";
import { survey } from "../survey.ts";
import { brief } from "../text.ts";

/** Where a line stands, as it is told. */
export interface ToldPlace {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A record as a row shows it. */
export interface RecordRow extends ToldPlace {
  readonly seq: number;
  /** What kind of entry of a state or a queue it is, if it is one. */
  readonly kind?: string;
  readonly text: string;
  /** The records that are one unit with it, where it was appended in a batch. */
  readonly batch?: { readonly from: number; readonly to: number };
  /** Whether a checksum vouches for it. */
  readonly isVerified: boolean;
}

/** A line that cannot be read, and the records that it may have held. */
export interface DamageRow extends ToldPlace {
  readonly reason: string;
  /** The record behind the last one that could be read before it. */
  readonly from: number;
  /** The record before the next one that can be read; `null` where none follows. */
  readonly to: number | null;
}

/** What stands between two records of a log. */
export interface RecordPage {
  readonly from: number;
  readonly records: readonly RecordRow[];
  readonly damages: readonly DamageRow[];
}

/** A record in full. */
export interface WholeRecord extends RecordRow {
  readonly data: unknown;
}

/** What a row shows of a record, in characters. */
const ROW_CHARS = 240;
const HIT_CHARS = 160;
const MAX_HITS = 500;
const MAX_LOOKS = 5;

/** The records `from` to `from + count - 1`, and what cannot be read among them. */
export async function recordPage(
  context: JournalContext,
  from: number,
  count: number,
): Promise<RecordPage> {
  for (let look = 1;; look++) {
    const before = await namesOf(context);
    const page = await readPage(context, from, from + count - 1);
    // A rotation or a compaction meanwhile takes files away from under the reader.
    if (look === MAX_LOOKS || before === await namesOf(context)) return page;
  }
}

async function readPage(
  context: JournalContext,
  from: number,
  to: number,
): Promise<RecordPage> {
  const records: RecordRow[] = [];
  const damages: DamageRow[] = [];
  for await (const item of items(context, from)) {
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

/** A record in full; `undefined` where it cannot be read. */
export async function wholeRecord(
  context: JournalContext,
  seq: number,
): Promise<WholeRecord | undefined> {
  for await (const item of items(context, seq)) {
    if ("reason" in item) continue;
    const { piece } = item;
    if (piece.seq > seq) return undefined;
    if (piece.seq + piece.records.length <= seq) continue;
    const data = piece.records[seq - piece.seq];
    return { ...rowOf(piece, seq, data), data };
  }
  return undefined;
}

/** A place where a text was found. */
export interface Hit {
  readonly seq: number;
  readonly kind?: string;
  readonly text: string;
}

/** How far a search has come. */
export interface SearchProgress {
  /** The last record that was looked at. */
  readonly at: number;
  readonly hits: number;
  /** Whether it went on to the end. */
  readonly isDone: boolean;
}

/**
 * Looks for a text in the JSON of records, small letters and capitals alike.
 *
 * @param tell Is told of every hit, and every so many records how far the search is.
 */
export async function search(
  context: JournalContext,
  { text, from, signal }: {
    readonly text: string;
    readonly from: number;
    readonly signal: AbortSignal;
  },
  tell: (told: Hit | SearchProgress) => Promise<void>,
): Promise<void> {
  const wanted = text.toLowerCase();
  let hits = 0;
  let at = from - 1;
  let told = performance.now();
  for await (const item of items(context, from)) {
    if (signal.aborted) return;
    if ("reason" in item) continue;
    const { seq: first, records } = item.piece;
    for (const [index, data] of records.entries()) {
      if (first + index < from) continue;
      at = first + index;
      const json = JSON.stringify(data);
      const found = json.toLowerCase().indexOf(wanted);
      if (found === -1) continue;
      await tell({ seq: at, ...kindOf(data), text: around(json, found) });
      if (++hits < MAX_HITS) continue;
      return await tell({ at, hits, isDone: false });
    }
    if (performance.now() - told < 100) continue;
    await tell({ at, hits, isDone: false });
    told = performance.now();
  }
  await tell({ at, hits, isDone: true });
}

/** Readable lines and damage, which waits for the next readable line to say what it may have held. */
async function* items(
  context: JournalContext,
  from: number,
): AsyncGenerator<{ piece: Readable } | DamageRow, void, undefined> {
  let last: number | undefined;
  let waiting: Damage[] = [];
  const release = (next: number | undefined) => {
    const rows = waiting.map((damage) => damageRow(damage, last, next));
    waiting = [];
    return rows;
  };
  for await (const piece of salvagePieces(context, from)) {
    if (piece.kind === "damage") {
      waiting.push(piece);
      continue;
    }
    yield* release(piece.seq);
    yield { piece };
    last = piece.seq + piece.records.length - 1;
  }
  yield* release(undefined);
}

function damageRow(
  { reason, place }: Damage,
  last: number | undefined,
  next: number | undefined,
): DamageRow {
  return {
    ...told(place),
    reason,
    from: (last ?? baseIn(place.path)) + 1,
    to: next === undefined ? null : next - 1,
  };
}

/** The number before the first record of a sealed segment, which is in its name. */
function baseIn(path: string): number {
  return Number(/\.(\d{20})\./.exec(basename(path))?.[1] ?? 0);
}

function rowOf(piece: Readable, seq: number, data: unknown): RecordRow {
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

function told({ path, line, offset, sizeBytes }: Place): ToldPlace {
  return { file: basename(path), line, offset, bytes: sizeBytes };
}

/** The entry of a state in a record, if it is one. */
function entryIn(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const [first, ...others] = Object.keys(data);
  const isEntry = first !== undefined &&
    ["apply", "applyAll", "abort"].includes(first) &&
    others.every((key) => key === "version");
  return isEntry ? data as Record<string, unknown> : undefined;
}

/** What happens in a record of a state or a queue. */
function kindOf(data: unknown): { kind?: string } {
  const entry = entryIn(data);
  if (entry === undefined) return {};
  const [kind = ""] = Object.keys(entry);
  const event = queueEvent(entry.apply);
  return { kind: event ?? kind };
}

/** What a row shows: of an entry what is in it. */
function bodyOf(data: unknown): unknown {
  const entry = entryIn(data);
  if (entry === undefined) return data;
  const event = queueEvent(entry.apply);
  return event === undefined
    ? Object.values(entry)[0]
    : (entry.apply as Record<string, unknown>)[event];
}

const QUEUE_EVENTS = [
  "enqueue",
  "receive",
  "settle",
  "expire",
  "redrive",
  "purge",
  "paused",
  "tick",
];

function queueEvent(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  if (!("at" in entry) || typeof entry.at !== "number") return undefined;
  return QUEUE_EVENTS.find((event) => event in entry);
}

function around(json: string, at: number): string {
  const start = Math.max(0, at - HIT_CHARS / 4);
  const end = Math.min(json.length, start + HIT_CHARS);
  return `${start > 0 ? "…" : ""}${json.slice(start, end)}${
    end < json.length ? "…" : ""
  }`;
}

async function namesOf(context: JournalContext): Promise<string> {
  const { segments } = await survey(context);
  return segments.map(({ path }) => path).join("\n");
}
