/** Elements. */

/** The attributes of an element: `true` stands for one without a value, `undefined` and `false` for none. */
export type Attributes = Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** A child of an element: text is text, whatever is in it. */
export type Child = Node | string | false | undefined;

/** The element of the page with an id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element "${id}"`);
  return element;
}

/** The field of the page with an id. */
export function fieldOf(id: string): HTMLInputElement {
  const element = byId(id);
  if (element instanceof HTMLInputElement) return element;
  throw new Error(`The element "${id}" of the page is no field`);
}

/** Makes an element. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes a button that does something. */
export function button(
  attributes: Attributes,
  onClick: () => void,
  ...children: readonly Child[]
): HTMLButtonElement {
  const element = el("button", { type: "button", ...attributes }, ...children);
  element.addEventListener("click", onClick);
  return element;
}

function filled<E extends Element>(
  element: E,
  attributes: Attributes,
  children: readonly Child[],
): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) {
      element.setAttribute(name, `${value}`);
    }
  }
  element.append(...present(children));
  return element;
}

/** Puts other children into an element. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...present(children));
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== undefined && child !== false);
}

/**
 * Puts other children into an element, and keeps those that would be the same:
 * who has the focus in one of them, or is about to click there, is not
 * disturbed. Children with a `data-key` are the same if their keys are.
 */
export function refill(element: Element, ...children: readonly Child[]): void {
  const focused = document.activeElement;
  merge(element, el("div", {}, ...children));
  // What has moved has lost it.
  if (focused instanceof HTMLElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

function merge(old: Element, fresh: Element): void {
  const keyed = new Map(
    Array.from(
      old.children,
      (child) => [child.getAttribute("data-key"), child],
    ),
  );
  const merged = Array.from(fresh.childNodes, (child, at) => {
    const key = child instanceof Element
      ? child.getAttribute("data-key")
      : null;
    const known = key === null ? old.childNodes[at] : keyed.get(key);
    return known === undefined ? child : kept(known, child);
  });
  const isSame = merged.length === old.childNodes.length &&
    merged.every((child, at) => child === old.childNodes[at]);
  if (!isSame) old.replaceChildren(...merged);
}

/** The child that is there already, made like the one that is to be there; that one where it is of another kind. */
function kept(old: Node, fresh: Node): Node {
  if (old.isEqualNode(fresh)) return old;
  const isContainer = old instanceof HTMLElement &&
    fresh instanceof HTMLElement && old.tagName === fresh.tagName &&
    /^(TABLE|TBODY|TR|TD|DIV|SECTION|HEADER)$/.test(old.tagName) &&
    old.dataset.key === fresh.dataset.key;
  if (!isContainer) return fresh;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  merge(old, fresh);
  return old;
}

/** Text that says little. */
export function faint(text: string): HTMLElement {
  return el("p", { class: "faint" }, text);
}

/** A list of names and what they stand for. */
export function pairs(
  attributes: Attributes,
  rows: readonly (readonly [name: string, value: string])[],
): HTMLElement {
  return el(
    "dl",
    attributes,
    ...rows.flatMap((
      [name, value],
    ) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

/** A place of the page that is drawn again only where it is to show something else. */
export class Drawing {
  #shown: string | undefined;

  /** Whether it has to be drawn to show this. */
  isOther(...shown: readonly unknown[]): boolean {
    const text = JSON.stringify(shown);
    if (text === this.#shown) return false;
    this.#shown = text;
    return true;
  }

  /** Has it drawn the next time, whatever it shows then. */
  forget(): void {
    this.#shown = undefined;
  }
}
