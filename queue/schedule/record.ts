import type { ScheduleState } from "../ledger/ledger.ts";
import type { ScheduleRecord } from "./options.ts";

/** A time by the clock of a schedule, as a date by the wall clock as it is set now. */
export function dateOf(
  { clock }: Pick<ScheduleState, "clock">,
  at: number,
  drift: number,
): Date {
  return new Date(clock === "queue" ? at + drift : at);
}

/** A schedule, as it is on record. */
export function recordOf(state: ScheduleState, drift: number): ScheduleRecord {
  const { name, last, missed } = state;
  const date = last === undefined ? last : dateOf(state, last, drift);
  return { name, last: date, missed };
}
