import type { Complaint } from "../admin/internal.ts";
import type { Problem } from "./api_types.ts";

const NEXT: Readonly<Record<string, string>> = {
  CORRUPT:
    "mini verify lists the damage in each segment; mini salvage copies everything readable to a new place, for a state or a queue with its newest snapshot; mini repair goes back to the last good record, and keeps the original",
  LOCKED:
    "the program that has it open can mount this page itself, and allow actions there; or stop it first",
  COMPACTED: "mini stat shows which records are left",
  TOO_LARGE:
    "set --max-record-bytes to the maxRecordBytes of the program that wrote it",
  UNSUPPORTED_FORMAT: "use the version that wrote it",
};

/** The next step for a problem of a segment, or of a request. */
export function withNextStep(told: Complaint): Problem {
  const next = NEXT[told.code];
  return { ...told, ...(next !== undefined && { next }) };
}
