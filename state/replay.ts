import { MiniError } from "../store/errors.ts";
import type { Log, Snapshots } from "./interfaces.ts";
import { entryOf, mutationsOf, reduce, type Reducer } from "./mutation.ts";

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
  /** Mutations that are known to have no effect; more may be found. */
  readonly aborted: Set<number>;
}

/** A state at a number. */
export interface Built<S> {
  readonly state: S;
  readonly snapshotSequence: number;
  /** The id of the log that the snapshot belongs to, where it says so. */
  readonly journal?: string | undefined;
  readonly replayed: number;
  readonly rejected: readonly unknown[];
}

/** Makes the state as it was after record `upTo`, or after the last, from the newest snapshot that helps. */
export async function build<S, M>(
  sources: Sources<S, M>,
  upTo: number,
  codeOfGap: "CORRUPT" | "COMPACTED",
): Promise<Built<S>> {
  const { log, aborted } = sources;
  for (let attempt = 0;; attempt++) {
    const { state, seq, rejected, journal } = await start(sources, upTo);
    const to = Math.min(upTo, log.sequence);
    if (log.firstSequence > seq + 1 && to > seq) {
      throw new MiniError(
        codeOfGap,
        `Cannot make the state: the newest snapshot stands at record ${seq}, and the log starts with record ${log.firstSequence}; nothing was changed`,
        { seq: seq + 1 },
      );
    }
    const known = aborted.size;
    const built = await replay(sources, state, { from: seq + 1, to });
    if (built !== undefined) {
      return { ...built, snapshotSequence: seq, rejected, journal };
    }
    // Once is enough to learn of all that were recorded as aborted.
    if (attempt === 0) await findAborted(sources, seq + 1, log.sequence);
    else if (aborted.size === known) throw new Error("replay makes no headway");
  }
}

interface Start<S> {
  readonly state: S;
  readonly seq: number;
  readonly rejected: readonly unknown[];
  readonly journal?: string | undefined;
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

/** Where to start: a snapshot of this version, one that could be migrated, or nothing. */
async function start<S, M>(
  { snapshots, reducer, initial, migrate, log }: Sources<S, M>,
  upTo: number,
): Promise<Start<S>> {
  const found = await snapshots.restore(upTo);
  const rejected = found?.rejected ?? [];
  if (found === undefined) return { state: initial(), seq: 0, rejected };
  const { state, seq, journal, version = 0 } = found;
  // An empty log is what is left when one was lost: the snapshot covers it.
  if (seq > 0 && log.sequence > 0) assertSame(seq, journal, log.journal);
  if (version === (reducer.version ?? 0)) {
    return { state, seq, rejected, journal };
  }
  const migrated = migrate?.(state, version);
  if (migrated !== undefined) {
    return { state: migrated, seq, rejected, journal };
  }
  if (log.firstSequence > 1) {
    throw new MiniError(
      "UNSUPPORTED_FORMAT",
      `Cannot make the state: the snapshot at record ${seq} is of version ${version}, and the log behind it was compacted; give a migrate function`,
      { seq },
    );
  }
  return { state: initial(), seq: 0, rejected };
}

/** Replays records; `undefined` where one more was found to have no effect, so that the state is in doubt. */
async function replay<S, M>(
  { log, reducer, isBare, aborted }: Sources<S, M>,
  state: S,
  range: { from: number; to: number },
): Promise<{ state: S; replayed: number } | undefined> {
  let replayed = 0;
  if (range.to < range.from) return { state, replayed };
  for await (const { seq, data } of log.replay(range)) {
    replayed++;
    const entry = entryOf(data, seq, isBare);
    if ("abort" in entry) {
      if (aborted.has(entry.abort) || entry.abort < range.from) continue;
      aborted.add(entry.abort);
      return undefined;
    }
    if (aborted.has(seq)) continue;
    const mutations = mutationsOf(entry, seq, reducer);
    try {
      state = reduce(state, mutations, reducer);
    } catch {
      aborted.add(seq);
      return undefined;
    }
  }
  return { state, replayed };
}

/** Learns which mutations of these records were recorded as having no effect. */
export async function findAborted<S, M>(
  { log, isBare, aborted }: Sources<S, M>,
  from: number,
  to: number,
): Promise<void> {
  for await (const { seq, data } of log.replay({ from, to })) {
    const entry = entryOf(data, seq, isBare);
    if ("abort" in entry) aborted.add(entry.abort);
  }
}
