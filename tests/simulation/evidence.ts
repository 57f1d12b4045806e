import type { MemoryFileSystem } from "@mini/state/testing";
import { DIR } from "./process.ts";
import type { Row } from "./rows.ts";
import { type Age, type Change, throwsFor } from "./state_model.ts";

/** The content of a state's files, read without the package. */
export interface Evidence {
  /** The changes that were logged and not aborted, as far as the log shows, by number. */
  readonly entries: ReadonlyMap<number, readonly Change[]>;
  readonly aborted: ReadonlySet<number>;
  /** Where the snapshots stand. */
  readonly snapshots: readonly number[];
  /** The newest snapshot that is whole, 0 for none. */
  readonly start: number;
  /** The number of the first record, `Infinity` where there is none. */
  readonly first: number;
  /** Up to where a later line says that records had been applied. */
  readonly line: number;
  /** Up to where the mark of a clean end does. */
  readonly mark: number;
}

/** The expected result of opening. */
export interface Foretold {
  /** The record for which it is refused, and the row that this shows. */
  readonly refused?: { readonly seq: number; readonly row: Row };
  /** Whether the snapshots and the log do not meet. */
  readonly hasGap: boolean;
  readonly undecided: readonly number[];
}

interface Line {
  readonly base?: number;
  readonly seq?: number;
  readonly durable?: number;
  readonly applied?: number;
  readonly close?: number;
  readonly data?: Logged;
  readonly batch?: readonly Logged[];
}

interface Logged {
  readonly abort?: number;
  readonly apply?: Change;
  readonly applyBatch?: readonly Change[];
}

const SEGMENT = /^journal\.(\d{20}\.)?jsonl$/;
const SNAPSHOT = /^snapshot_\d{20}\.json$/;
const decoder = new TextDecoder();

/** Reads the files of a state. */
export function evidenceIn(fs: MemoryFileSystem): Evidence {
  const entries = new Map<number, readonly Change[]>();
  const aborted = new Set<number>();
  let [line, mark, first] = [0, 0, Infinity];
  for (const { base, seq, close, ...more } of linesIn(fs)) {
    if (base !== undefined) first = Math.min(first, base + 1);
    if (close !== undefined) mark = Math.max(mark, close);
    if (seq === undefined) continue;
    const { durable = seq - 1, applied = durable, data, batch } = more;
    line = Math.max(line, applied);
    for (const [index, logged] of (batch ?? [data!]).entries()) {
      const { abort, apply, applyBatch } = logged;
      if (abort !== undefined) aborted.add(abort);
      else entries.set(seq + index, applyBatch ?? [apply!]);
    }
  }
  for (const seq of aborted) entries.delete(seq);
  const names = fs.names(DIR).filter((name) => SNAPSHOT.test(name));
  const snapshots = names.map(seqOf);
  const whole = names.filter((name) => parse(textOf(fs, name)) !== undefined);
  const start = Math.max(0, ...whole.map(seqOf));
  return { entries, aborted, snapshots, start, first, line, mark };
}

/** The whole lines, up to where opening cuts off what is torn. */
function* linesIn(fs: MemoryFileSystem): Generator<Line> {
  for (const name of fs.names(DIR)) {
    if (!SEGMENT.test(name)) continue;
    for (const line of textOf(fs, name).split("\n")) {
      const json = parse(line.replace(/\0+$/, ""));
      if (json === undefined) break;
      yield json as Line;
    }
  }
}

function textOf(fs: MemoryFileSystem, name: string): string {
  return decoder.decode(fs.content(`${DIR}/${name}`));
}

function seqOf(snapshot: string): number {
  return Number(snapshot.slice("snapshot_".length, -".json".length));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The result that code of some age must reach. Entries of the queue are left out: whether one throws hangs on all before it. */
export function foretell(evidence: Evidence, age: Age): Foretold {
  const { entries, start, first, line, mark, snapshots } = evidence;
  const thrown = [...entries].filter(([seq, changes]) =>
    seq > start && throwsFor(changes, age)
  ).map(([seq]) => seq);
  const proven = Math.max(line, mark, ...snapshots);
  const seq = thrown.find((seq) => seq <= proven);
  const hasGap = first !== Infinity && first > start + 1;
  if (seq === undefined) return { undecided: thrown, hasGap };
  const row = seq <= line
    ? "roll-back: refused, a later line proves it"
    : seq <= mark
    ? "roll-back: refused, the mark of a clean end proves it"
    : "roll-back: refused, a snapshot proves it";
  return { refused: { seq, row }, undecided: [], hasGap };
}
