import type { JournalContext } from "../../admin/internal.ts";
import type { Hit, SearchProgress } from "../api_types.ts";
import type { Redactor } from "../redact.ts";
import { items } from "./items.ts";
import { kindOf } from "./kinds.ts";

const HIT_CHARS = 160;
const BEFORE_CHARS = 20;
const MAX_HITS = 500;
const TELL_EVERY_MS = 100;

/** A search through a log. */
export interface Search {
  readonly text: string;
  /** The first record that is looked at. */
  readonly from: number;
  readonly signal: AbortSignal;
}

/**
 * Looks for a text in the JSON of records, as far as it may be shown, small
 * letters and capitals alike. Gives every hit, and from time to time how far it is.
 */
export async function* search(
  context: JournalContext,
  { text, from, signal }: Search,
  redactor: Redactor,
): AsyncGenerator<Hit | SearchProgress, void, undefined> {
  const wanted = text.toLowerCase();
  let hits = 0;
  let at = from - 1;
  let told = performance.now();
  const decoder = new TextDecoder();
  // What a record is shown as need not be in its line.
  const mayHold = (line: Uint8Array) =>
    redactor.isOn || decoder.decode(line).toLowerCase().includes(wanted);
  const wants = (seq: number, line: Uint8Array) => seq >= from && mayHold(line);
  for await (const item of items(context, from, wants)) {
    if (signal.aborted) return;
    if ("reason" in item) continue;
    const { seq: first, records } = item.piece;
    for (const [index, data] of records.entries()) {
      if (first + index < from) continue;
      at = first + index;
      if (data === undefined) continue;
      const shown = redactor.value(data, { kind: "record", seq: at });
      const json = JSON.stringify(shown);
      const found = json.toLowerCase().indexOf(wanted);
      if (found === -1) continue;
      yield { seq: at, ...kindOf(shown), text: around(json, found) };
      if (++hits < MAX_HITS) continue;
      return yield { at, hits, isDone: false };
    }
    if (performance.now() - told < TELL_EVERY_MS) continue;
    yield { at, hits, isDone: false };
    told = performance.now();
  }
  yield { at, hits, isDone: true };
}

function around(json: string, at: number): string {
  const start = Math.max(0, at - BEFORE_CHARS);
  const end = Math.min(json.length, start + HIT_CHARS);
  return `${start > 0 ? "…" : ""}${json.slice(start, end)}${
    end < json.length ? "…" : ""
  }`;
}
