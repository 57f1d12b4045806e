import { type Complaint, nextAfter } from "../admin/internal.ts";
import type { Problem } from "./api_types.ts";

/** Who reads the page has it mounted, or may want to. */
const LOCKED =
  "the program that has it open can mount this page itself, and allow actions there; or stop it first";

/** The next step for a problem of a segment, or of a request. */
export function withNextStep(told: Complaint): Problem {
  const next = told.code === "LOCKED" ? LOCKED : nextAfter(told.code);
  return { ...told, ...(next !== undefined && { next }) };
}
