import { MiniError } from "../base/errors.ts";
import type { Log, LogRecord } from "../store/mod.ts";
import { given } from "../base/promise.ts";
import type { SnapCodec, Snapshots } from "../snap/mod.ts";
import { type Aborts, isCompacted } from "./aborts.ts";
import { Checkpoint } from "./checkpoint.ts";
import { messageOf } from "../base/reason.ts";
import {
  type Entry,
  entryOf,
  freeze,
  type Guard,
  isNoPromise,
  mutationsOf,
  reduce,
  type Reducer,
} from "./entry.ts";

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
  /** To and from plain JSON, where the state is not that itself. */
  readonly codec?: SnapCodec<S> | undefined;
  /** Whether a mutation that had been applied and throws now is refused, or left out. @default {"refuse"} */
  readonly onReplayThrow?: "refuse" | "abort" | undefined;
  /** Up to where records are known to have been applied. @default {as the log and the snapshots prove} */
  provenUpTo?: number;
  /** A state to start from, in place of a snapshot on disk. */
  checkpoint?: Checkpoint<S> | undefined;
}

/** Where to start from. */
interface Start<S> {
  readonly state: S;
  readonly seq: number;
  /** The id of the log that the snapshot belongs to, where it says so. */
  readonly logId?: string | undefined;
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
  // Before damaged ones are set aside: they prove it as well.
  await provenUpTo(sources);
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

/**
 * Makes the state as it was after record `seq`, whose mutation has no effect,
 * and keeps a checkpoint of it: the next one that throws costs no more than what
 * was applied since.
 */
export async function buildWithout<S, M>(
  sources: Sources<S, M>,
  seq: number,
): Promise<S> {
  const { state } = await build(sources, seq, "CORRUPT");
  if (!sources.checkpoint?.isRecent) {
    sources.checkpoint = await Checkpoint.of(sources.codec, state, seq);
  }
  return state;
}

/** Where to start: a checkpoint, the newest snapshot of this version, or that could be migrated, or nothing. */
async function findStart<S, M>(
  sources: Sources<S, M>,
  upTo: number,
): Promise<Start<S>> {
  const { snapshots, reducer, initial, migrate, log, checkpoint } = sources;
  if (checkpoint !== undefined && checkpoint.seq <= upTo) {
    return {
      state: await checkpoint.restore(),
      seq: checkpoint.seq,
      unusable: 0,
    };
  }
  let unusable = 0;
  let unusableVersion = 0;
  for (let below = upTo;;) {
    const found = await snapshots.restore(below);
    const { seq = 0, version = 0, logId } = found ?? {};
    // An empty log is what is left when one was lost: the snapshot covers it.
    if (seq > 0 && log.sequence > 0) assertSame(seq, logId, log.id);
    const state = found === undefined
      ? initial()
      : version === (reducer.version ?? 0)
      ? found.state
      : given("migrate", migrate?.(found.state, version), true);
    if (state !== undefined || found === undefined) {
      if (unusable > 0 && log.firstSequence > seq + 1) break;
      if (reducer.immutable === "checked") freeze(state);
      return { state: state as S, seq, logId, unusable };
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

/** Replays records. */
async function replay<S, M>(
  sources: Sources<S, M>,
  state: S,
  range: { from: number; to: number },
): Promise<{ state: S; replayed: number }> {
  const { isBare, aborts } = sources;
  let replayed = 0;
  if (range.to < range.from) return { state, replayed };
  for await (const records of recordsIn(sources, range)) {
    for (const { seq, data } of records) {
      replayed++;
      sources.checkpoint?.keep(seq, () => JSON.stringify(data));
      const entry = entryOf(data, seq, isBare);
      if ("abort" in entry) {
        if (aborts.has(entry.abort) || entry.abort < range.from) continue;
        // It was applied above, and so may others be whose abort stands further on.
        await aborts.learnFrom(range.from);
        aborts.add(entry.abort);
        state = (await build(sources, seq, "CORRUPT")).state;
      } else if (!aborts.has(seq)) {
        const next = applyEntry(sources, state, entry, seq);
        state = "state" in next
          ? next.state
          : await passOver(sources, state, { ...next, seq, from: range.from });
      }
    }
  }
  return { state, replayed };
}

/** Records, many at a time: from memory where a checkpoint has them. */
function recordsIn<S, M>(
  { log, checkpoint }: Sources<S, M>,
  range: { from: number; to: number },
):
  | AsyncIterable<Iterable<LogRecord<unknown>>>
  | Iterable<LogRecord<unknown>[]> {
  const kept = checkpoint?.seq === range.from - 1
    ? checkpoint.recordsUpTo(range.to)
    : undefined;
  if (kept !== undefined) return [kept];
  return log.replayChunks?.(range) ?? oneByOne(log.replay(range));
}

/** The state after an entry, or why there is none. */
function applyEntry<S, M>(
  { reducer, guard }: Sources<S, M>,
  state: S,
  entry: Entry,
  seq: number,
): { state: S } | { error: unknown; isReduced: boolean } {
  let isReduced = false;
  try {
    const mutations = mutationsOf<M>(entry, seq, reducer);
    isReduced = true;
    return { state: guard.run(() => reduce(state, mutations, reducer)) };
  } catch (error) {
    return { error, isReduced };
  }
}

/** The state without a mutation that throws, unless it had been applied: then the code has changed, and goes no further. */
async function passOver<S, M>(
  sources: Sources<S, M>,
  state: S,
  { seq, from, error, isReduced }: {
    seq: number;
    from: number;
    error: unknown;
    isReduced: boolean;
  },
): Promise<S> {
  if (isNoPromise(error)) throw error;
  const { aborts, reducer } = sources;
  const { known } = aborts;
  // It may be on record as aborted, further on.
  await aborts.learnFrom(from);
  if (aborts.known > known) {
    // So may others that were applied above: it need not throw without them.
    return (await build(sources, seq, "CORRUPT")).state;
  }
  if (!aborts.has(seq)) {
    if (!isReduced || isUnreadable(error)) throw withNumber(error, seq);
    const isRefused = sources.onReplayThrow !== "abort" &&
      seq <= await provenUpTo(sources);
    if (isRefused) throw replayFailed(seq, error);
    aborts.addUnrecorded(seq, true);
  }
  if (reducer.immutable) return state;
  return await buildWithout(sources, seq);
}

/** Up to where it is on record that every mutation was applied, or its abort recorded. */
async function provenUpTo<S, M>(sources: Sources<S, M>): Promise<number> {
  const { isBare, log, snapshots } = sources;
  if (isBare) return 0;
  return sources.provenUpTo ??= Math.max(
    log.applied ?? 0,
    ...(await snapshots.list()).map(({ seq }) => seq),
  );
}

function replayFailed(seq: number, cause: unknown): MiniError {
  return new MiniError(
    "REPLAY_FAILED",
    `Cannot make the state: apply throws for record ${seq}, which had been applied (${
      messageOf(cause)
    }): the code has changed; nothing was changed on disk: run the code that wrote the record, or code that can apply it, or leave it out for good with onReplayThrow: "abort"`,
    { seq, cause },
  );
}

/** Whether `apply` says, by an error of this package, that it does not know such a record. Without `instanceof`, for it may come from another copy. */
function isUnreadable(error: unknown): error is MiniError {
  const { name } = Object(error);
  return name === "MiniError [UNSUPPORTED_FORMAT]" ||
    name === "MiniError [CORRUPT]";
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
