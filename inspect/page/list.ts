/** The records, of which only those in sight exist, and the one that is picked. */
export const LIST: string = String.raw`
const ROW_PX = 26;
const PAGE_ROWS = 200;
const MAX_PAGES = 40;
/** No browser has elements that are much higher; a longer log is scrolled by shares. */
const MAX_PX = 6_000_000;

const list = { top: 0, pages: new Map(), expected: -1 };

/** A torn or damaged end has a row of its own. */
function hasTailRow() {
  return app.info.isCut;
}

function rowCount() {
  const { first, last } = app.info;
  return Math.max(0, last - first + 1) + (hasTailRow() ? 1 : 0);
}

function inSight() {
  return byId("list").clientHeight / ROW_PX;
}

function isScaled() {
  return rowCount() * ROW_PX > MAX_PX;
}

/** Moves the list so that this row, or a part of one, is the first in sight. */
function moveTo(top) {
  const box = byId("list");
  const most = Math.max(0, rowCount() - inSight());
  list.top = Math.min(Math.max(0, top), most);
  const room = box.scrollHeight - box.clientHeight;
  box.scrollTop = isScaled() ? (most === 0 ? 0 : list.top / most * room) : list.top * ROW_PX;
  list.expected = box.scrollTop;
  drawRows();
}

function onScroll() {
  const box = byId("list");
  if (Math.abs(box.scrollTop - list.expected) < 1) return;
  list.expected = box.scrollTop;
  const most = Math.max(0, rowCount() - inSight());
  const room = Math.max(1, box.scrollHeight - box.clientHeight);
  list.top = isScaled() ? box.scrollTop / room * most : box.scrollTop / ROW_PX;
  stopFollowing();
  drawRows();
}

/** Stays with earlier records while the user reads them. */
function stopFollowing() {
  if (!app.isFollowing || list.top >= rowCount() - inSight() - 1) return;
  app.isFollowing = false;
  drawNeedle();
}

/** Brings a record into sight. */
function reveal(seq) {
  const row = seq - app.info.first;
  const rows = inSight();
  if (row < list.top) moveTo(row);
  else if (row + 1 > list.top + rows) moveTo(row + 1 - rows + (hasTailRow() && seq === app.info.last ? 1 : 0));
  else drawRows();
}

/** The page of records with this one, asked for where it is not there, or has grown. */
function pageWith(seq) {
  const key = Math.floor(seq / PAGE_ROWS);
  const known = list.pages.get(key);
  const end = Math.min((key + 1) * PAGE_ROWS - 1, app.info.last);
  const isStale = known === undefined || known.last < end || known.seen !== app.info.seen && end === app.info.last;
  if (isStale && !known?.isComing) void loadPage(key, known);
  return list.pages.get(key);
}

async function loadPage(key, known) {
  const page = { records: known?.records ?? new Map(), damages: known?.damages ?? [], last: known?.last ?? 0, isComing: true };
  list.pages.delete(key);
  list.pages.set(key, page);
  if (list.pages.size > MAX_PAGES) list.pages.delete(list.pages.keys().next().value);
  const { last, seen } = app.info;
  try {
    const from = Math.max(1, key * PAGE_ROWS);
    const loaded = await ask("records", { from, count: (key + 1) * PAGE_ROWS - from });
    page.records = new Map(loaded.records.map((record) => [record.seq, record]));
    page.damages = loaded.damages;
    page.isLoaded = true;
  } catch (error) {
    page.failure = error.message;
  }
  page.last = last;
  page.seen = seen;
  page.isComing = false;
  drawRows();
}

/** Forgets the rows of a log that was damaged, or repaired, meanwhile. */
function forgetMended() {
  const problems = JSON.stringify(app.info.problems);
  if (problems === list.problems) return;
  list.problems = problems;
  list.pages.clear();
}

function damageAt(page, seq) {
  return page.damages.find(({ from, to }) => seq >= from && seq <= (to ?? Infinity));
}

function rowFor(seq) {
  const page = pageWith(seq);
  const record = page?.records.get(seq);
  const isPicked = seq === app.at;
  const attributes = { id: "row-" + seq, role: "option", "aria-selected": String(isPicked), "aria-setsize": rowCount(), "aria-posinset": seq - app.info.first + 1 };
  if (record !== undefined) {
    return el(
      "div",
      { ...attributes, class: "row" + (isPicked ? " picked" : "") + (record.isVerified ? "" : " unverified") },
      el("span", { class: "seq" }, grouped(seq)),
      record.kind && el("span", { class: "kind " + record.kind }, record.kind),
      el("span", { class: "text" }, record.text),
      record.batch && el("span", { class: "batch", title: "one unit with records " + range(record.batch.from, record.batch.to) }, "batch"),
    );
  }
  const damage = page && damageAt(page, seq);
  const isTail = seq > app.info.last;
  const text = damage
    ? damage.reason + " · " + damage.file + ", line " + damage.line + ", offset " + grouped(damage.offset)
    : page?.failure ?? (page?.isLoaded ? "cannot be read" : "…");
  const kind = !page?.isLoaded ? "loading" : isTail && app.info.end === "torn" ? "torn" : "damage";
  return el(
    "div",
    { ...attributes, class: "row " + kind + (isPicked ? " picked" : "") },
    el("span", { class: "seq" }, isTail ? "" : grouped(seq)),
    kind !== "loading" && el("span", { class: "kind " + kind }, kind === "torn" ? "torn" : "damaged"),
    el("span", { class: "text" }, text),
  );
}

function drawRows() {
  if (!app.info || app.tab !== "log") return;
  const { first } = app.info;
  byId("spacer").style.height = Math.min(MAX_PX, rowCount() * ROW_PX) + "px";
  const start = Math.floor(list.top);
  const end = Math.min(rowCount(), Math.ceil(list.top + inSight()) + 1);
  const rows = [];
  for (let at = start; at < end; at++) {
    const row = rowFor(first + at);
    row.style.transform = "translateY(" + (at - list.top) * ROW_PX + "px)";
    rows.push(row);
  }
  if (rowCount() === 0) rows.push(el("p", { class: "faint empty" }, "no records"));
  byId("rows").replaceChildren(...rows);
  const isInSight = app.at >= first + start && app.at < first + end;
  if (isInSight) byId("list").setAttribute("aria-activedescendant", "row-" + app.at);
  else byId("list").removeAttribute("aria-activedescendant");
  drawWindow(first + start, Math.min(app.info.last, first + end - 1));
}

function onListKey(event) {
  const page = Math.max(1, Math.floor(inSight()) - 1);
  const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const to = Math.min(Math.max(app.at + step, app.info.first), app.info.last);
  go(to, { isFollowing: event.key === "End" });
  reveal(app.at);
}

function startList() {
  const box = byId("list");
  box.addEventListener("scroll", onScroll, { passive: true });
  box.addEventListener("keydown", onListKey);
  box.addEventListener("wheel", (event) => {
    if (!app.info || !isScaled()) return;
    event.preventDefault();
    // Some browsers count in lines.
    moveTo(list.top + event.deltaY / (event.deltaMode === 1 ? 1 : ROW_PX));
    stopFollowing();
  }, { passive: false });
  let finger;
  box.addEventListener("touchstart", (event) => finger = event.touches[0].clientY, { passive: true });
  box.addEventListener("touchmove", (event) => {
    if (!app.info || !isScaled()) return;
    event.preventDefault();
    const { clientY } = event.touches[0];
    moveTo(list.top + (finger - clientY) / ROW_PX);
    finger = clientY;
    stopFollowing();
  }, { passive: false });
  box.addEventListener("click", (event) => {
    const top = event.clientY - box.getBoundingClientRect().top - box.clientTop;
    const seq = app.info.first + Math.floor(list.top + top / ROW_PX);
    if (seq <= app.info.last) go(seq);
  });
  let before = 0;
  new ResizeObserver(() => {
    if (!app.info) return;
    const row = app.at - app.info.first;
    const wasInSight = row >= list.top && row < list.top + before;
    before = inSight();
    moveTo(list.top);
    if (wasInSight) reveal(app.at);
  }).observe(box);
  onChange((what) => {
    byId("window").hidden = app.tab !== "log";
    if (!app.info) return;
    forgetMended();
    if (app.tab !== "log") return;
    byId("spacer").style.height = Math.min(MAX_PX, rowCount() * ROW_PX) + "px";
    if (what === "info" && !app.isFollowing) drawRows();
    else reveal(Math.max(app.info.first, app.at));
  });
}
`;
