import { MiniError } from "../../base/errors.ts";
import type { SnapshotReader, Snapshots } from "../../snap/mod.ts";
import type { Log, LogReader } from "../../store/mod.ts";
import { textOf } from "./snapshots.ts";

/** How much is on its way at once. */
const AT_ONCE = { records: 1_000, chars: 4 * 1024 * 1024 };

/** A log and its snapshots, for reading. */
export interface MoveSource {
  readonly log: LogReader<unknown> & { readonly applied?: number };
  readonly snapshots: SnapshotReader<unknown>;
}

/** A log and its snapshots, to be filled. */
export interface MoveTarget {
  readonly log: Log<unknown>;
  readonly snapshots: Snapshots<unknown>;
}

/**
 * The result of copying a log: what stands in the copy, every record and every
 * snapshot of which was read back and compared.
 */
export interface MoveReport {
  /** The id of the log, here and there. */
  readonly id: string;
  /** The number of its first record, one after the last if there is none. */
  readonly firstSequence: number;
  /** The number of its last record. */
  readonly sequence: number;
  /** The numbers at which its snapshots stand. */
  readonly snapshots: readonly number[];
}

/** Lets an empty log begin where another does, as that log. */
export async function beginAs(
  to: Log<unknown>,
  { firstSequence, id }: LogReader<unknown>,
): Promise<void> {
  await to.resetTo!(firstSequence - 1, id);
}

/** Copies the records of a log, and its snapshots, to one that begins where it does, and compares them. */
export async function copyAll(
  from: MoveSource,
  to: MoveTarget,
  signal?: AbortSignal,
): Promise<MoveReport> {
  const { firstSequence, sequence } = from.log;
  const id = from.log.id!;
  await copyLog(from.log, to.log, signal);
  const snapshots = await copySnapshots(from, to, signal);
  await compareLogs(from.log, to.log, signal);
  return { id, firstSequence, sequence, snapshots };
}

async function copyLog(
  from: MoveSource["log"],
  to: Log<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { sequence, applied = 0 } = from;
  let waiting: Promise<number>[] = [];
  let chars = 0;
  for await (
    const { seq, data } of from.replay({ ...(signal && { signal }) })
  ) {
    const json = textOf(data);
    // What had been applied stays applied.
    const options = seq === sequence ? { applied: () => applied } : {};
    const appended = to.appendJson!(json, options);
    appended.catch(() => {});
    waiting.push(appended);
    chars += json.length;
    if (waiting.length < AT_ONCE.records && chars < AT_ONCE.chars) continue;
    await Promise.all(waiting);
    [waiting, chars] = [[], 0];
  }
  await Promise.all(waiting);
}

async function copySnapshots(
  from: MoveSource,
  to: MoveTarget,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const copied: number[] = [];
  for (const { seq } of await from.snapshots.list()) {
    signal?.throwIfAborted();
    const found = await from.snapshots.restore(seq);
    // A damaged one is of no use there either.
    if (found?.seq !== seq) continue;
    const { state, logId, version } = found;
    await to.snapshots.create(state, seq, {
      ...(logId !== undefined && { logId }),
      ...(version !== undefined && { version }),
    });
    const copy = await to.snapshots.restore(seq);
    const isSame = copy?.seq === seq && copy.logId === logId &&
      copy.version === version && textOf(copy.state) === textOf(state);
    if (!isSame) throw differs(`snapshot ${seq}`);
    copied.push(seq);
  }
  return copied;
}

/** Reads both logs, record by record. */
async function compareLogs(
  from: LogReader<unknown>,
  to: LogReader<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isWhole = to.id === from.id && to.sequence === from.sequence &&
    to.firstSequence === from.firstSequence;
  if (!isWhole) throw differs("its beginning or its end");
  const range = { ...(signal && { signal }) };
  const copies = to.replay(range)[Symbol.asyncIterator]();
  try {
    for await (const { seq, data } of from.replay(range)) {
      const { value: copy } = await copies.next();
      const isSame = copy?.seq === seq && textOf(copy.data) === textOf(data);
      if (!isSame) throw differs(`record ${seq}`);
    }
  } finally {
    await copies.return?.();
  }
}

function differs(what: string): MiniError {
  const message =
    `The copy does not read back as it was written: ${what} differs; the original is unchanged`;
  return new MiniError("IO", message);
}
