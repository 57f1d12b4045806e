import type { QueueAnswer } from "../../api_types.ts";
import type { App } from "../app.ts";
import { byId, type Child, Drawing, el, faint, fill } from "../parts/dom.ts";
import { Latest } from "../parts/latest.ts";
import { ask } from "../server.ts";
import { bar } from "../parts/table.ts";
import { duration, grouped } from "../parts/text.ts";
import { troubleOf } from "../trouble.ts";
import { type Kind, messageTable } from "./messages.ts";
import { scheduleTable } from "./schedules.ts";

/** The standings of messages that have not finished, with their names. */
const STANDINGS = [
  ["ready", "ready"],
  ["blocked", "blocked"],
  ["delayed", "delayed"],
  ["inFlight", "in flight"],
  ["dead", "dead"],
] as const;

/** The tables of messages, from the top. */
const TABLES: readonly (readonly [Kind, string])[] = [
  ["dead", "Dead"],
  ["finished", "Finished"],
  ["inFlight", "In flight"],
  ["delayed", "Delayed"],
  ["blocked", "Blocked"],
  ["ready", "Ready"],
];

/** The messages of a queue, as of the record that is picked. */
export class QueueTab {
  readonly #app: App;
  readonly #drawing: Latest = new Latest(() => this.#draw());
  readonly #drawn: Drawing = new Drawing();
  /** The journal for which the dead letters were counted, while another view is shown. */
  #counted = "";

  constructor(app: App) {
    this.#app = app;
  }

  draw(): void {
    void this.#drawing.run();
  }

  async #draw(): Promise<void> {
    const { isFollowing, at, seen } = this.#app;
    if (!this.#app.has("queue")) return;
    const isShown = this.#app.tab === "queue";
    if (!isShown && seen === this.#counted) return;
    const box = byId("view-queue");
    try {
      const view = await ask("queue", isFollowing || !isShown ? {} : { at });
      if ("isMissing" in view) return;
      drawBadge(view);
      if (!isShown) {
        this.#counted = seen;
        return;
      }
      if (!this.#drawn.isOther(isFollowing, view.at, view.depth)) return;
      fill(box, ...sections(view, isFollowing));
    } catch (error) {
      this.#drawn.forget();
      fill(box, troubleOf(error));
    }
  }
}

function drawBadge({ depth }: QueueAnswer): void {
  const badge = byId("dead-count");
  badge.hidden = depth.dead === 0;
  badge.textContent = `${grouped(depth.dead)} dead`;
}

function sections(
  { at, depth, messages }: QueueAnswer,
  isNow: boolean,
): Child[] {
  const counts = STANDINGS.map(([kind]) => depth[kind]);
  const most = Math.max(1, ...counts);
  const title = isNow ? "Messages now" : `Messages as of record ${grouped(at)}`;
  const rows = STANDINGS.map(([kind, name]) =>
    depthRow(kind, name, depth[kind], most)
  );
  const tables = TABLES.filter(([kind]) => depth[kind] > 0);
  return [
    el("h2", {}, title),
    depth.paused &&
    el("p", { class: "problem mild" }, "paused: nothing is delivered"),
    el("dl", { class: "depth" }, ...rows),
    depth.oldestMs > 0 &&
    faint(`the oldest has waited ${duration(depth.oldestMs)}`),
    ...tables.flatMap(([kind, name]) => [
      el("h3", {}, name),
      messageTable(kind, messages[kind], depth[kind]),
    ]),
    depth.schedules.length > 0 && el("h3", {}, "Schedules"),
    depth.schedules.length > 0 && scheduleTable(depth.schedules),
  ];
}

function depthRow(
  kind: Kind,
  name: string,
  number: number,
  most: number,
): HTMLElement {
  return el(
    "div",
    {},
    el("dt", {}, name),
    el(
      "dd",
      {},
      el("span", { class: "number" }, grouped(number)),
      bar(kind, number / most),
    ),
  );
}
