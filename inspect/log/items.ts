import { basename } from "@std/path";
import {
  type DamagedLine,
  type JournalContext,
  readHeader,
  salvagedLines,
  type SalvagedRecords,
  type Wants,
} from "../../admin/internal.ts";
import type { DamageRow, LinePlace } from "../api_types.ts";

/** Readable lines and damage, which waits for the next readable line to say what it may have held. */
export async function* items(
  context: JournalContext,
  from: number,
  wants: Wants,
): AsyncGenerator<{ piece: SalvagedRecords } | DamageRow, void, undefined> {
  let last: number | undefined;
  let waiting: DamagedLine[] = [];
  const release = async (next: number | undefined) => {
    const [first] = waiting;
    if (first !== undefined) last ??= await baseOf(context, first.place.path);
    const rows = waiting.map((damage) => damageRow(damage, last, next));
    waiting = [];
    return rows;
  };
  for await (const pieces of salvagedLines(context, from, wants)) {
    for (const piece of pieces) {
      if (piece.kind === "damage") {
        addDamage(waiting, piece);
        continue;
      }
      yield* await release(piece.seq);
      yield { piece };
      last = piece.seq + piece.records.length - 1;
    }
  }
  yield* await release(undefined);
}

/** The most damaged lines in a row that are listed one by one. */
const MAX_ROWS = 100;

/** Adds a damage to those that wait, to the last of them where there are many. */
function addDamage(waiting: DamagedLine[], damage: DamagedLine): void {
  const last = waiting.at(-1);
  const isMore = waiting.length >= MAX_ROWS &&
    last?.place.path === damage.place.path;
  if (!isMore) {
    waiting.push(damage);
    return;
  }
  const lines = last.lines + damage.lines;
  const sizeBytes = damage.place.offset + damage.place.sizeBytes -
    last.place.offset;
  const place = { ...last.place, sizeBytes };
  const reason = `none of the ${lines} lines is a line of a journal`;
  waiting[waiting.length - 1] = { ...last, lines, reason, place };
}

function damageRow(
  { reason, place }: DamagedLine,
  last = 0,
  next: number | undefined,
): DamageRow {
  return {
    ...told(place),
    reason,
    from: last + 1,
    to: next === undefined ? null : next - 1,
  };
}

/** The number before the first record of a segment, as far as its header says. */
async function baseOf(
  context: JournalContext,
  path: string,
): Promise<number | undefined> {
  try {
    return (await readHeader(context, path))?.base;
  } catch {
    // What its name says is what is left.
    const digits = /\.(\d{20})\./.exec(basename(path))?.[1];
    return digits === undefined ? undefined : Number(digits);
  }
}

/** A place without what is the same for the whole journal. */
export function told(
  { path, line, offset, sizeBytes }: DamagedLine["place"],
): LinePlace {
  return { file: basename(path), line, offset, bytes: sizeBytes };
}
