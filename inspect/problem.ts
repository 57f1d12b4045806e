import { explain } from "../admin/internal.ts";
import type { Problem } from "./api_types.ts";
import { withNextStep } from "./next_step.ts";
import type { Redactor } from "./redact.ts";

/** An error as it may be shown. */
export function problemOf(error: unknown, redactor: Redactor): Problem {
  const told = explain(error);
  return withNextStep({ ...told, message: redactor.error(told.message) });
}
