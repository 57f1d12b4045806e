import { explain } from "../admin/internal.ts";
import type { Health } from "../base/telemetry/health.ts";
import type { HealthRow, Problem } from "./api_types.ts";
import { withNextStep } from "./next_step.ts";
import type { Redactor } from "./redact.ts";

/** An error as it may be shown. */
export function problemOf(error: unknown, redactor: Redactor): Problem {
  const told = explain(error);
  return withNextStep({ ...told, message: redactor.error(told.message) });
}

/** A health as it may be shown. */
export function healthRow(
  { status, reasons }: Health,
  redactor: Redactor,
): HealthRow {
  const rows = reasons.map(({ code, severity, message }) => ({
    code,
    severity,
    message: redactor.error(message),
  }));
  return { status, reasons: rows };
}
