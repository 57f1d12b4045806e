import type { JournalContext } from "../../store/internal.ts";
import type { SnapCodec } from "../../snap/mod.ts";
import { SnapStore } from "../../snap/mod.ts";
import { MiniError } from "../../base/errors.ts";
import type { PassedOver } from "./report.ts";
import { logIdIn } from "./reader.ts";
import { AS_WRITTEN, type SnapshotCheck } from "../read/snapshot_check.ts";

/** The snapshot that a rescued state begins with, and those that are of no use. */
export interface Choice {
  readonly chosen?: SnapshotCheck;
  readonly passedOver: readonly PassedOver[];
}

/**
 * Chooses the newest snapshot that is whole: it holds what the records up to it
 * did, those that cannot be read any more too.
 */
export async function chooseSnapshot(
  source: JournalContext,
  snapshots: readonly SnapshotCheck[],
): Promise<Choice> {
  const logId = await logIdIn(source);
  const passedOver: PassedOver[] = [];
  for (const snapshot of snapshots.toReversed()) {
    const { path, problem, logId: of = logId } = snapshot;
    // Passed over, it would be what the program that wrote it has done since that is lost.
    if (problem?.code === "UNSUPPORTED_FORMAT") throw problem;
    const isOther = logId !== undefined && of !== logId;
    if (problem === undefined && !isOther) {
      return { chosen: snapshot, passedOver };
    }
    const reason = problem === undefined
      ? `it belongs to the log ${of}`
      : "it is damaged";
    passedOver.push({ path, reason });
  }
  return { passedOver };
}

/** Writes a snapshot again, under the same number, for the log `logId`. */
export async function copySnapshot(
  source: JournalContext,
  to: JournalContext,
  seq: number,
  logId: string | undefined,
): Promise<void> {
  const codec = asItStands();
  const { fs, paths: { directory } } = source;
  const disk = new SnapStore(directory, { fs, codec, readOnly: true });
  const found = await disk.restore(seq);
  if (found?.seq !== seq) {
    const message =
      `The snapshot at record ${seq} in "${directory}" has changed`;
    throw new MiniError("IO", message, { path: directory });
  }
  const { state, version } = found;
  const snapshots = new SnapStore(to.paths.directory, { fs, codec });
  await snapshots.create(state, seq, {
    ...(logId !== undefined && { logId }),
    ...(version !== undefined && { version }),
  });
}

/** Takes a state as it stands in the file, and gives it back so: in parts where it was in parts. */
function asItStands(): SnapCodec<unknown> {
  let isInParts = false;
  return {
    decode: (json) => {
      isInParts = typeof json === "object" && json !== null &&
        Symbol.asyncIterator in json;
      return AS_WRITTEN.decode(json);
    },
    encode: (state) => isInParts ? (state as unknown[]).values() : state,
  };
}
