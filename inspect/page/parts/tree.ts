/** Values of JSON as trees that open where something is to be seen. */
import type { Change } from "../../api_types.ts";
import { type Child, el, faint } from "./dom.ts";
import { count } from "./text.ts";

const OPEN_DEPTH = 2;
const OPEN_ENTRIES = 24;
const PREVIEW_CHARS = 72;

/** How a value is shown. */
export interface TreeOptions {
  /** The paths of values that are marked as changed. */
  readonly changed?: readonly string[];
  /** Whether nothing of it is open at first. */
  readonly isClosed?: boolean;
}

/** Where a value stands. */
interface Place {
  readonly path: string;
  readonly depth: number;
}

/** A value on one line, as far as it goes. */
function preview(value: unknown, room: number): string {
  if (typeof value !== "object" || value === null) {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > room
      ? `${text.slice(0, Math.max(1, room - 1))}…`
      : text;
  }
  const isList = Array.isArray(value);
  let text = isList ? "[" : "{";
  const end = isList ? "]" : "}";
  for (const [key, item] of Object.entries(value)) {
    if (text.length > 1) text += ", ";
    if (text.length >= room) return `${text}…${end}`;
    text += (isList ? "" : `${key}: `) + preview(item, room - text.length);
  }
  return text + end;
}

function stepTo(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}

/** A value as a tree; what stands at one of the changed paths is marked. */
export function tree(value: unknown, options: TreeOptions = {}): HTMLElement {
  const depth = options.isClosed ? OPEN_DEPTH : 0;
  return node(value, { path: "$", depth }, options);
}

function node(
  value: unknown,
  { path, depth }: Place,
  options: TreeOptions,
): HTMLElement {
  if (typeof value !== "object" || value === null) return leaf(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  const entries = Object.entries(value);
  if (entries.length === 0) {
    return el("span", { class: "punctuation" }, `${open}${close}`);
  }
  const { changed = [] } = options;
  const holdsChange = changed.some((other) => isWithin(other, path));
  const isOpen = depth === 0 || holdsChange ||
    depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES;
  const details = el("details", { class: "node", open: isOpen });
  const number = count(entries.length, isList ? "item" : "key");
  details.append(el(
    "summary",
    {},
    el("span", { class: "count" }, `${open} ${number} ${close}`),
    el("span", { class: "preview" }, preview(value, PREVIEW_CHARS)),
  ));
  const grow = () => {
    if (!details.open || details.childElementCount > 1) return;
    const branches = entries.map(([key, item]) => {
      const step = isList ? `[${key}]` : stepTo(key);
      const place = { path: path + step, depth: depth + 1 };
      return branch(key, item, place, options);
    });
    details.append(el("ul", {}, ...branches));
  };
  details.addEventListener("toggle", grow);
  grow();
  return details;
}

function branch(
  key: string,
  item: unknown,
  place: Place,
  options: TreeOptions,
): HTMLElement {
  const isChanged = options.changed?.includes(place.path);
  return el(
    "li",
    { class: isChanged ? "changed" : undefined },
    el("span", { class: "key" }, key),
    el("span", { class: "punctuation" }, ": "),
    node(item, place, options),
  );
}

/** Whether a path leads through another. */
function isWithin(path: string, other: string): boolean {
  return path.startsWith(other) && /^([.[]|$)/.test(path.slice(other.length));
}

function leaf(value: unknown): HTMLElement {
  const kind = value === null ? "null" : typeof value;
  const text = JSON.stringify(value) ?? "nothing";
  return el("span", { class: `value ${kind}` }, text);
}

/** The differences, as a list of places with the values before and after. */
export function changeList(changes: readonly Change[]): HTMLElement {
  if (changes.length === 0) return faint("nothing: the state is the same");
  const items = changes.map(({ path, before, after }) =>
    el(
      "li",
      {},
      el("code", { class: "where" }, path),
      before !== undefined && side("del", "before: ", before),
      after !== undefined && side("ins", "after: ", after),
    )
  );
  return el("ul", { class: "changes" }, ...items);
}

function side(tag: "del" | "ins", label: string, text: string): HTMLElement {
  return el(tag, {}, el("span", { class: "hidden" }, label), text);
}

/** Says how much of a value is not shown, and which command shows it. */
export function leftOutNote(leftOut: number, command: string): Child {
  return leftOut > 0 && faint(
    `${count(leftOut, "value")} left out: too many for a page; ${command}`,
  );
}
