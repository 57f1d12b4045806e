/** The effect of a record on the state. */
import type { StateAnswer } from "../../api_types.ts";
import { el, faint } from "../parts/dom.ts";
import { changeList } from "../parts/tree.ts";

const UNSURE =
  "A record after the damage may say that this one was aborted: that is unknown.";

/** Shows what a record has changed. */
export function effectOf(view: StateAnswer): HTMLElement {
  const list = effectList(view);
  return view.isUnsure ? el("div", {}, list, faint(UNSURE)) : list;
}

function effectList({ isAborted, changes }: StateAnswer): HTMLElement {
  if (isAborted) {
    const text = "nothing: it was aborted, and has no effect";
    return el("p", { class: "aborted" }, text);
  }
  return changes === undefined
    ? faint("The state before it can no longer be rebuilt.")
    : changeList(changes);
}
