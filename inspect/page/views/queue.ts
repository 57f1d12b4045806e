import type { QueueAnswer } from "../../api_types.ts";
import { type Actions, offers } from "../actions.ts";
import type { App } from "../app.ts";
import { byId, type Child, el, faint, fill, refill } from "../parts/dom.ts";
import { Latest } from "../parts/latest.ts";
import { bar } from "../parts/table.ts";
import { duration, grouped } from "../parts/text.ts";
import { Delay } from "../parts/timer.ts";
import { ask } from "../server.ts";
import { troubleOf } from "../trouble.ts";
import { head } from "./link.ts";
import { type Kind, MessageTables } from "./messages.ts";
import { rateCharts } from "./rates.ts";
import { limitsNote, scheduleTable } from "./schedules.ts";

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

/** An open queue changes without a record as well: leases, rates. */
const LIVE_MS = 1_000;

/** The messages of a queue, as of the record that is picked. */
export class QueueTab {
  readonly #app: App;
  readonly #actions: Actions;
  readonly #tables: MessageTables;
  readonly #box: HTMLElement = byId("view-queue");
  readonly #drawing: Latest = new Latest(() => this.#draw());
  readonly #again: Delay = new Delay(LIVE_MS, () => this.draw());
  /** The journal for which the dead letters were counted, while another view is shown. */
  #counted = "";
  /** The message that was scrolled to. */
  #revealed: number | undefined;

  constructor(app: App, actions: Actions) {
    this.#app = app;
    this.#actions = actions;
    this.#tables = new MessageTables(app, actions);
    // It is not kept up to date while nobody sees it.
    document.addEventListener("visibilitychange", () => this.draw());
  }

  draw(): void {
    void this.#drawing.run();
  }

  async #draw(): Promise<void> {
    const { isFollowing, at, seen } = this.#app;
    if (!this.#app.has("queue")) return;
    const isShown = this.#app.tab === "queue";
    if (!isShown && seen === this.#counted) return;
    try {
      const view = await ask("queue", isFollowing || !isShown ? {} : { at });
      if ("isMissing" in view) return;
      drawBadge(view);
      if (!isShown) {
        this.#counted = seen;
        return;
      }
      refill(this.#box, ...this.#sections(view));
      this.#reveal();
      if (view.rates !== undefined && !document.hidden) this.#again.start();
    } catch (error) {
      fill(this.#box, troubleOf(error));
    }
  }

  #sections({ at, depth, messages, limits, rates }: QueueAnswer): Child[] {
    const { isFollowing, place } = this.#app;
    const counts = STANDINGS.map(([kind]) => depth[kind]);
    const most = Math.max(1, ...counts);
    const title = isFollowing
      ? "Messages now"
      : `Messages as of record ${grouped(at)}`;
    const rows = STANDINGS.map(([kind, name]) =>
      depthRow(kind, name, depth[kind], most)
    );
    const tables = TABLES.filter(([kind]) => depth[kind] > 0);
    return [
      head(title, { ...place, tab: "queue" }),
      this.#missing(messages),
      depth.paused &&
      el("p", { class: "problem mild" }, "paused: nothing is delivered"),
      isFollowing && this.#offers(depth),
      el("dl", { class: "depth" }, ...rows),
      depth.oldestMs > 0 &&
      faint(`the oldest has waited ${duration(depth.oldestMs)}`),
      limits !== undefined && limitsNote(limits),
      rates !== undefined && rateCharts(rates),
      ...tables.flatMap(([kind, name]) => [
        el(
          "div",
          { class: "head", "data-key": kind },
          el("h3", {}, name),
          kind === "dead" && isFollowing && this.#offersOfDead(depth.dead),
        ),
        this.#tables.of(kind, messages[kind], depth[kind]),
      ]),
      depth.schedules.length > 0 && el("h3", {}, "Schedules"),
      depth.schedules.length > 0 && scheduleTable(depth.schedules),
    ];
  }

  /** Says that a message to which a link led is not here. */
  #missing(messages: QueueAnswer["messages"]): HTMLElement | undefined {
    const { job } = this.#app;
    const all = Object.values(messages).flat();
    if (job === undefined || all.some(({ id }) => id === job)) return undefined;
    return faint(
      `Message ${
        grouped(job)
      } is not among those shown here: it has ended and is not kept, or too many come before it.`,
    );
  }

  /** Scrolls to the message to which a link has led, once. */
  #reveal(): void {
    const { job } = this.#app;
    if (job === this.#revealed) return;
    const row = this.#box.querySelector("tr.picked");
    this.#revealed = row === null ? undefined : job;
    row?.scrollIntoView({ block: "nearest" });
  }

  #offers({ paused }: QueueAnswer["depth"]): HTMLElement | undefined {
    const turn = paused ? "resume" : "pause";
    return offers(
      this.#actions.offer({
        name: turn,
        input: {},
        label: paused ? "Resume" : "Pause",
      }),
      this.#actions.offer({
        name: "purge",
        input: { which: "all" },
        label: "Purge all",
        question: "Remove every message of this queue for good?",
      }),
    );
  }

  #offersOfDead(dead: number): HTMLElement | undefined {
    return offers(
      this.#actions.offer({
        name: "redrive",
        input: { which: "all" },
        label: "Redrive all",
      }),
      this.#actions.offer({
        name: "purge",
        input: { which: "dead" },
        label: "Purge dead",
        question: `Remove ${
          dead === 1 ? "the dead letter" : `all ${grouped(dead)} dead letters`
        } for good?`,
      }),
    );
  }
}

function drawBadge({ depth }: QueueAnswer): void {
  const badge = byId("dead-count");
  badge.hidden = depth.dead === 0;
  badge.textContent = `${grouped(depth.dead)} dead`;
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
