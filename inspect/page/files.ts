/** Segments and snapshots to scale, and what is wrong with them. */
export const FILES: string = String.raw`
const STATUS = {
  sealed: "intact",
  closed: "intact, closed cleanly",
  open: "intact, not closed",
  torn: "torn at the end",
  unfinished: "unfinished: opening creates it again",
  missing: "missing: a rotation was cut short, or it was removed",
  damaged: "damaged",
  unread: "not read yet",
  whole: "intact",
  unverified: "readable, without a checksum",
  newer: "of a newer version",
};

function drawFacts() {
  const { info } = app;
  const { format, records, first, last, segments, sizeBytes, snapshots, end, verified } = info;
  const total = sizeBytes + snapshots.reduce((sum, snapshot) => sum + snapshot.sizeBytes, 0);
  const isAll = verified.isDone && ![...segments, ...snapshots].some(({ status }) => status === "unread");
  const done = isAll ? 100 : Math.min(99, Math.floor(verified.bytes / Math.max(1, total) * 100));
  const facts = [
    ["records", records === 0 ? "none" : range(first, last)],
    ["segments", grouped(segments.length)],
    ["size", size(sizeBytes)],
    ["snapshots", grouped(snapshots.length)],
    ["log", segments.some(({ status }) => status === "damaged") ? "damaged" : end],
    format === "ministore" ? ["format", "of the Rust program"] : ["read", done + " %"],
  ];
  byId("path").textContent = info.path;
  document.title = info.path.split(/[\\/]/).slice(-2).join("/") + " · mini inspect";
  byId("facts").replaceChildren(...facts.map(([name, value]) =>
    el("div", { class: name === "log" ? "end " + value : undefined }, el("dt", {}, name), el("dd", {}, value))));
}

const MAX_TROUBLE = 3;

/** Shows problems on every view. */
function drawTrouble() {
  const { problems, end, segments } = app.info;
  const torn = end === "torn" ? segments.at(-1) : undefined;
  const boxes = problems.slice(0, MAX_TROUBLE).map(({ next: _, ...told }) =>
    troubleBox(told, told.seq !== undefined && el("button", { type: "button", onclick: () => showRecord(told.seq) }, "Show record " + grouped(told.seq)) || ""));
  const next = problems.find((told) => told.next)?.next;
  if (problems.length > MAX_TROUBLE) boxes.push(el("p", { class: "faint" }, "and " + count(problems.length - MAX_TROUBLE, "other") + ": see Files"));
  if (torn) boxes.push(el("div", { class: "problem mild" }, el("p", {}, el("strong", {}, "Torn "), count(torn.tornBytes, "byte") + " of an unfinished write at the end of " + torn.name + "; opening keeps them in a file of their own. No line behind them proves that what they began had been acknowledged.")));
  if (next) boxes.push(el("p", { class: "faint" }, "next: " + next));
  byId("trouble").hidden = boxes.length === 0;
  byId("trouble").replaceChildren(...boxes);
}

function showRecord(seq) {
  showTab("log");
  go(seq);
}

function drawFiles() {
  const { info } = app;
  if (!info || app.tab !== "files") return;
  const { segments, snapshots, setAside, problems } = info;
  const most = Math.max(1, ...segments.map((file) => file.sizeBytes), ...snapshots.map((file) => file.sizeBytes));
  byId("view-files").replaceChildren(
    el("h2", {}, "Segments"),
    fileTable(["file", "records", "count", "size", "", "found"], segments.map((segment) => segmentRow(segment, most))),
    el("h2", {}, "Snapshots"),
    snapshots.length === 0 ? el("p", { class: "faint" }, "no snapshots") : fileTable(["file", "record", "", "size", "", "found"], snapshots.map((snapshot) => snapshotRow(snapshot, most))),
    el("h2", {}, "Set aside"),
    setAside.length === 0 ? el("p", { class: "faint" }, "nothing") : el("ul", { class: "names" }, ...setAside.map((name) => el("li", {}, el("code", {}, name), el("span", { class: "faint" }, " " + whyAside(name))))),
    problems.length > MAX_TROUBLE && el("h2", {}, "What is wrong") || "",
    ...problems.slice(MAX_TROUBLE).map(({ next: _, ...told }) => troubleBox(told)),
  );
}

function whyAside(name) {
  if (name.endsWith(".torn")) return "bytes of an unfinished write, cut off on opening";
  if (/\\.aside(-\\d+)?$/.test(name)) return "a segment that ended before a snapshot";
  if (name.endsWith(".bad")) return "a snapshot that was damaged";
  return "the original of a file that a repair changed";
}

function fileTable(names, rows, kind = "files") {
  return el(
    "table",
    { class: kind },
    el("thead", {}, el("tr", {}, ...names.map((name) => name === "" ? el("td", {}) : el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows),
  );
}

function segmentRow({ name, base, last, sizeBytes, status, tornBytes }, most) {
  const isEmpty = last <= base;
  const link = isEmpty ? "empty" : el("button", { type: "button", class: "link", onclick: () => showRecord(base + 1) }, range(base + 1, last));
  return el(
    "tr",
    { class: status },
    el("td", {}, el("code", {}, name)),
    el("td", { class: "number" }, link),
    el("td", { class: "number faint" }, isEmpty ? "" : grouped(last - base)),
    el("td", { class: "number" }, size(sizeBytes)),
    el("td", { class: "wide" }, bar(sizeBytes, most, status, tornBytes)),
    el("td", { class: "status" }, STATUS[status] ?? status),
  );
}

function snapshotRow({ name, seq, sizeBytes, status }, most) {
  return el(
    "tr",
    { class: status },
    el("td", {}, el("code", {}, name)),
    el("td", { class: "number" }, el("button", { type: "button", class: "link", onclick: () => { showTab("state"); go(seq); } }, "record " + grouped(seq))),
    el("td", {}),
    el("td", { class: "number" }, size(sizeBytes)),
    el("td", { class: "wide" }, bar(sizeBytes, most, "snapshot " + status, 0)),
    el("td", { class: "status" }, STATUS[status] ?? status),
  );
}

/** A bar as long as a file is large; what stands behind its good bytes in another colour. */
function bar(bytes, most, kind, tornBytes) {
  const good = el("span", { class: "good " + kind });
  good.style.width = percent((bytes - tornBytes) / most);
  const rest = el("span", { class: "rest" });
  rest.style.width = percent(tornBytes / most);
  return el("span", { class: "bar", "aria-hidden": "true" }, good, tornBytes > 0 && rest);
}
`;
