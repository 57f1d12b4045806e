import { isSetAside, tornMessage } from "../read/consistency.ts";
import type { SegmentEnd } from "../read/segment_check.ts";
import { isWell, type SeqRange, type VerifyReport } from "../verify.ts";
import { nextFor } from "./next_step.ts";
import type { Paint } from "./paint.ts";
import { count, grouped, size, span } from "../../base/text.ts";

/** How a journal ends, in words. */
export const ENDS: Readonly<Record<SegmentEnd, string>> = {
  sealed: "sealed",
  closed: "closed cleanly",
  open: "not closed: a program has it open, or ended without closing it",
  torn: "torn",
  unfinished: "its newest segment is unfinished: opening creates it again",
  missing: "its newest segment is missing",
  damaged: "damaged",
};

/** The most ranges of records that are listed. */
const MAX_RANGES = 5;

/** The result of verifying, in words. */
export function verifyLines(found: VerifyReport, paint: Paint): string[] {
  const { end, path, format, findings } = found;
  const lines = [path, headline(found)];
  if (format === "ministore") {
    lines.push(
      "a journal of the Rust crate: it has no checksums to verify",
    );
  }
  if (end === "torn") lines.push(paint("warn", tornMessage(found)));
  for (const { code, message } of findings) {
    lines.push(paint("bad", `${code}: ${message}`));
  }
  const hints = new Set(findings.flatMap((one) => nextFor(one, found) ?? []));
  for (const next of hints) lines.push(`next: ${next}`);
  const isHarmless = findings.every(({ blocksOpen, remedy }) =>
    !blocksOpen && remedy === "none"
  );
  if (findings.length > 0 && isHarmless) {
    lines.push(
      "next: nothing to do: an intact snapshot, or the log, covers what is damaged",
    );
  }
  for (const name of found.setAside) lines.push(`set aside: ${name}`);
  const isReplaced = found.setAside.some(isSetAside);
  if (isReplaced) lines.push(paint("warn", replacedLine(found)));
  else if (isWell(found)) lines.push(paint("good", "all is well"));
  return lines;
}

/** Explains segments that were set aside. */
function replacedLine(found: VerifyReport): string {
  const here = isWell(found) ? "what is here is intact, but " : "";
  return `${here}the log that was set aside ended before a snapshot: its end was lost, or a backup was copied over newer files, and the state is not that of the backup; to go back to a backup, move the folder away, and copy the backup into its place`;
}

function headline(found: VerifyReport): string {
  const { first, last, segments, sizeBytes, snapshots, end } = found;
  const files = [
    count(segments, "segment"),
    size(sizeBytes),
    ...(snapshots > 0 ? [count(snapshots, "snapshot")] : []),
  ].join(", ");
  if (segments === 0) return `${files}; there is no log`;
  if (found.damagedSegments > 0) return `${files}; ${damagedLine(found)}`;
  const records = last < first
    ? "no records"
    : `${span("record", first, last)} (${grouped(last - first + 1)})`;
  return `${records}, ${files}; ${ENDS[end]}`;
}

/** After the first damage of a segment no checksum is verified. */
function damagedLine(
  { format, last, verified, findings }: VerifyReport,
): string {
  if (format === "ministore") {
    return `not read to its end: ${
      last === 0 ? "no record is" : `${span("record", 1, last)} are`
    } before the part that cannot be read`;
  }
  const word = findings.some(({ code }) => code === "CORRUPT")
    ? "damaged"
    : "not read to its end";
  if (verified.length === 0) return `${word}: no record is verified`;
  const total = verified.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return `${word}: only ${rangesText(verified)} (${grouped(total)}) ${
    total === 1 ? "is" : "are"
  } verified`;
}

function rangesText(ranges: readonly SeqRange[]): string {
  const told = ranges.slice(0, MAX_RANGES)
    .map(({ from, to }) => span("record", from, to));
  const more = ranges.length - told.length;
  return [...told, ...(more > 0 ? [`${more} more ranges`] : [])].join(", ");
}
