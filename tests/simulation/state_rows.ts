import type { MiniError } from "@mini/state/store";
import type { StateRecoveryReport } from "@mini/state/state";
import type { Row } from "./rows.ts";

/** The rows that the recovery of a state shows. */
export function rowsOfState(
  { snapshotSequence, logEndedAt, rejected, aborted, outcome }:
    StateRecoveryReport,
): Row[] {
  const rows: Row[] = [];
  if (rejected.length > 0) {
    rows.push(
      snapshotSequence > 0
        ? "snapshot: damaged, the one before it"
        : "snapshot: damaged, and no other, from the first record",
    );
  } else if (snapshotSequence > 0) rows.push("snapshot: the newest is whole");
  else if (outcome !== "created") {
    rows.push("snapshot: none, from the first record");
  }
  if (logEndedAt !== undefined) {
    rows.push(
      logEndedAt > 0
        ? "snapshot: ahead of the log"
        : "snapshot: the log is lost",
    );
  }
  if (aborted.length > 0) rows.push("abort: on record");
  return rows;
}

/** The row that the refusal to open a state shows. */
export function rowOfRefusal({ code, message }: MiniError): Row | undefined {
  if (
    code === "CORRUPT" &&
    /newest snapshot is at record \d+, and the log starts with record \d+/
      .test(message)
  ) {
    return "snapshot: none reaches the log, corrupt";
  }
  if (code === "CORRUPT" && /belongs to the log/.test(message)) {
    return "snapshot: of another journal";
  }
  if (
    code === "UNSUPPORTED_FORMAT" &&
    /snapshot_\d+\.json": it was written by a newer/.test(message)
  ) {
    return "snapshot: of a newer version";
  }
  return undefined;
}
