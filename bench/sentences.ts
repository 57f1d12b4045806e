/** The sentences of pages that have figures, taken from a file of results. */
import { count, digits, type Findings } from "./results.ts";

/** Figures are named by measure, contender and field. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  "README.md": [
    "64 callers append {append-64|ours|rate} durable records a second, one caller {append-1|ours|rate} (node:sqlite {append-64|node:sqlite|rate} and {append-1|node:sqlite|rate}).",
    "64 callers enqueue {enqueue-64|ours|rate} durable messages a second (BullMQ {enqueue-64|BullMQ|rate}); half of all messages reach a consumer within {latency|ours|p50} ms.",
    "with {append-1|ours|overheadBytes} bytes on top of a record, or {append-64|ours|overheadBytes} if callers share an `fsync`.",
  ],
  "docs/PERFORMANCE.md": [
    "a record takes {append-1|ours|overheadBytes} bytes more than its payload from one caller, and {append-64|ours|overheadBytes} in a group commit",
    "(from 64 callers lmdb {append-64|lmdb|overheadBytes}, classic-level {append-64|classic-level|overheadBytes}, Deno KV {append-64|Deno KV|overheadBytes})",
    "it waits {read|ours, a state|stallMs} ms at most (lmdb {read|lmdb|stallMs} ms, better-sqlite3 {read|better-sqlite3|stallMs} ms, which read without a pause).",
    "Opening takes {read|ours, a state|beyondMiB} MiB beyond the state.",
    "shows a write {view|ours|p50} ms after it was made, and 99 of 100 within {view|ours|p99} ms.",
    "The CPU time of the writer changes by {view|ours|costPercent} %, less than between two runs.",
  ],
  "docs/CLUSTER.md": [],
};

/** Puts the figures into the sentences of a page, whose line breaks stay, as does what was not measured; a sentence that it lacks is an error. */
export function fillSentences(
  name: string,
  page: string,
  findings: readonly Findings[],
): string {
  let text = page;
  for (const sentence of SENTENCES[name]!) {
    const { pattern, figures } = parse(sentence);
    const found = pattern.exec(text);
    if (found === null) throw new Error(`${name} does not say: ${sentence}`);
    const at = figures.map((figure, index) => ({
      range: found.indices![index + 1]!,
      value: valueOf(figure, findings),
    }));
    for (const { range: [from, to], value } of at.reverse()) {
      if (value === undefined) continue;
      text = text.slice(0, from) + value + text.slice(to);
    }
  }
  return text;
}

function parse(sentence: string): { pattern: RegExp; figures: string[] } {
  const figures = Array.from(sentence.matchAll(/\{(.*?)\}/g), ([, it]) => it!);
  const source = sentence.split(/\{.*?\}/)
    .map((part) =>
      part.replace(/[()[\].*+?^$|\\]/g, "\\$&").replace(/ /g, "\\s+")
    )
    .join("(-?[\\d.,]*\\d)");
  return { pattern: new RegExp(source, "d"), figures };
}

function valueOf(
  figure: string,
  findings: readonly Findings[],
): string | undefined {
  const [id, name, field] = figure.split("|") as [string, string, string];
  const value = findings.find((each) => each.id === id)?.found
    .find((found) => found.name === name)?.median[field];
  if (value === undefined) return undefined;
  return field === "rate" ? count(value) : digits(value);
}
