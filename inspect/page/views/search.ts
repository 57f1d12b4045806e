import type { Hit, SearchLine } from "../../api_types.ts";
import type { App } from "../app.ts";
import { button, byId, el, fieldOf, fill } from "../parts/dom.ts";
import { askLines } from "../server.ts";
import { count, grouped } from "../parts/text.ts";

/** The search through the records. */
export class Search {
  readonly #app: App;
  readonly #query: HTMLInputElement = fieldOf("query");
  #searching: AbortController | undefined;

  constructor(app: App) {
    this.#app = app;
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#query.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#close();
      if (key === "ArrowDown") byId("list").focus();
    });
    byId("found-close").addEventListener("click", () => this.#close());
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || isTyping()) return;
      event.preventDefault();
      app.showTab("log");
      this.#query.focus();
    });
  }

  #submit(): void {
    const text = this.#query.value.trim();
    if (text === "") return this.#close();
    if (!/^[\d,]+$/.test(text)) {
      // A number in quotes is looked for.
      return void this.#searchFor(text.replace(/^"(\d+)"$/, "$1"));
    }
    this.#goTo(Number(text.replaceAll(",", "")));
    this.#query.select();
  }

  /** Looks for a text from the first record on; hits show as they are found. */
  async #searchFor(text: string): Promise<void> {
    const { first = 1, last = 0 } = this.#app.info ?? {};
    this.#searching?.abort();
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    this.#open();
    tell("searching");
    let hits = 0;
    try {
      const query = { text, from: first };
      for await (const line of askLines<SearchLine>("search", query, signal)) {
        if ("seq" in line) {
          hits++;
          byId("hits").append(this.#hit(line, text.toLowerCase()));
          tell(`${count(hits, "record")} found`);
        } else if ("at" in line) {
          const where = ` · at record ${grouped(line.at)} of ${grouped(last)}`;
          const found = `${count(line.hits, "record")} found`;
          tell(line.isDone ? found : found + where);
        }
      }
    } catch (error) {
      if (!signal.aborted) tell(error instanceof Error ? error.message : "");
    }
  }

  #hit({ seq, kind, text }: Hit, wanted: string): HTMLElement {
    const parts = [
      el("span", { class: "seq" }, grouped(seq)),
      kind !== undefined && el("span", { class: `kind ${kind}` }, kind),
      el("span", { class: "text" }, ...marked(text, wanted)),
    ];
    const show = () => this.#app.go(seq);
    return el("li", {}, button({ class: "hit" }, show, ...parts));
  }

  /** Leads to a record, and says where there is no such one. */
  #goTo(at: number): void {
    const { lowest, info } = this.#app;
    const { first = 1, last = 0 } = info ?? {};
    this.#hide();
    if (at >= lowest && at <= last) return this.#app.go(at);
    this.#open();
    const there = last < first
      ? ""
      : `: there are ${grouped(first)} to ${grouped(last)}`;
    tell(`there is no record ${grouped(at)}${there}`);
  }

  #open(): void {
    byId("found").hidden = false;
    fill(byId("hits"));
  }

  #hide(): void {
    this.#searching?.abort();
    byId("found").hidden = true;
  }

  #close(): void {
    this.#hide();
    this.#query.value = "";
  }
}

/** Whether a key is part of what somebody writes. */
function isTyping(): boolean {
  const focused = document.activeElement;
  return focused instanceof HTMLTextAreaElement ||
    focused instanceof HTMLInputElement && focused.type !== "range";
}

function tell(text: string): void {
  byId("found-text").textContent = text;
}

function marked(text: string, wanted: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  const small = text.toLowerCase();
  let from = 0;
  let at = small.indexOf(wanted);
  while (at !== -1) {
    const end = at + wanted.length;
    parts.push(text.slice(from, at), el("mark", {}, text.slice(at, end)));
    from = end;
    at = small.indexOf(wanted, from);
  }
  return [...parts, text.slice(from)];
}
