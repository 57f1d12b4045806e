/** The schedules of a queue. */
import type { ScheduleRow } from "../../api_types.ts";
import { el } from "../parts/dom.ts";
import { cell, table } from "../parts/table.ts";
import { grouped, moment } from "../parts/text.ts";

/** Shows when each schedule has fired. */
export function scheduleTable(schedules: readonly ScheduleRow[]): HTMLElement {
  const rows = schedules.map(({ name, last, missed }) =>
    el(
      "tr",
      {},
      cell("", name),
      cell("", last === undefined ? "has not fired" : moment(last)),
      cell("", grouped(missed)),
    )
  );
  return table("schedules", ["name", "fired last", "missed"], rows);
}
