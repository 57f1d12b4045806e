import type { News } from "../api_types.ts";
import type { Actions } from "./actions.ts";
import type { App } from "./app.ts";
import { byId } from "./parts/dom.ts";
import { Latest } from "./parts/latest.ts";
import { Pulse } from "./pulse.ts";
import { ask } from "./server.ts";
import { Delay, pause } from "./parts/timer.ts";
import { showLost } from "./trouble.ts";

/** So long after the last record a writer counts as quiet. */
const QUIET_MS = 2_000;

/** How often is looked while the files are being read for the first time. */
const READING_MS = 400;

/** Looking must take only a part of the time. */
const MIN_PAUSE_MS = 100;
const PAUSE_SHARE = 4;

/** Keeps the page up to date with the journal. */
export class Live {
  readonly #app: App;
  readonly #actions: Actions;
  readonly #pulse: Pulse = new Pulse();
  readonly #looking: Latest = new Latest(() => this.#look());
  readonly #quiet: Delay = new Delay(QUIET_MS, () => tell("on", "watching"));
  readonly #lookingAgain: Delay = new Delay(
    READING_MS,
    () => this.#lookSoon(),
  );

  constructor(app: App, actions: Actions) {
    this.#app = app;
    this.#actions = actions;
  }

  /** Looks at the journal, and watches its writer. The browser connects again by itself when the connection is lost. */
  start(): void {
    this.#lookSoon();
    const source = new EventSource("api/live");
    source.addEventListener("open", () => tell("on", "watching"));
    source.addEventListener("error", () => tell("off", "not connected"));
    source.addEventListener("message", ({ data }) => {
      const news: News = JSON.parse(data);
      if (news.count > 0) {
        tell("busy", "being written");
        this.#quiet.start();
        this.#pulse.add(news.count);
      }
      if (news.action !== undefined) this.#actions.hear(news.action);
      this.#lookSoon();
    });
  }

  #lookSoon(): void {
    void this.#looking.run();
  }

  async #look(): Promise<void> {
    const began = performance.now();
    try {
      const info = await ask("overview");
      this.#app.show(info);
      if (!info.verified.isDone) this.#lookingAgain.start();
    } catch (error) {
      showLost(error);
    }
    const took = performance.now() - began;
    await pause(Math.max(MIN_PAUSE_MS, PAUSE_SHARE * took));
  }
}

function tell(state: "on" | "busy" | "off", text: string): void {
  byId("live").className = `live ${state}`;
  const element = byId("live-text");
  if (element.textContent !== text) element.textContent = text;
}
