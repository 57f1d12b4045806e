import { MiniError } from "../store/errors.ts";
import { recordBatches } from "../store/session.ts";
import { type Aborts, isCompacted } from "./aborts.ts";
import type { Log, Snapshots } from "./interfaces.ts";
import {
  entryOf,
  type Guard,
  isNoPromise,
  mutationsOf,
  reduce,
  type Reducer,
} from "./mutation.ts";

/** What it takes to make a state from disk. */
export interface Sources<S, M> {
  readonly log: Log<unknown>;
  readonly snapshots: Snapshots<S>;
  readonly reducer: Reducer<S, M>;
  readonly initial: () => S;
  readonly migrate?:
    | ((state: unknown, fromVersion: number) => S | undefined)
    | undefined;
  /** Whether the log holds bare mutations, as the Rust program writes them. */
  readonly isBare: boolean;
  /** Mutations that have no effect. */
  readonly aborts: Aborts;
  /** What the caller's code runs under. */
  readonly guard: Guard;
}

/** Where to start from. */
interface Start<S> {
  readonly state: S;
  readonly seq: number;
  /** The id of the log that the snapshot belongs to, where it says so. */
  readonly journal?: string | undefined;
  /** The newest snapshot that is of another version, and could not be used; 0 for none. */
  readonly unusable: number;
}

/** A state at a number. */
export interface Built<S> extends Start<S> {
  readonly replayed: number;
}

/** Makes the state as it was after record `upTo`, or after the last, from the newest snapshot that helps. */
export async function build<S, M>(
  sources: Sources<S, M>,
  upTo: number,
  codeOfGap: "CORRUPT" | "COMPACTED",
): Promise<Built<S>> {
  const { log, aborts } = sources;
  for (;;) {
    const { firstSequence } = log;
    try {
      const start = await findStart(sources, upTo);
      const from = start.seq + 1;
      const to = Math.min(upTo, log.sequence);
      if (log.firstSequence > from && to >= from) {
        throw gap(codeOfGap, upTo, start.seq, log.firstSequence);
      }
      // That a record was aborted may stand behind the last one to be replayed.
      if (to < log.sequence) await aborts.learnFrom(from);
      const built = await replay(sources, start.state, { from, to });
      if (built === undefined) continue;
      if (to === log.sequence) aborts.knowFrom(from);
      return { ...start, ...built };
    } catch (error) {
      // Compaction beside it leaves a newer snapshot to start from.
      if (!isCompacted(error) || log.firstSequence === firstSequence) {
        throw error;
      }
    }
  }
}

/** Where to start: the newest snapshot of this version, or that could be migrated, or nothing. */
async function findStart<S, M>(
  { snapshots, reducer, initial, migrate, log }: Sources<S, M>,
  upTo: number,
): Promise<Start<S>> {
  let unusable = 0;
  let unusableVersion = 0;
  for (let below = upTo;;) {
    const found = await snapshots.restore(below);
    const { seq = 0, version = 0, journal } = found ?? {};
    // An empty log is what is left when one was lost: the snapshot covers it.
    if (seq > 0 && log.sequence > 0) assertSame(seq, journal, log.journal);
    const state = found === undefined
      ? initial()
      : version === (reducer.version ?? 0)
      ? found.state
      : migrate?.(found.state, version);
    if (state !== undefined || found === undefined) {
      if (unusable > 0 && log.firstSequence > seq + 1) break;
      return { state: state as S, seq, journal, unusable };
    }
    if (unusable === 0) [unusable, unusableVersion] = [seq, version];
    // What only this snapshot knows must not be forgotten, nor its numbers used again.
    if (seq > log.sequence) break;
    below = seq - 1;
  }
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot make the state: the snapshot at record ${unusable} is of version ${unusableVersion}, and the log does not hold all that it stands for; nothing was changed: give a migrate function`,
    { seq: unusable },
  );
}

/** Throws where both say what they belong to, and that is not the same. */
function assertSame(
  seq: number,
  snapshot: string | undefined,
  log: string | undefined,
): void {
  if (snapshot === undefined || log === undefined || snapshot === log) return;
  throw new MiniError(
    "CORRUPT",
    `Cannot make the state: the snapshot at record ${seq} belongs to the log ${snapshot}, and the log here is ${log}; nothing was changed: put back the files that belong together`,
    { seq },
  );
}

function gap(
  code: "CORRUPT" | "COMPACTED",
  upTo: number,
  seq: number,
  firstSequence: number,
): MiniError {
  const start = `the log starts with record ${firstSequence}`;
  const snapshot = seq === 0
    ? "there is no snapshot up to that record"
    : `the newest snapshot up to that record stands at ${seq}`;
  return new MiniError(
    code,
    code === "CORRUPT"
      ? `Cannot make the state: the newest snapshot stands at record ${seq}, and ${start}; nothing was changed`
      : `Cannot make the state as of record ${upTo}: ${start}, and ${snapshot}; nothing was changed`,
    { seq: seq + 1 },
  );
}

/** Replays records; `undefined` where one more was found to have no effect, so that the state is in doubt. */
async function replay<S, M>(
  sources: Sources<S, M>,
  state: S,
  range: { from: number; to: number },
): Promise<{ state: S; replayed: number } | undefined> {
  const { log, reducer, isBare, aborts, guard } = sources;
  let replayed = 0;
  if (range.to < range.from) return { state, replayed };
  const batches = recordBatches(log, range) ?? oneByOne(log.replay(range));
  for await (const records of batches) {
    for (const { seq, data } of records) {
      replayed++;
      const entry = entryOf(data, seq, isBare);
      if ("abort" in entry) {
        if (aborts.has(entry.abort) || entry.abort < range.from) continue;
        await aborts.learnFrom(range.from);
        aborts.add(entry.abort);
        return undefined;
      }
      if (aborts.has(seq)) continue;
      let isReduced = false;
      try {
        const mutations = mutationsOf<M>(entry, seq, reducer);
        isReduced = true;
        state = guard.run(() => reduce(state, mutations, reducer));
      } catch (error) {
        if (isNoPromise(error)) throw error;
        // It may be on record as aborted already, further on.
        await aborts.learnFrom(range.from);
        const isRefused = !isReduced || isUnreadable(error);
        if (isRefused && !aborts.has(seq)) throw withNumber(error, seq);
        if (!isReduced) continue;
        if (!aborts.has(seq)) aborts.unrecorded.push(seq);
        aborts.add(seq);
        return undefined;
      }
    }
  }
  return { state, replayed };
}

/** Whether `apply` says that no such record is known to it: a fault of none, and not to be passed over. Without `instanceof`, for it may come from another copy of this package. */
function isUnreadable(error: unknown): error is MiniError {
  const { code } = Object(error);
  return code === "UNSUPPORTED_FORMAT" || code === "CORRUPT";
}

/** The same error, with the number of the record where it has none. */
function withNumber(error: unknown, seq: number): unknown {
  if (!isUnreadable(error) || error.seq !== undefined) return error;
  return new MiniError(
    error.code,
    `Cannot make the state of record ${seq}: ${error.message}`,
    { cause: error, seq },
  );
}

async function* oneByOne<T>(
  items: AsyncIterable<T>,
): AsyncGenerator<T[], void, undefined> {
  for await (const item of items) yield [item];
}
