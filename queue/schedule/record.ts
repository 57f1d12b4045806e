import type { Ledger, ScheduleState } from "../ledger/ledger.ts";
import type { ScheduleRecord } from "./options.ts";

/** A time by the clock of a schedule, as a date by the wall clock: the same that a message of that time has. */
export function dateOf(
  { drift }: Pick<Ledger, "drift">,
  { clock }: Pick<ScheduleState, "clock">,
  at: number,
): Date {
  return new Date(clock === "queue" ? at + drift : at);
}

/** A schedule, as it is on record. */
export function recordOf(
  ledger: Pick<Ledger, "drift">,
  state: ScheduleState,
): ScheduleRecord {
  const { name, last, missed } = state;
  const date = last === undefined ? last : dateOf(ledger, state, last);
  return { name, last: date, missed };
}
