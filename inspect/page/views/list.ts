import type { App } from "../app.ts";
import { byId, el, fill } from "../parts/dom.ts";
import { drawWindow } from "../ruler.ts";
import { Pages } from "./pages.ts";
import { rowFor } from "./rows.ts";

const ROW_PX = 26;

/** No browser has elements that are much higher; a longer log is scrolled by shares. */
const MAX_PX = 6_000_000;

/** The records, of which only those in sight exist, and the one that is picked. */
export class RecordList {
  readonly #app: App;
  readonly #pages: Pages;
  readonly #box: HTMLElement = byId("list");
  readonly #rows: HTMLElement = byId("rows");
  /** The first row in sight, or a part of one. */
  #top = 0;
  /** Where the box was scrolled to by this code, not by a person. */
  #expected = -1;

  constructor(app: App) {
    this.#app = app;
    this.#pages = new Pages(app, () => this.#draw());
    this.#listen();
    app.onChange((change) => this.#onChange(change));
  }

  get #count(): number {
    const { first, last, isCut } = this.#app.info!;
    // A torn or damaged end has a row of its own.
    return Math.max(0, last - first + 1) + (isCut ? 1 : 0);
  }

  get #inSight(): number {
    return this.#box.clientHeight / ROW_PX;
  }

  get #highestTop(): number {
    return Math.max(0, this.#count - this.#inSight);
  }

  get #isScaled(): boolean {
    return this.#count * ROW_PX > MAX_PX;
  }

  /** Moves the list so that this row, or a part of one, is the first in sight. */
  #moveTo(top: number): void {
    const box = this.#box;
    const most = this.#highestTop;
    this.#top = Math.min(Math.max(0, top), most);
    const room = box.scrollHeight - box.clientHeight;
    box.scrollTop = this.#isScaled
      ? this.#top / Math.max(1, most) * room
      : this.#top * ROW_PX;
    this.#expected = box.scrollTop;
    this.#draw();
  }

  /** Moves it as a wheel or a finger does. */
  #moveBy(rows: number): void {
    this.#moveTo(this.#top + rows);
    this.#stopFollowing();
  }

  #onScroll(): void {
    const box = this.#box;
    if (Math.abs(box.scrollTop - this.#expected) < 1) return;
    this.#expected = box.scrollTop;
    const room = Math.max(1, box.scrollHeight - box.clientHeight);
    this.#top = this.#isScaled
      ? box.scrollTop / room * this.#highestTop
      : box.scrollTop / ROW_PX;
    this.#stopFollowing();
    this.#draw();
  }

  /** Stays with earlier records while somebody reads them. */
  #stopFollowing(): void {
    if (this.#app.isFollowing && this.#top < this.#highestTop - 1) {
      this.#app.stopFollowing();
    }
  }

  /** Brings a record into sight. */
  #reveal(seq: number): void {
    const { first, last, isCut } = this.#app.info!;
    const row = seq - first;
    const rows = this.#inSight;
    const end = isCut && seq === last ? row + 2 : row + 1;
    if (row < this.#top) this.#moveTo(row);
    else if (row + 1 > this.#top + rows) this.#moveTo(end - rows);
    else this.#draw();
  }

  #draw(): void {
    const app = this.#app;
    const { info } = app;
    if (info === undefined || app.tab !== "log") return;
    this.#stretch();
    const rows = this.#count;
    const start = Math.floor(this.#top);
    const end = Math.min(rows, Math.ceil(this.#top + this.#inSight) + 1);
    const drawn: HTMLElement[] = [];
    for (let at = start; at < end; at++) {
      const seq = info.first + at;
      const place = { seq, isPicked: seq === app.at, rows, info };
      const row = rowFor(this.#pages.with(seq), place);
      row.style.transform = `translateY(${(at - this.#top) * ROW_PX}px)`;
      drawn.push(row);
    }
    if (rows === 0) drawn.push(el("p", { class: "faint empty" }, "no records"));
    fill(this.#rows, ...drawn);
    const isInSight = app.at >= info.first + start && app.at < info.first + end;
    if (isInSight) {
      this.#box.setAttribute("aria-activedescendant", `row-${app.at}`);
    } else this.#box.removeAttribute("aria-activedescendant");
    const to = Math.min(info.last, info.first + end - 1);
    drawWindow(app, info.first + start, to);
  }

  #stretch(): void {
    const height = Math.min(MAX_PX, this.#count * ROW_PX);
    byId("spacer").style.height = `${height}px`;
  }

  #onKey(event: KeyboardEvent): void {
    const app = this.#app;
    const page = Math.max(1, Math.floor(this.#inSight) - 1);
    const step = new Map([
      ["ArrowUp", -1],
      ["ArrowDown", 1],
      ["PageUp", -page],
      ["PageDown", page],
      ["Home", -Infinity],
      ["End", Infinity],
    ]).get(event.key);
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    if (app.info === undefined) return;
    const { first, last } = app.info;
    const to = Math.min(Math.max(app.at + step, first), last);
    app.go(to, event.key === "End");
    this.#reveal(app.at);
  }

  #listen(): void {
    const box = this.#box;
    box.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    box.addEventListener("keydown", (event) => this.#onKey(event));
    box.addEventListener("wheel", (event) => {
      if (this.#app.info === undefined || !this.#isScaled) return;
      event.preventDefault();
      // Some browsers count in lines.
      const isInLines = event.deltaMode === WheelEvent.DOM_DELTA_LINE;
      this.#moveBy(event.deltaY / (isInLines ? 1 : ROW_PX));
    }, { passive: false });
    box.addEventListener("click", ({ clientY }) => {
      const { info } = this.#app;
      if (info === undefined) return;
      const y = clientY - box.getBoundingClientRect().top - box.clientTop;
      const seq = info.first + Math.floor(this.#top + y / ROW_PX);
      if (seq <= info.last) this.#app.go(seq);
    });
    this.#listenToFingers();
    this.#listenToSize();
  }

  #listenToFingers(): void {
    let finger = 0;
    this.#box.addEventListener("touchstart", ({ touches: [touch] }) => {
      finger = touch?.clientY ?? finger;
    }, { passive: true });
    this.#box.addEventListener("touchmove", (event) => {
      if (this.#app.info === undefined || !this.#isScaled) return;
      event.preventDefault();
      const { clientY = finger } = event.touches[0] ?? {};
      this.#moveBy((finger - clientY) / ROW_PX);
      finger = clientY;
    }, { passive: false });
  }

  #listenToSize(): void {
    let before = 0;
    new ResizeObserver(() => {
      const app = this.#app;
      if (app.info === undefined) return;
      const row = app.at - app.info.first;
      const wasInSight = row >= this.#top && row < this.#top + before;
      before = this.#inSight;
      this.#moveTo(this.#top);
      if (wasInSight) this.#reveal(app.at);
    }).observe(this.#box);
  }

  #onChange(change: string): void {
    const app = this.#app;
    byId("window").hidden = app.tab !== "log";
    if (app.info === undefined || change === "following") return;
    this.#pages.forgetMended();
    if (app.tab !== "log") return;
    this.#stretch();
    if (change === "info" && !app.isFollowing) this.#draw();
    else this.#reveal(Math.max(app.info.first, app.at));
  }
}
