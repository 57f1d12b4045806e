import type { ActionDone, ActionInputs, ActionName } from "../api_types.ts";
import type { App } from "./app.ts";
import { button, byId, el, fill } from "./parts/dom.ts";
import { act } from "./server.ts";
import { troubleOf } from "./trouble.ts";

/** The most actions that are told at a time. */
const MAX_TOLD = 3;

/** A button for an action. */
export interface Offer<Name extends ActionName> {
  readonly name: Name;
  readonly input: ActionInputs[Name];
  readonly label: string;
  /** The question before it is done, of what cannot be undone. */
  readonly question?: string;
}

/** An action that was taken, here or on another page. */
interface Told {
  readonly text: string;
  readonly at: string;
  readonly isOwn: boolean;
  /** Whether the news of it, which every page gets, may still come. */
  isExpected: boolean;
}

/** Actions: those of this page, and what was done from any page. */
export class Actions {
  readonly #app: App;
  #told: Told[] = [];

  constructor(app: App) {
    this.#app = app;
  }

  /** A button for what this page may do, none for what it may not. */
  offer<Name extends ActionName>(
    { name, input, label, question }: Offer<Name>,
  ): HTMLButtonElement | undefined {
    if (!this.#app.info?.actions?.includes(name)) return undefined;
    const take = async () => {
      if (question !== undefined && !await confirmed(question, label)) return;
      await this.#take(name, input);
    };
    const attributes = { class: "act", "data-question": question };
    return button(attributes, () => void take(), label);
  }

  async #take<Name extends ActionName>(
    name: Name,
    input: ActionInputs[Name],
  ): Promise<void> {
    try {
      const { text } = await act(name, input, this.#app.info?.token ?? "");
      // The news of it may have come before.
      const at = this.#told.findIndex((told) =>
        !told.isOwn && told.text === text
      );
      const news = at === -1 ? [] : this.#told.splice(at, 1);
      this.#tell(text, { isOwn: true, isExpected: news.length === 0 });
    } catch (error) {
      fill(byId("told"), troubleOf(error), this.#closeButton());
    }
  }

  /** Tells what was done, as every page is told. */
  hear({ text }: ActionDone): void {
    const own = this.#told.find((told) =>
      told.isExpected && told.text === text
    );
    if (own !== undefined) own.isExpected = false;
    else this.#tell(text, { isOwn: false, isExpected: false });
  }

  #tell(text: string, whose: Pick<Told, "isOwn" | "isExpected">): void {
    const at = new Date().toTimeString().slice(0, 8);
    this.#told = [{ text, at, ...whose }, ...this.#told].slice(0, MAX_TOLD);
    fill(
      byId("told"),
      ...this.#told.map(({ text, at, isOwn }) =>
        el(
          "p",
          { class: isOwn ? "own" : undefined },
          el("span", { class: "faint" }, `${at} ${isOwn ? "" : "elsewhere: "}`),
          text,
        )
      ),
      this.#closeButton(),
    );
  }

  #closeButton(): HTMLButtonElement {
    return button({}, () => {
      this.#told = [];
      fill(byId("told"));
    }, "Close");
  }
}

/** The buttons of what may be done, if there is anything. */
export function offers(
  ...buttons: readonly (HTMLElement | undefined)[]
): HTMLElement | undefined {
  return buttons.some((offer) => offer !== undefined)
    ? el("div", { class: "acts" }, ...buttons)
    : undefined;
}

/** Asks whether to do what cannot be undone. */
function confirmed(question: string, label: string): Promise<boolean> {
  const dialog = byId("question");
  if (!(dialog instanceof HTMLDialogElement)) return Promise.resolve(false);
  byId("question-text").textContent = question;
  byId("question-yes").textContent = label;
  byId("question-yes").onclick = () => dialog.close("yes");
  byId("question-no").onclick = () => dialog.close("no");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "yes"),
      { once: true },
    )
  );
}
