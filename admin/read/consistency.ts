import type { SegmentCheck } from "./segment_check.ts";
import type { Finding } from "../finding.ts";
import type { LogSummary } from "./log_summary.ts";
import type { SnapshotCheck } from "./snapshot_check.ts";
import { basename } from "@std/path";
import { count, span } from "../../base/text.ts";

/** The facts about a log that matter for its snapshots. */
interface LogEnds {
  /** Its active segment. */
  readonly path: string;
  readonly first: number;
  readonly last: number;
  /** Its id; none for one of the Rust program. */
  readonly logId?: string;
  /** How many files it has. */
  readonly segments: number;
  /** How it ends. Where that is damaged, its last record is not known. */
  readonly end: SegmentCheck["end"];
  /** Whether its records carry no numbers, so that none can be skipped. */
  readonly isRust: boolean;
}

/** The losses that a log and its snapshots show. */
export interface Lost {
  readonly findings: readonly Finding[];
  /** The record of the snapshot that is ahead of the log, if one is. */
  readonly ahead: number | null;
}

/** The snapshots that opening would take. */
export function usableOf(snapshots: readonly SnapshotCheck[]): SnapshotCheck[] {
  return snapshots.filter(({ status }) =>
    status === "whole" || status === "unverified"
  );
}

/**
 * Whether a state can be made of a log and its snapshots, and lacks nothing.
 *
 * @param listed The newest snapshot there was before the log was read: a later one may stand behind what was seen of it.
 */
export function togetherness(
  log: LogEnds,
  snapshots: readonly SnapshotCheck[],
  listed: number,
): Lost {
  const usable = usableOf(snapshots);
  const strangers = log.last === 0
    ? []
    : usable.filter(({ logId }) =>
      logId !== undefined && log.logId !== undefined &&
      logId !== log.logId
    );
  const newest = usable.at(-1)?.seq ?? 0;
  const findings = strangers.map((snapshot) => stranger(log, snapshot));
  if (snapshots.length > 0 && newest + 1 < log.first) {
    findings.push(gap(log, newest));
  }
  const known = usable.filter(({ seq }) => seq <= listed).at(-1);
  const isOurs = known !== undefined && !strangers.includes(known);
  const lost = lostEnd(log, isOurs ? known : undefined);
  return { findings: [...findings, ...lost.findings], ahead: lost.ahead };
}

/** The loss at the end of a log, as far as its files and a snapshot show it. */
function lostEnd(
  log: LogEnds,
  newest: Pick<SnapshotCheck, "path" | "seq"> | undefined,
): Lost {
  if (log.end === "damaged") return { findings: [], ahead: null };
  if (newest !== undefined && newest.seq > log.last) {
    return { findings: [aheadOf(log, newest)], ahead: newest.seq };
  }
  const findings = log.end === "missing" ? [missingEnd(log.path)] : [];
  return { findings, ahead: null };
}

/** The same of a log that was looked at roughly; whether a snapshot is whole is for its caller to know. */
export function lostIn(
  path: string,
  { first, last, segments, ending, end, logId, problem }: LogSummary,
  snapshots: readonly Pick<SnapshotCheck, "path" | "seq" | "logId">[],
): Lost {
  const files = segments.filter(({ end }) => end !== "missing").length;
  const isRust = end === undefined;
  const ends = { path, first, last, segments: files, isRust, end: ending };
  const newest = snapshots.findLast(({ logId: of = logId }) =>
    logId === undefined || of === logId
  );
  // Where the segment before a missing one is damaged, the last record is not known.
  const isCut = problem !== undefined && ending === "missing";
  return lostEnd(ends, isCut || isSetAside(path) ? undefined : newest);
}

/** Whether a file is a segment that opening has replaced by a snapshot: those beside it are ahead of it. */
export function isSetAside(path: string): boolean {
  return /\.aside(-\d+)?$/.test(path);
}

/** The finding for a missing newest segment. */
export function missingEnd(path: string): Finding {
  return {
    code: "CORRUPT",
    message:
      `The newest segment "${path}" is missing: a rotation was cut short, or it was removed with its records; opening creates an empty one`,
    blocksOpen: false,
    remedy: "restore-copy",
    path,
  };
}

function stranger(
  log: LogEnds,
  { path, seq, logId }: SnapshotCheck,
): Finding {
  const message =
    `The snapshot "${path}" at record ${seq} belongs to the log ${logId}, and the log here is ${log.logId}`;
  return missing(message, true, path, seq);
}

function gap({ path, first }: LogEnds, newest: number): Finding {
  const seq = newest + 1;
  const message =
    `The newest intact snapshot is at record ${newest}, and the log "${path}" starts with record ${first}: the records between are missing`;
  return missing(message, true, path, seq);
}

/** The finding for a snapshot ahead of the log: opening continues after it, and uses no number twice. */
function aheadOf(
  { path: log, last, segments, isRust }: LogEnds,
  { path, seq }: Pick<SnapshotCheck, "path" | "seq">,
): Finding {
  const isGone = segments === 0;
  const what = isGone
    ? `There is no log "${log}" beside the snapshot "${path}" at record ${seq}: all records are missing`
    : `The snapshot "${path}" at record ${seq} is ahead of the log, which ends with record ${last}: ${
      span("record", last + 1, seq)
    } ${seq === last + 1 ? "is" : "are"} missing from it`;
  const then = isRust
    ? "opening refuses it"
    : `opening continues after the snapshot with record ${seq + 1}${
      isGone ? "" : ", and sets the existing segments aside"
    }`;
  const message =
    `${what}, and so is anything that followed record ${seq}; this happens when a backup is copied over the folder; ${then}`;
  return missing(message, isRust, path, last + 1);
}

/** The finding for records that a copy of the files may hold. */
function missing(
  message: string,
  blocksOpen: boolean,
  path: string,
  seq: number,
): Finding {
  const remedy = "restore-copy";
  return { code: "CORRUPT", message, blocksOpen, remedy, path, seq };
}

/** Explains an unfinished write at the end. */
export function tornMessage(
  { tornBytes, path, last }: {
    readonly tornBytes: number;
    readonly path: string;
    readonly last: number;
  },
): string {
  return `torn: ${
    count(tornBytes, "byte")
  } of an unfinished line at the end; opening keeps them in ${
    basename(path)
  }.torn and continues after record ${last}; no later line proves that they were acknowledged: a crash leaves such an end, and so does cutting the file`;
}
