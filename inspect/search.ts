import type { JournalContext } from "../store/internal.ts";
import { items } from "./items.ts";
import { kindOf } from "./kinds.ts";

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

const HIT_CHARS = 160;
const BEFORE_CHARS = 20;
const MAX_HITS = 500;

/**
 * Looks for a text in the JSON of records, small letters and capitals alike.
 *
 * @param tell Receives every hit, and from time to time the progress of the search.
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
  const decoder = new TextDecoder();
  const wants = (seq: number, line: Uint8Array) =>
    seq >= from && decoder.decode(line).toLowerCase().includes(wanted);
  for await (const item of items(context, from, wants)) {
    if (signal.aborted) return;
    if ("reason" in item) continue;
    const { seq: first, records } = item.piece;
    for (const [index, data] of records.entries()) {
      if (first + index < from) continue;
      at = first + index;
      if (data === undefined) continue;
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

function around(json: string, at: number): string {
  const start = Math.max(0, at - BEFORE_CHARS);
  const end = Math.min(json.length, start + HIT_CHARS);
  return `${start > 0 ? "…" : ""}${json.slice(start, end)}${
    end < json.length ? "…" : ""
  }`;
}
