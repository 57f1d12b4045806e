import type { Fired, NewMessage, ScheduleChange } from "./entry.ts";
import type { Ledger, LedgerMessage, ScheduleState } from "./ledger.ts";

/** The most ranges of fired occurrences that a schedule keeps. */
export const MAX_RANGES = 100;

/** The schedule with a name. */
export function scheduleIn(
  { schedules }: Pick<Ledger, "schedules">,
  name: string,
): ScheduleState | undefined {
  return schedules?.find((schedule) => schedule.name === name);
}

/** The time up to which it is decided which occurrences fire, given the time now: none up to here fires any more. */
export function decidedTo(
  { since, upTo = since, ahead }: ScheduleState,
  now: number,
): number {
  return ahead !== undefined && now >= ahead ? ahead : upTo;
}

/** The end of the range of fired occurrences that an occurrence lies in. */
export function firedTo(
  { fired }: Pick<ScheduleState, "fired">,
  at: number,
): number | undefined {
  return fired.find(([from, to]) => from <= at && at <= to)?.[1];
}

/** Adds schedules, lets them continue from another time, or drops them. */
export function changeSchedules(
  ledger: Ledger,
  changes: readonly ScheduleChange[],
): void {
  const schedules = ledger.schedules ??= [];
  for (const change of changes) {
    const { name } = change;
    const found = scheduleIn(ledger, name);
    if ("gone" in change) {
      if (found !== undefined) schedules.splice(schedules.indexOf(found), 1);
    } else if (found === undefined) {
      const { since, clock } = change;
      const added = { name, clock, since, fired: [], missed: 0 };
      schedules.push(added);
    } else moveBack(found, change.since);
  }
  if (schedules.length === 0) delete ledger.schedules;
}

/** Lets a schedule continue from a time long before its last occurrence. */
function moveBack(schedule: ScheduleState, since: number): void {
  schedule.ahead = decidedTo(schedule, Infinity);
  schedule.since = since;
  delete schedule.upTo;
}

/** Fires occurrences, and passes over others. Skips what was decided before. */
export function fireAll<T>(
  ledger: Ledger<T>,
  all: readonly Fired<T>[],
  enqueue: (
    message: NewMessage<T>,
    origin: Pick<LedgerMessage, "schedule" | "scheduledFor">,
  ) => void,
): void {
  for (const { name, for: at, skipped, message } of all) {
    const schedule = scheduleIn(ledger, name);
    // Its own record may be applied a second time.
    if (!schedule || firedTo(schedule, at) !== undefined) continue;
    if (skipped === undefined) noteFired(schedule, at, decidedTo(schedule, at));
    else if (message !== undefined) noteFired(schedule, at, at);
    schedule.missed += skipped ?? (message === undefined ? 1 : 0);
    schedule.upTo = at;
    if (at >= (schedule.ahead ?? Infinity)) delete schedule.ahead;
    if (message === undefined) continue;
    schedule.last = at;
    const drift = schedule.clock === "queue" ? ledger.drift : 0;
    enqueue(message, { schedule: name, scheduledFor: at + drift });
  }
}

/** Notes that every occurrence after `base`, up to and including one, has fired. */
function noteFired(
  schedule: ScheduleState,
  at: number,
  base: number,
): void {
  const { fired } = schedule;
  const before = fired.find(([from, to]) => from <= base && base <= to);
  const from = before?.[0] ?? at;
  const rest = fired.filter(([_, to]) => to < from || to > at);
  schedule.fired = [...rest, [from, at] as const].sort(([a], [b]) => a - b);
  // What lies between two ranges counts as fired rather than fire twice: long ago, or else in the far future.
  while (schedule.fired.length > MAX_RANGES) {
    const { fired } = schedule;
    const isPast = fired[1]![0] <= at;
    const index = isPast ? 0 : fired.length - 2;
    const [[start], [, end]] = [fired[index]!, fired[index + 1]!];
    fired.splice(index, 2, [start, end]);
  }
}
