/** The page's tools: elements, numbers, requests, and what is looked at. */
export const CORE: string = String.raw`
const byId = (id) => document.getElementById(id);

/** An element with attributes and children; text is text, whatever is in it. */
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A number with its thousands apart. */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A size: 812 bytes, 1.5 MiB. */
function size(bytes) {
  if (bytes === 1) return "1 byte";
  let unit = 0;
  while (bytes >= 1024 && unit < UNITS.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return bytes.toFixed(unit === 0 || bytes >= 100 ? 0 : 1) + " " + UNITS[unit];
}

/** A number and a noun: 1 record, 2,000 records. */
function count(number, noun) {
  return grouped(number) + " " + noun + (number === 1 ? "" : "s");
}

/** A time span, roughly: 4 s, 3 min, 2 h, 5 d. */
function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 1) return Math.round(ms) + " ms";
  if (seconds < 120) return Math.round(seconds) + " s";
  if (seconds < 7200) return Math.round(seconds / 60) + " min";
  if (seconds < 172800) return Math.round(seconds / 3600) + " h";
  return Math.round(seconds / 86400) + " d";
}

/** Numbers from one to another. */
function range(from, to) {
  return to < from ? "none" : from === to ? grouped(from) : grouped(from) + "–" + grouped(to);
}

/** Asks the server; what the journal has to say for itself is thrown as a Trouble. */
async function ask(name, query, signal) {
  const response = await fetch("api/" + name + "?" + new URLSearchParams(query ?? {}), { signal });
  const answer = await response.json();
  if (answer.error) throw new Trouble(answer.error);
  return answer;
}

class Trouble extends Error {
  constructor(told) {
    super(told.message);
    this.told = told;
  }
}

/** Shows a failure, its place, and what to do next. */
function troubleBox({ code, message, next }, ...more) {
  return el(
    "div",
    { class: "problem" },
    el("p", {}, el("strong", {}, (code ?? "Trouble") + " "), message, ...more),
    next && el("p", { class: "faint" }, "next: " + next),
  );
}

/** The same of anything that was thrown. */
function troubleOf(error) {
  return troubleBox(error.told ?? { message: error.message });
}

/** The journal, the record and the view that the page shows. */
const app = { info: undefined, at: 0, isFollowing: true, tab: "log", listeners: [] };

/** Calls a function whenever the record, the view or the journal changes. */
function onChange(listener) {
  app.listeners.push(listener);
}

function changed(what) {
  for (const listener of app.listeners) listener(what);
}

/** The lowest number that can be looked at: that of the state before the first record. */
function lowest() {
  return Math.max(0, app.info.first - 1);
}

/** Goes to a record. */
function go(at, { isFollowing = false } = {}) {
  if (!app.info) return;
  const to = Math.min(Math.max(at, lowest()), app.info.last);
  const isNew = to !== app.at || isFollowing !== app.isFollowing;
  app.at = to;
  app.isFollowing = isFollowing;
  if (!isNew) return;
  changed("at");
  keepInAddress();
}

function showTab(tab) {
  if (tab === app.tab) return;
  app.tab = tab;
  changed("tab");
  keepInAddress();
}

let addressTimer;

/** A page that is loaded again shows the same. Browsers mind an address that changes all the time. */
function keepInAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    const where = new URLSearchParams({ view: app.tab });
    if (!app.isFollowing) where.set("at", app.at);
    history.replaceState(null, "", "#" + where);
  }, 250);
}

/** Runs the newest of many jobs, one at a time: those between are left out. */
function latest(job) {
  let isRunning = false;
  let waiting;
  return async function run(...args) {
    if (isRunning) return void (waiting = args);
    isRunning = true;
    await job(...args);
    isRunning = false;
    const next = waiting;
    waiting = undefined;
    if (next) run(...next);
  };
}
`;
