import type { StateAnswer } from "../../api_types.ts";
import type { App } from "../app.ts";
import { byId, Drawing, el, faint, fill } from "../parts/dom.ts";
import { Latest } from "../parts/latest.ts";
import type { Place } from "../parts/place.ts";
import { ask } from "../server.ts";
import { grouped } from "../parts/text.ts";
import { leftOutNote, tree } from "../parts/tree.ts";
import { troubleOf } from "../trouble.ts";
import { effectOf } from "./effect.ts";
import { head, linkTo } from "./link.ts";

/** More are not sent. */
const MAX_MUTATIONS = 100;

const NO_PROGRAM =
  "Only the program knows what its mutations do: mini inspect --apply MODULE shows the states themselves.";

/** The state as of the record that is picked. */
export class StateTab {
  readonly #app: App;
  readonly #drawing: Latest = new Latest(() => this.#draw());
  readonly #drawn: Drawing = new Drawing();

  constructor(app: App) {
    this.#app = app;
  }

  draw(): void {
    void this.#drawing.run();
  }

  async #draw(): Promise<void> {
    const { at, info, tab } = this.#app;
    if (info === undefined || tab !== "state") return;
    try {
      const view = await ask("state", { at });
      // A state that was opened by hand stays open where it is the same.
      if (!this.#drawn.isOther(view)) return;
      if (view.madeBy === "nothing") drawParts(view);
      else drawMade(view, at >= info.first);
    } catch (error) {
      this.#drawn.forget();
      fill(byId("state"), titleAt(at), troubleOf(error));
      fill(byId("changes"));
    }
  }
}

function titleAt(at: number): HTMLElement {
  return head(`State as of record ${grouped(at)}`, { tab: "state", at });
}

function drawMade(view: StateAnswer, isRecord: boolean): void {
  const { at, state, changes = [], leftOut } = view;
  const command = `mini state --at ${at} prints what the state is made of`;
  fill(
    byId("state"),
    titleAt(at),
    ...rejectedNotes(view),
    tree(state, { changed: changes.map(({ path }) => path) }),
    leftOutNote(leftOut, command),
  );
  fill(
    byId("changes"),
    el("h2", {}, `What record ${grouped(at)} changed`),
    isRecord ? effectOf(view) : faint("There is no such record."),
  );
}

/** Without its program a state is a snapshot and the mutations behind it. */
function drawParts(view: StateAnswer): void {
  const { at, snapshot = 0, state, leftOut, mutations = [] } = view;
  const title = snapshot === 0
    ? "Initial state"
    : `Snapshot at record ${grouped(snapshot)}`;
  const place: Place = { tab: "state", at };
  const none = `There is no snapshot at or before record ${grouped(at)}.`;
  fill(
    byId("state"),
    head(title, place),
    faint(NO_PROGRAM),
    ...rejectedNotes(view),
    snapshot === 0 ? faint(none) : tree(state),
    leftOutNote(leftOut, `mini state --at ${at} prints them`),
  );
  const isCut = at - snapshot > mutations.length &&
    mutations.length >= MAX_MUTATIONS;
  const last = `the last ${mutations.length} up to record ${grouped(at)}`;
  const items = mutations.map(({ seq, mutation }) =>
    el(
      "li",
      { class: seq === at ? "changed" : undefined },
      linkTo({ tab: "log", at: seq }, grouped(seq)),
      tree(mutation, { isClosed: true }),
    )
  );
  fill(
    byId("changes"),
    el("h2", {}, "Mutations since"),
    mutations.length === 0 && faint(`none up to record ${grouped(at)}`),
    isCut && faint(last),
    el("ol", { class: "mutations" }, ...items),
  );
}

function rejectedNotes({ rejected }: StateAnswer): HTMLElement[] {
  return rejected.map((message) =>
    el(
      "div",
      { class: "problem" },
      el("p", {}, `A snapshot was skipped: ${message}`),
    )
  );
}
