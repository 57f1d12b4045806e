/** Tables, and bars in them. */
import { type Child, el } from "./dom.ts";
import { percent } from "./text.ts";

/** A table; a column without a name is named by no heading. */
export function table(
  kind: string,
  names: readonly string[],
  rows: readonly HTMLTableRowElement[],
): HTMLElement {
  const heads = names.map((name) =>
    name === "" ? el("td", {}) : el("th", { scope: "col" }, name)
  );
  return el(
    "table",
    { class: kind },
    el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...rows),
  );
}

/** A cell. */
export function cell(kind: string, ...children: readonly Child[]): HTMLElement {
  return el("td", { class: kind === "" ? undefined : kind }, ...children);
}

/** A bar as long as a number is large; what stands behind its good part in another colour. */
export function bar(
  kind: string,
  part: number,
  rest: number = 0,
): HTMLElement {
  return el(
    "span",
    { class: "bar", "aria-hidden": "true" },
    part + rest > 0 && piece(`good ${kind}`, part),
    rest > 0 && piece("rest", rest),
  );
}

function piece(kind: string, part: number): HTMLElement {
  const element = el("span", { class: kind });
  element.style.width = percent(part);
  return element;
}
