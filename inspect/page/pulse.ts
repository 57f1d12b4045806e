import { plot } from "./parts/chart.ts";
import { byId, fill } from "./parts/dom.ts";
import { count } from "./parts/text.ts";
import { Delay } from "./parts/timer.ts";

const SECONDS = 120;
const SECOND_MS = 1_000;

/** How many records a writer has appended in each of the last seconds. */
export class Pulse {
  /** The seconds that had records, and how many. */
  readonly #counts: Map<number, number> = new Map();
  readonly #again: Delay = new Delay(SECOND_MS, () => this.#draw());

  /** Counts records that have come. */
  add(records: number): void {
    const second = now();
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + records);
    this.#draw();
  }

  /** Draws it, and again each second until it is flat. */
  #draw(): void {
    const last = now();
    const first = last - SECONDS + 1;
    for (const second of this.#counts.keys()) {
      if (second < first) this.#counts.delete(second);
    }
    const values = Array.from(
      { length: SECONDS },
      (_, at) => this.#counts.get(first + at) ?? 0,
    );
    const box = byId("pulse");
    const most = Math.max(...values);
    box.hidden = most === 0;
    const sum = values.reduce((all, value) => all + value, 0);
    box.title = `${count(sum, "record")} in the last two minutes, at most ${
      count(most, "record")
    } a second`;
    fill(box, plot([{ kind: "enqueued", values }], most));
    if (most > 0) this.#again.start();
  }
}

function now(): number {
  return Math.floor(performance.now() / SECOND_MS);
}
