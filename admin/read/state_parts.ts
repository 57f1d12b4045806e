import type { JournalContext } from "../../store/internal.ts";
import { MiniStore } from "../../store/mod.ts";
import { SnapStore } from "../../snap/mod.ts";
import type { AppliedMutation } from "../../state/mod.ts";
import { Aborts, effectiveMutations } from "../../state/internal.ts";
import { MiniError } from "../../base/errors.ts";
import type { LogSummary } from "./log_summary.ts";
import { reading } from "./locate.ts";
import { readOnlyLog } from "./read_only.ts";
import { AS_WRITTEN } from "./snapshot_check.ts";

/** Where a state is made from. */
export interface Start {
  readonly snapshot: number;
  readonly state?: unknown;
}

/** The parts of a state. */
export interface StateParts {
  readonly start: Start;
  /** Damaged snapshots that were skipped. */
  readonly rejected: readonly { path: string; error: MiniError }[];
  /** The mutations behind the snapshot that have an effect, from record `from` on. */
  mutations(
    from?: number,
  ): AsyncIterable<AppliedMutation<unknown>>;
}

/** Whether a log holds bare mutations, as the Rust program writes them. */
export function isRustLog({ logId, end }: LogSummary): boolean {
  return logId === undefined && end === undefined;
}

/**
 * Finds what the state as of record `at` is made of.
 *
 * @param aborts Which records have no effect, where that was found out already.
 */
export async function stateParts(
  context: JournalContext,
  found: LogSummary,
  at: number,
  aborts?: Aborts,
): Promise<StateParts> {
  const { directory } = context.paths;
  const snapshots = new SnapStore(directory, {
    fs: context.fs,
    codec: AS_WRITTEN,
    readOnly: true,
  });
  const restored = await snapshots.restore(at);
  assertSame(context, restored?.logId, found.logId);
  const { seq = 0 } = restored ?? {};
  const start: Start = restored === undefined
    ? { snapshot: 0 }
    : { snapshot: seq, state: restored.state };
  const to = Math.min(at, found.last);
  if (seq + 1 < found.first && seq < to) throw gone(context, seq, found.first);
  assertReached(context, found, at, { seq, rejected: snapshots.rejected });
  const isRust = isRustLog(found);
  const log = readOnlyLog(context, found);
  const known = aborts ?? new Aborts(log, isRust);
  // That a record was aborted stands somewhere behind it.
  if (to > seq) await known.learnFrom(seq + 1);
  const { rejected } = snapshots;
  return {
    start,
    rejected,
    async *mutations(from = seq + 1) {
      if (to <= seq) return;
      const sources = {
        // As written, whatever their version.
        reducer: {
          version: Infinity,
          upcast: (mutation: unknown) => mutation,
        },
        isRust,
        aborts: known,
      };
      const range = { ...reading(context), from, to };
      const records = MiniStore.replay<unknown>(context.paths.active, range);
      yield* effectiveMutations(sources, records, () => Promise.resolve(true));
    },
  };
}

function assertSame(
  { paths: { active: path } }: JournalContext,
  snapshot: string | undefined,
  log: string | undefined,
): void {
  if (snapshot === undefined || log === undefined || snapshot === log) return;
  const message =
    `Cannot rebuild the state: the snapshot belongs to the log ${snapshot}, and "${path}" is the log ${log}`;
  throw new MiniError("CORRUPT", message, { path });
}

/** Throws where state `at` stands between the end of a log and a snapshot ahead of it; one that is damaged is told of otherwise. */
export function assertReached(
  { paths: { active: path } }: JournalContext,
  { last }: LogSummary,
  at: number,
  { seq, rejected }: { seq: number; rejected: readonly unknown[] },
): void {
  if (at <= last || at <= seq || rejected.length > 0) return;
  const message =
    `Cannot rebuild the state of record ${at}: the log "${path}" ends with record ${last}, and there is no snapshot at record ${at}`;
  throw new MiniError("CORRUPT", message, { path, seq: last + 1 });
}

function gone(
  { paths: { active: path } }: JournalContext,
  seq: number,
  first: number,
): MiniError {
  const since = seq === 0
    ? "there is no snapshot at or below it"
    : `the newest snapshot at or below it is at record ${seq}`;
  const message =
    `Cannot rebuild that state: ${since}, and the log "${path}" starts with record ${first}`;
  return new MiniError("COMPACTED", message, { path, seq: seq + 1 });
}
