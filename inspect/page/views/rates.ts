/** The rates of an open queue over the last minutes. */
import type { QueueRates } from "../../api_types.ts";
import { chart, type Line } from "../parts/chart.ts";
import { el } from "../parts/dom.ts";
import { duration } from "../parts/text.ts";

/** The rate now is the mean of this many seconds. */
const NOW_SECONDS = 10;

/** Draws how many messages came and went in each second, and how long they had waited. */
export function rateCharts(rates: QueueRates): HTMLElement {
  const rate = (name: string, kind: string, all: readonly number[]): Line => {
    const values = whole(all);
    const perSecond = mean(values.slice(-NOW_SECONDS));
    return { name, kind, values, now: `${rounded(perSecond)}/s` };
  };
  const lines = [
    rate("enqueued", "enqueued", rates.enqueued),
    rate("done", "done", rates.done),
    rate("tried again", "retried", rates.retried),
    rate("dead", "dead", rates.dead),
  ];
  const waited = whole(rates.waitedMs);
  const now = duration(waited.findLast((ms) => ms > 0) ?? 0);
  const waits = [{ name: "waited", kind: "enqueued", values: waited, now }];
  return el(
    "div",
    { class: "charts" },
    chart("Messages a second", lines, (most) => `${rounded(most)}/s`),
    chart("Wait before delivery", waits, duration),
  );
}

/** Without the current second, which has not ended. */
function whole(values: readonly number[]): readonly number[] {
  return values.slice(0, -1);
}

function mean(values: readonly number[]): number {
  const sum = values.reduce((all, value) => all + value, 0);
  return sum / Math.max(1, values.length);
}

function rounded(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
}
