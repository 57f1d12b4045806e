/** The schedules of a queue, and what it keeps. */
import type { KeepRow, QueueLimits, ScheduleRow } from "../../api_types.ts";
import { el, faint } from "../parts/dom.ts";
import { cell, table } from "../parts/table.ts";
import { count, duration, grouped, moment } from "../parts/text.ts";

/** Shows when each schedule has fired, and will. */
export function scheduleTable(schedules: readonly ScheduleRow[]): HTMLElement {
  // Only the open queue knows what comes.
  const isOpen = schedules.some(({ next, problem }) => next ?? problem);
  const rows = schedules.map(({ name, last, missed, next, problem }) =>
    el(
      "tr",
      { class: problem === undefined ? undefined : "damaged" },
      cell("", name),
      cell("", last === undefined ? "has not fired" : moment(last)),
      cell("", grouped(missed)),
      isOpen && cell("status", problem ?? (next && moment(next))),
    )
  );
  const names = ["name", "fired last", "missed"];
  return table("schedules", isOpen ? [...names, "fires next"] : names, rows);
}

/** Says what is kept of messages that have ended. */
export function limitsNote({ finished, dead }: QueueLimits): HTMLElement {
  const texts = [
    finished === undefined
      ? "no finished message is kept"
      : `of finished messages it keeps ${limitsText(finished)}`,
    dead === undefined
      ? "every dead letter is kept"
      : `of dead letters ${limitsText(dead)}`,
  ];
  return faint(texts.join("; "));
}

function limitsText({ count: most, bytes, ageMs }: KeepRow): string {
  const texts = [
    most !== undefined && `the last ${count(most, "message")}`,
    bytes !== undefined && `${count(bytes, "character")} of JSON`,
    ageMs !== undefined && `those of the last ${duration(ageMs)}`,
  ];
  return texts.filter((text) => text !== false).join(", and of these ");
}
