import { MiniError } from "../base/errors.ts";
import { given } from "../base/promise.ts";
import type { SnapCodec, SnapshotReader, Snapshots } from "../snap/mod.ts";
import type { Log, LogReader, LogRecord } from "../store/mod.ts";
import { Aborts, isCompacted, Undecided } from "./aborts.ts";
import { Checkpoint } from "./checkpoint.ts";
import { type Entry, entryOf, mutationsOf } from "./entry.ts";
import type { AppliedMutation } from "./options.ts";
import {
  assertSame,
  gap,
  isUnreadable,
  replayFailed,
  withNumber,
} from "./errors.ts";
import { freeze, Guard, isNoPromise, reduce, type Reducer } from "./reducer.ts";

/** Of the replayed records, one in `SAMPLED` is measured. */
export const SAMPLED = 100;

/** A log, and the snapshots of a state that it belongs to, for reading. */
export interface ReadSources<S> {
  readonly log: LogReader<unknown>;
  readonly snapshots: SnapshotReader<S>;
  /** Whether the log holds plain mutations, as the Rust program writes them. */
  isRust: boolean;
}

/** The same, for writing. */
export interface LogAndSnapshots<S> extends ReadSources<S> {
  readonly log: Log<unknown>;
  readonly snapshots: Snapshots<S>;
}

/** The options that say how a state is rebuilt. */
interface RebuildOptions<S, M> extends Reducer<S, M> {
  readonly initial: () => S;
  readonly migrate?:
    | ((state: unknown, fromVersion: number) => S | undefined)
    | undefined;
  readonly codec?: SnapCodec<S> | undefined;
  readonly onReplayThrow?: "refuse" | "abort" | undefined;
}

/** Everything that a state is rebuilt from. */
export interface RebuildSources<S, M> extends ReadSources<S> {
  readonly reducer: Reducer<S, M>;
  readonly options: Omit<RebuildOptions<S, M>, keyof Reducer<S, M>>;
  /** The records that have no effect. */
  readonly aborts: Aborts;
  /** Runs the caller's code. */
  readonly guard: Guard;
  /** The number up to which records are known to have been applied. @default {as the log and the snapshots prove} */
  provenUpTo?: number | undefined;
  /** A state to start from, instead of a snapshot. */
  checkpoint?: Checkpoint<S> | undefined;
  /**
   * Whether the log is another process's. Then a state is that of the records
   * before it alone, not of an abort further on, and a mutation whose `apply`
   * throws and that nothing proves to have been applied throws `Undecided`.
   */
  readonly isView?: boolean;
}

/** The same, of a state that is written. */
export type WritableSources<S, M> = RebuildSources<S, M> & LogAndSnapshots<S>;

/** Puts together what a state is rebuilt from. `aborts` are those that are known already. */
export function rebuildSources<S, M, F extends ReadSources<S>>(
  files: F,
  options: RebuildOptions<S, M>,
  aborts: Aborts = new Aborts(files.log, files.isRust),
): RebuildSources<S, M> & F {
  return {
    ...files,
    reducer: options,
    options,
    aborts,
    guard: new Guard(),
  };
}

/** The state that a rebuild starts from. */
interface Start<S> {
  readonly state: S;
  readonly seq: number;
  /** The id of the log that the snapshot belongs to, if it says so. */
  readonly logId?: string | undefined;
  /** The newest snapshot that is of another version and cannot be used; 0 for none. */
  readonly unusable: number;
}

/** The result of a rebuild; `seq` is the number that it started from. */
export interface Rebuilt<S> extends Start<S> {
  readonly replayed: number;
  /** The number that the state stands at. */
  readonly end: number;
  /** About how many bytes of JSON that was. */
  readonly replayedBytes: number;
}

/** Rebuilds the state as it was after record `upTo`, or after the last one, from the nearest snapshot. */
export async function rebuild<S, M>(
  sources: RebuildSources<S, M>,
  upTo: number,
  // Beside a writer that compacts, only what is newest cannot be missing.
  codeOfGap: "CORRUPT" | "COMPACTED" = sources.isView ? "COMPACTED" : "CORRUPT",
): Promise<Rebuilt<S>> {
  const { log, aborts } = sources;
  // A damaged snapshot proves it too, as long as it is not set aside.
  await provenUpTo(sources);
  for (;;) {
    await log.refresh?.();
    const { firstSequence } = log;
    try {
      const start = await findStart(sources, upTo);
      const from = start.seq + 1;
      const to = Math.min(upTo, log.sequence);
      if (log.firstSequence > from && to >= from) {
        throw gap(codeOfGap, upTo, start.seq, log.firstSequence);
      }
      if (sources.isView) aborts.readUpTo = to;
      // The abort of a record may stand after the last record that is replayed.
      else if (from <= to && to < log.sequence) await aborts.learnFrom(from);
      const rebuilt = await replay(sources, start.state, { from, to });
      if (sources.isView || to === log.sequence) aborts.knowFrom(from);
      return { ...start, ...rebuilt };
    } catch (error) {
      if (!isCompacted(error)) throw error;
      // A compaction meanwhile leaves a newer snapshot to start from.
      await log.refresh?.();
      if (log.firstSequence === firstSequence) throw error;
    }
  }
}

/**
 * Rebuilds the state as it was after record `seq`, whose mutation has no effect,
 * and keeps a checkpoint of it, so that the next rebuild costs no more than what
 * was applied since.
 */
export async function rebuildWithout<S, M>(
  sources: RebuildSources<S, M>,
  seq: number,
): Promise<Rebuilt<S>> {
  const rebuilt = await rebuild(sources, seq);
  if (!sources.checkpoint?.isRecent) {
    const { codec } = sources.options;
    sources.checkpoint = await Checkpoint.of(codec, rebuilt.state, seq);
  }
  return rebuilt;
}

/** Everything that mutations are read with. */
export interface EntrySources<M> {
  readonly reducer: Parameters<typeof mutationsOf<M>>[2];
  readonly isRust: boolean;
  readonly aborts: Pick<Aborts, "has" | "learning">;
}

/**
 * Reads the mutations in records, without those that have no effect.
 *
 * @param isApplied Resolves once it is known whether record `seq` has an effect;
 * to `false` if it never will be.
 */
export async function* effectiveMutations<M>(
  { reducer, isRust, aborts }: EntrySources<M>,
  records: AsyncIterable<LogRecord<unknown>>,
  isApplied: (seq: number) => Promise<boolean>,
): AsyncGenerator<AppliedMutation<M>, void, undefined> {
  for await (const { seq, data, at } of records) {
    if (!await isApplied(seq)) return;
    if (aborts.has(seq)) continue;
    const entry = entryOf(data, seq, isRust);
    for (const mutation of mutationsOf<M>(entry, seq, reducer)) {
      yield { seq, mutation, ...(at && { at }) };
    }
  }
}

/** Finds the state to start from: a checkpoint, the newest snapshot of this version or that can be migrated, or the initial state. */
export async function findStart<S, M>(
  sources: RebuildSources<S, M>,
  upTo: number,
): Promise<Start<S>> {
  const { snapshots, reducer, options, log, checkpoint } = sources;
  if (checkpoint !== undefined && checkpoint.seq <= upTo) {
    const { seq } = checkpoint;
    return { state: await checkpoint.restore(), seq, unusable: 0 };
  }
  let unusable = 0;
  let unusableVersion = 0;
  for (let below = upTo;;) {
    const found = await snapshots.restore(below);
    const { seq = 0, version = 0, logId } = found ?? {};
    // A log that was lost is empty: the snapshot stands for it.
    if (seq > 0 && log.sequence > 0) assertSame(seq, logId, log.id);
    const state = found === undefined
      ? options.initial()
      : version === (reducer.version ?? 0)
      ? found.state
      : given("migrate", options.migrate?.(found.state, version), true);
    if (state !== undefined || found === undefined) {
      if (unusable > 0 && log.firstSequence > seq + 1) break;
      if (reducer.immutable === "checked") freeze(state);
      return { state: state as S, seq, logId, unusable };
    }
    if (unusable === 0) [unusable, unusableVersion] = [seq, version];
    // Only this snapshot knows some records: they must not be lost, nor their numbers used again.
    if (seq > log.sequence) break;
    below = seq - 1;
  }
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot rebuild the state: the snapshot at record ${unusable} is of version ${unusableVersion}, and the log does not hold every record before it; nothing was changed: give a migrate function`,
    { seq: unusable },
  );
}

async function replay<S, M>(
  sources: RebuildSources<S, M>,
  state: S,
  range: { from: number; to: number },
): Promise<Pick<Rebuilt<S>, "state" | "replayed" | "replayedBytes" | "end">> {
  const { isRust, aborts } = sources;
  let [replayed, samples, sampledBytes] = [0, 0, 0];
  let end = range.from - 1;
  if (range.to < range.from) return { state, replayed, replayedBytes: 0, end };
  for await (const records of recordsIn(sources, range)) {
    for (const { seq, data } of records) {
      end = seq;
      sources.checkpoint?.keep(seq, () => JSON.stringify(data));
      const entry = entryOf(data, seq, isRust);
      if (replayed++ % SAMPLED === 0) {
        samples++;
        sampledBytes += JSON.stringify(data).length;
      }
      if ("abort" in entry) {
        if (aborts.has(entry.abort) || entry.abort < range.from) continue;
        // It was applied above, and so may others be whose abort stands further on.
        await aborts.learnFrom(range.from);
        aborts.add(entry.abort);
        state = (await rebuild(sources, seq)).state;
      } else if (!aborts.has(seq)) {
        const next = applyEntry(sources, state, entry, seq);
        state = "state" in next
          ? next.state
          : await passOver(sources, state, { ...next, seq, from: range.from });
      }
    }
  }
  const replayedBytes = replayed * sampledBytes / Math.max(1, samples);
  return { state, replayed, replayedBytes, end };
}

/** Reads records, many at a time, from memory if a checkpoint has them. */
function recordsIn<S, M>(
  { log, checkpoint }: RebuildSources<S, M>,
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
export function applyEntry<S, M>(
  { reducer, guard }: RebuildSources<S, M>,
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

/** Returns the state without a mutation whose `apply` throws. Throws if the mutation had been applied: then the code has changed. */
async function passOver<S, M>(
  sources: RebuildSources<S, M>,
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
  // It may be recorded as aborted, further on.
  await aborts.learnFrom(from);
  if (aborts.known > known) {
    // So may others that were applied above: without them it may not throw.
    return (await rebuild(sources, seq)).state;
  }
  if (!aborts.has(seq)) {
    if (!isReduced || isUnreadable(error)) throw withNumber(error, seq);
    const isProven = seq <= await provenUpTo(sources);
    const isRefused = isProven && sources.options.onReplayThrow !== "abort";
    if (isRefused) throw replayFailed(seq, error);
    // A journal of the Rust program never says.
    const mayBeDecided = !isProven && !sources.isRust;
    if (sources.isView && mayBeDecided) throw new Undecided(seq);
    aborts.addUnrecorded(seq, true);
  }
  if (reducer.immutable) return state;
  return (await rebuildWithout(sources, seq)).state;
}

/** The number up to which the log and the snapshots prove that every record was applied, or its abort recorded. */
export async function provenUpTo<S, M>(
  sources: RebuildSources<S, M>,
): Promise<number> {
  const { isRust, log, snapshots } = sources;
  if (isRust) return 0;
  return sources.provenUpTo ??= Math.max(
    log.applied ?? 0,
    ...(await snapshots.list()).map(({ seq }) => seq),
  );
}

async function* oneByOne<T>(
  items: AsyncIterable<T>,
): AsyncGenerator<T[], void, undefined> {
  for await (const item of items) yield [item];
}
