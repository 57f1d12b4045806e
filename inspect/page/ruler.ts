/** The whole log as a strip: segments, snapshots, damage, and where one is. */
import type { SegmentRow } from "../api_types.ts";
import type { App } from "./app.ts";
import { byId, el, fieldOf, fill } from "./parts/dom.ts";
import { grouped, percent, range } from "./parts/text.ts";

/** A number below the strip takes so much room. */
const TICK_PX = 110;

/** Where a record stands on the strip, from 0 to 1. */
function share(app: App, seq: number): number {
  const span = app.last - app.lowest;
  if (span <= 0) return 0;
  return Math.min(1, Math.max(0, (seq - app.lowest) / span));
}

function drawRuler(app: App): void {
  const { segments, snapshots, problems } = app.info!;
  const slider = fieldOf("slider");
  slider.min = `${app.lowest}`;
  slider.max = `${app.last}`;
  const blocks = segments.filter(({ base, last }) => last > base);
  fill(byId("segments"), ...blocks.map((segment) => block(app, segment)));
  const marks = snapshots.map(({ seq, status }) =>
    mark(app, seq, `snapshot ${status}`, `snapshot at record ${grouped(seq)}`)
  );
  for (const { seq, message } of problems) {
    if (seq !== undefined) marks.push(mark(app, seq, "damage", message));
  }
  fill(byId("marks"), ...marks);
  drawScale(app);
  drawNeedle(app);
}

function block(
  app: App,
  { name, base, last, status }: SegmentRow,
): HTMLElement {
  const title = `${name}: records ${range(base + 1, last)}`;
  const element = el("span", { class: `segment ${status}`, title });
  element.style.left = percent(share(app, base));
  element.style.width = percent(share(app, last) - share(app, base));
  return element;
}

function mark(app: App, seq: number, kind: string, title: string): HTMLElement {
  const element = el("span", { class: `mark ${kind}`, title });
  element.style.left = percent(share(app, seq));
  return element;
}

/** The step between round numbers of which at most `room` are in a span. */
function roundStep(span: number, room: number): number {
  const least = 10 ** Math.floor(Math.log10(Math.max(1, span / room)));
  const factor = [1, 2, 5].find((one) => span / (least * one) <= room) ?? 10;
  return Math.max(1, least * factor);
}

/** Round numbers below the strip, as many as there is room for. */
function drawScale(app: App): void {
  const span = app.last - app.lowest;
  const room = Math.max(2, Math.floor(byId("strip").clientWidth / TICK_PX));
  const step = roundStep(span, room);
  const ticks: HTMLElement[] = [];
  const first = Math.ceil(app.lowest / step) * step;
  for (let at = first; at <= app.last && span > 0; at += step) {
    const place = share(app, at);
    const kind = place > 0.97
      ? "tick end"
      : place < 0.03
      ? "tick begin"
      : "tick";
    const tick = el("span", { class: kind }, grouped(at));
    tick.style.left = percent(place);
    ticks.push(tick);
  }
  fill(byId("scale"), ...ticks);
}

function drawNeedle(app: App): void {
  const { at, last } = app;
  byId("needle").style.left = percent(share(app, at));
  const slider = fieldOf("slider");
  slider.value = `${at}`;
  const text = `record ${grouped(at)} of ${grouped(last)}`;
  slider.setAttribute("aria-valuetext", text);
  const field = fieldOf("at");
  if (document.activeElement !== field) field.value = grouped(at);
  byId("of").textContent = `of ${grouped(last)}`;
  fieldOf("follow").checked = app.isFollowing;
}

/** Shows which part of the log the list shows. */
export function drawWindow(app: App, from: number, to: number): void {
  const { style } = byId("window");
  const start = share(app, from - 1);
  style.left = percent(start);
  style.width = percent(Math.max(0.002, share(app, to) - start));
}

/** Starts the strip, and the fields above it. */
export function startRuler(app: App): void {
  const slider = fieldOf("slider");
  slider.addEventListener("input", () => app.go(Number(slider.value)));
  slider.addEventListener("keydown", (event) => {
    const step = new Map([["PageUp", -100], ["PageDown", 100]]).get(event.key);
    if (step === undefined) return;
    event.preventDefault();
    app.go(app.at + step);
  });
  byId("previous").addEventListener("click", () => app.go(app.at - 1));
  byId("next").addEventListener("click", () => app.go(app.at + 1));
  const follow = fieldOf("follow");
  follow.addEventListener("change", () => {
    const isFollowing = follow.checked;
    app.go(isFollowing ? app.last : app.at, isFollowing);
  });
  startField(app, fieldOf("at"));
  app.onChange((change) => {
    if (app.info === undefined) return;
    if (change === "info") drawRuler(app);
    else drawNeedle(app);
  });
  addEventListener("resize", () => app.info && drawScale(app));
}

/** Starts the field with the number of the record that is picked. */
function startField(app: App, field: HTMLInputElement): void {
  const take = () => {
    const number = Number(field.value.replace(/[^\d]/g, ""));
    if (field.value.trim() !== "" && Number.isSafeInteger(number)) {
      app.go(number);
    }
    field.value = grouped(app.at);
  };
  field.addEventListener("change", take);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") take();
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    app.go(app.at + (event.key === "ArrowUp" ? -1 : 1));
    field.value = grouped(app.at);
  });
}
