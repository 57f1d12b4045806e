/** The messages of a queue, as of the record that is picked. */
export const QUEUE: string = String.raw`
const STANDINGS = [
  ["ready", "ready"],
  ["blocked", "blocked"],
  ["delayed", "delayed"],
  ["inFlight", "in flight"],
  ["dead", "dead"],
];

/** The tables, the last first. */
const TABLES = STANDINGS.toSpliced(-1, 0, ["finished", "finished"]);

const drawQueue = latest(async () => {
  const { info, isFollowing, at } = app;
  if (info?.holds !== "queue") return;
  const box = byId("view-queue");
  const isShown = app.tab === "queue";
  if (!isShown && info.seen === drawQueue.seen) return;
  try {
    const view = await ask("queue", isFollowing || !isShown ? {} : { at });
    if (view.isMissing) return;
    if (!isShown) drawQueue.seen = info.seen;
    const dead = byId("dead-count");
    dead.hidden = view.depth.dead === 0;
    dead.textContent = grouped(view.depth.dead) + " dead";
    if (!isShown) return;
    const text = JSON.stringify([isFollowing, view.at, view.depth]);
    if (text === drawQueue.shown && box.childElementCount > 0) return;
    drawQueue.shown = text;
    box.replaceChildren(...queueSections(view));
  } catch (error) {
    box.replaceChildren(troubleOf(error));
  }
});

function queueSections({ at, depth, messages }) {
  const most = Math.max(1, ...STANDINGS.map(([key]) => depth[key]));
  const title = app.isFollowing ? "Messages now" : "Messages as of record " + grouped(at);
  return [
    el("h2", {}, title),
    depth.paused ? el("p", { class: "problem mild" }, "paused: nothing is delivered") : "",
    el("dl", { class: "depth" }, ...STANDINGS.map(([key, name]) => depthRow(key, name, depth[key], most))),
    depth.oldestMs > 0 ? el("p", { class: "faint" }, "the oldest has waited " + duration(depth.oldestMs)) : "",
    ...TABLES.filter(([key]) => depth[key] > 0).toReversed().flatMap(([key, name]) => [
      el("h3", {}, name.charAt(0).toUpperCase() + name.slice(1) + " "),
      messageTable(key, messages[key], depth[key]),
    ]),
    ...depth.schedules.length > 0 ? [el("h3", {}, "Schedules"), scheduleTable(depth.schedules)] : [],
  ];
}

function scheduleTable(schedules) {
  const rows = schedules.map(({ name, last, missed }) => el(
    "tr",
    {},
    el("td", {}, name),
    el("td", {}, last === undefined ? "has not fired" : last.slice(0, 16).replace("T", " ") + " UTC"),
    el("td", {}, grouped(missed)),
  ));
  return fileTable(["name", "fired last", "missed"], rows, "schedules");
}

function depthRow(key, name, number, most) {
  const fill = el("span", { class: "good " + key });
  fill.style.width = percent(number / most);
  return el("div", {}, el("dt", {}, name), el("dd", {}, el("span", { class: "number" }, grouped(number)), el("span", { class: "bar", "aria-hidden": "true" }, number > 0 && fill)));
}

function messageTable(key, messages, all) {
  const third = { dead: "why", finished: "how it ended" }[key] ?? "received";
  const last = { dead: "dead for", finished: "ended", delayed: "due in" }[key] ?? "age";
  const rows = messages.map((message) => el(
    "tr",
    { class: key },
    el("td", { class: "number" }, grouped(message.id)),
    el("td", { class: "payload" }, el("code", {}, message.text), ...chips(message, key)),
    el("td", {}, key === "dead" ? message.reason : key === "finished" ? ending(message) : message.attempts === 0 ? "new" : times(message.attempts)),
    el("td", { class: "number" }, duration(key === "delayed" ? message.delayMs : message.ageMs) + (key === "finished" ? " ago" : "")),
  ));
  if (all > messages.length) {
    rows.push(el("tr", {}, el("td", { colspan: "4", class: "faint" }, "and " + count(all - messages.length, "other"))));
  }
  return fileTable(["number", "payload", third, last], rows, "messages");
}

function ending({ as, result, reason }) {
  const more = result ?? reason;
  return more === undefined ? as : as + ": " + more;
}

function chips({ priority, group, headers, progress, reason, attempts }, key) {
  return [
    priority !== 0 && "priority " + priority,
    group !== undefined && "group " + group,
    ...Object.entries(headers ?? {}).map(([name, text]) => name + ": " + text),
    progress !== undefined && "progress: " + progress,
    reason !== undefined && attempts > 0 && key !== "dead" && key !== "finished" && "failed: " + reason,
  ].filter(Boolean).map((text) => el("span", { class: "chip", title: text }, text.slice(0, 80)));
}

function times(number) {
  return number === 1 ? "once" : number + " times";
}
`;
