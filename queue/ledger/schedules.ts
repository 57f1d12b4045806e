import type { Fired, NewMessage, ScheduleChange } from "./entry.ts";
import type { Ledger, LedgerMessage } from "./ledger.ts";

/** The most occurrences that are kept of a schedule. */
const MAX_FIRED = 100;

/** Begins schedules, or forgets them. */
export function changeSchedules(
  ledger: Ledger,
  changes: readonly ScheduleChange[],
): void {
  const { schedules = {} } = ledger;
  for (const change of changes) {
    if ("gone" in change) delete schedules[change.name];
    else schedules[change.name] = { since: change.since, fired: [] };
  }
  ledger.schedules = schedules;
  for (const _ in schedules) return;
  delete ledger.schedules;
}

/** Records occurrences, and enqueues their messages. */
export function fireAll<T>(
  ledger: Ledger<T>,
  occurrences: readonly Fired<T>[],
  enqueue: (
    message: NewMessage<T>,
    origin: Pick<LedgerMessage, "schedule" | "scheduledFor">,
  ) => void,
): void {
  for (const { name, for: scheduledFor, message } of occurrences) {
    const state = ledger.schedules?.[name];
    // It may have been dropped in the meantime.
    if (state === undefined) continue;
    state.last = scheduledFor;
    state.fired = [...state.fired, scheduledFor].slice(-MAX_FIRED);
    if (message === undefined) continue;
    state.lastId = message.id;
    enqueue(message, { schedule: name, scheduledFor });
  }
}
