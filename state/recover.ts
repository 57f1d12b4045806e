import { MiniError } from "../base/errors.ts";
import type { Applier } from "./applier.ts";
import type { Compaction } from "./compaction/compaction.ts";
import type { StateRecoveryReport } from "./options.ts";
import { rebuild, type Rebuilt, type WritableSources } from "./rebuild.ts";

/** Gives the state of a log that is open for writing, if somebody has it already. */
export type HandOver<S, M> = (
  sources: WritableSources<S, M>,
) => Promise<Rebuilt<S> | undefined>;

/** Rebuilds the state when it is opened, unless it is handed over. */
export async function recover<S, M>(
  sources: WritableSources<S, M>,
  applier: Applier<S, M>,
  compaction: Compaction<S, M>,
  handOver?: HandOver<S, M>,
): Promise<StateRecoveryReport> {
  const { log, snapshots, aborts, isRust, options } = sources;
  const logEnd = log.sequence;
  const outcome = log.recovery?.outcome ??
    (logEnd === 0 ? "created" : "clean");
  const rebuilt = await handOver?.(sources) ??
    await rebuild(sources, Infinity, "CORRUPT");
  const { seq: snapshotSequence, replayed } = rebuilt;
  const isAhead = snapshotSequence > logEnd;
  if (isAhead) {
    if (isRust || log.resetTo === undefined) {
      throw endsBefore(snapshotSequence, logEnd);
    }
    await log.resetTo(snapshotSequence, rebuilt.logId);
  }
  applier.start(rebuilt.state, log.sequence);
  await compaction.start(rebuilt);
  const { failure: snapshotFailure } = compaction;
  const isDecided = options.onReplayThrow === "abort";
  if (isDecided) await applier.recordAborts();
  const undecided = isDecided ? [] : aborts.found;
  return {
    outcome,
    snapshotSequence,
    ...(isAhead && {
      logEndedAt: logEnd,
      reason: whyAhead(outcome, logEnd, snapshotSequence),
    }),
    replayed,
    aborted: aborts.all.filter((seq) =>
      seq > snapshotSequence && !undecided.includes(seq)
    ),
    undecided,
    ...(snapshotFailure !== undefined && { snapshotFailure }),
    rejected: [...snapshots.rejected ?? []],
  };
}

function endsBefore(snapshot: number, log: number): MiniError {
  return new MiniError(
    "CORRUPT",
    `Cannot open the state: there is a snapshot at record ${snapshot}, and the log ends with record ${log}: durable records are missing; nothing was changed`,
    { seq: log + 1 },
  );
}

/** Why a snapshot is ahead of the log, although it is made of what is durable in the log. */
function whyAhead(
  outcome: StateRecoveryReport["outcome"],
  log: number,
  snapshot: number,
): string {
  const found =
    `the log ended with record ${log}, and there is a snapshot at record ${snapshot}`;
  const copied =
    "an older copy, such as a backup, was put among newer files: the state is that of the snapshot, not of the copy";
  return outcome === "clean"
    ? `${found}: ${copied}`
    : `${found}: its end was lost, or ${copied}`;
}
