/** Values of JSON as trees that open where something is to be seen. */
export const TREE: string = String.raw`
const OPEN_DEPTH = 2;
const OPEN_ENTRIES = 24;
const PREVIEW_CHARS = 72;

/** A value on one line, as far as it goes. */
function preview(value, room) {
  if (typeof value !== "object" || value === null) {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > room ? text.slice(0, Math.max(1, room - 1)) + "…" : text;
  }
  const isList = Array.isArray(value);
  let text = isList ? "[" : "{";
  for (const key of Object.keys(value)) {
    if (text.length > 1) text += ", ";
    if (text.length >= room) return text + "…" + (isList ? "]" : "}");
    text += (isList ? "" : key + ": ") + preview(value[key], room - text.length);
  }
  return text + (isList ? "]" : "}");
}

function stepTo(key) {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? "." + key : "[" + JSON.stringify(key) + "]";
}

/** A value as a tree; what stands at one of the changed paths is marked. */
function tree(value, changedPaths = [], path = "$", depth = 0) {
  if (typeof value !== "object" || value === null) return leaf(value);
  const isList = Array.isArray(value);
  const entries = isList
    ? value.map((item, at) => [at, item, path + "[" + at + "]"])
    : Object.entries(value).map(([key, item]) => [key, item, path + stepTo(key)]);
  const brackets = isList ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return el("span", { class: "punctuation" }, brackets.join(""));
  const holdsChange = changedPaths.some((changed) => isWithin(changed, path));
  const isOpen = depth === 0 || holdsChange ||
    depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES;
  const details = el("details", { class: "node", open: isOpen });
  const noun = isList ? "item" : "key";
  details.append(el(
    "summary",
    {},
    el("span", { class: "count" }, brackets[0] + " " + count(entries.length, noun) + " " + brackets[1]),
    el("span", { class: "preview" }, preview(value, PREVIEW_CHARS)),
  ));
  const fill = () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(el("ul", {}, ...entries.map(([key, item, at]) => branch(key, item, at, changedPaths, depth))));
  };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function branch(key, item, at, changedPaths, depth) {
  const isChanged = changedPaths.includes(at);
  return el(
    "li",
    { class: isChanged ? "changed" : undefined },
    el("span", { class: "key" }, String(key)),
    el("span", { class: "punctuation" }, ": "),
    tree(item, changedPaths, at, depth + 1),
  );
}

/** Whether a path leads through another. */
function isWithin(path, other) {
  return path.startsWith(other) && /^([.[]|$)/.test(path.slice(other.length));
}

function leaf(value) {
  const kind = value === null ? "null" : typeof value;
  return el("span", { class: "value " + kind }, JSON.stringify(value) ?? "nothing");
}

/** The differences, as a list of places with the values before and after. */
function changeList(changes) {
  if (changes.length === 0) return el("p", { class: "faint" }, "nothing: the state is the same");
  return el("ul", { class: "changes" }, ...changes.map(({ path, before, after }) =>
    el(
      "li",
      {},
      el("code", { class: "where" }, path),
      before !== undefined && el("del", {}, el("span", { class: "hidden" }, "before: "), before),
      after !== undefined && el("ins", {}, el("span", { class: "hidden" }, "after: "), after),
    )));
}

function leftOutNote(leftOut, command) {
  return leftOut > 0 && el("p", { class: "faint" }, count(leftOut, "value") + " left out: too many for a page; " + command);
}
`;
