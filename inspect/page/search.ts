/** Search through the records, and the record that is picked. */
export const SEARCH: string = String.raw`
let searching;

function marked(text, wanted) {
  const parts = [];
  const small = text.toLowerCase();
  let from = 0;
  for (let at; (at = small.indexOf(wanted, from)) !== -1; from = at + wanted.length) {
    parts.push(text.slice(from, at), el("mark", {}, text.slice(at, at + wanted.length)));
  }
  return [...parts, text.slice(from)];
}

/** Looks for a text from the first record on; hits show as they are found. */
async function searchFor(text) {
  searching?.abort();
  searching = new AbortController();
  const { signal } = searching;
  byId("found").hidden = false;
  byId("hits").replaceChildren();
  tellSearch("searching");
  const wanted = text.toLowerCase();
  let hits = 0;
  try {
    const query = new URLSearchParams({ text, from: app.info.first });
    const response = await fetch("api/search?" + query, { signal });
    for await (const told of lines(response)) {
      if (told.error) throw new Trouble(told.error);
      if (told.seq === undefined) {
        const where = told.isDone ? "" : " · at record " + grouped(told.at) + " of " + grouped(app.info.last);
        tellSearch(count(told.hits, "record") + " found" + where);
        continue;
      }
      hits++;
      byId("hits").append(hit(told, wanted));
      tellSearch(count(hits, "record") + " found");
    }
  } catch (error) {
    if (!signal.aborted) tellSearch(error.message);
  }
}

function hit({ seq, kind, text }, wanted) {
  return el("li", {}, el(
    "button",
    { type: "button", class: "hit", onclick: () => go(seq) },
    el("span", { class: "seq" }, grouped(seq)),
    kind && el("span", { class: "kind " + kind }, kind),
    el("span", { class: "text" }, ...marked(text, wanted)),
  ));
}

/** The values in a response, each as soon as its line is there. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
  if (rest !== "") yield JSON.parse(rest);
}

function tellSearch(text) {
  byId("found-text").textContent = text;
}

function closeSearch() {
  searching?.abort();
  byId("found").hidden = true;
  byId("query").value = "";
}

/** Leads to a record, and says where there is no such one. */
function goToNumber(at) {
  searching?.abort();
  const isThere = at >= lowest() && at <= app.info.last;
  byId("found").hidden = isThere;
  if (isThere) return go(at);
  byId("hits").replaceChildren();
  const { first, last } = app.info;
  tellSearch("there is no record " + grouped(at) + (last < first ? "" : ": there are " + grouped(first) + " to " + grouped(last)));
}

function startSearch() {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("query").value.trim();
    if (text === "") return closeSearch();
    if (!/^[\d,]+$/.test(text)) return void searchFor(text.replace(/^"(\d+)"$/, "$1"));
    goToNumber(Number(text.replaceAll(",", "")));
    byId("query").select();
  });
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeSearch();
    if (event.key === "ArrowDown") byId("list").focus();
  });
  byId("found-close").addEventListener("click", closeSearch);
  addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key !== "/" || isTyping && document.activeElement.type !== "range") return;
    event.preventDefault();
    showTab("log");
    byId("query").focus();
  });
}

/** The record that is picked, in full, and what it has changed. */
const drawDetail = latest(async () => {
  const { at, info } = app;
  if (!info || app.tab !== "log") return;
  const box = byId("detail");
  try {
    const record = at < info.first ? { seq: at, isMissing: true } : await ask("record", { seq: at });
    const head = el("h2", {}, "Record " + grouped(at));
    if (record.isMissing) {
      return box.replaceChildren(head, el("p", { class: "faint" }, missingText(at)), ...(record.damages ?? []).map(damageBox));
    }
    const effect = el("section", { class: "effect" });
    box.replaceChildren(head, placeList(record), tree(record.data), leftOutNote(record.leftOut, "mini dump --from " + at + " --to " + at + " prints them") || "", effect);
    if (info.hasProgram || info.holds === "queue") await drawEffect(effect, at);
  } catch (error) {
    box.replaceChildren(el("h2", {}, "Record " + grouped(at)), troubleOf(error));
  }
});

function missingText(at) {
  if (at === 0) return "There is nothing before the first record.";
  return at < app.info.first
    ? "Compaction removed it; a snapshot covers it."
    : "It cannot be read: the line that held it is damaged, or missing.";
}

function damageBox({ reason, file, line, offset, bytes }) {
  const rows = [["file", file], ["line", grouped(line)], ["offset", grouped(offset)], ["size", size(bytes)]];
  return el("div", { class: "problem" }, el("p", {}, reason), el("dl", { class: "place" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}

function placeList({ file, line, offset, bytes, batch, isVerified }) {
  const rows = [
    ["file", file],
    ["line", grouped(line)],
    ["offset", grouped(offset)],
    ["size", size(bytes)],
    batch && ["batch", "records " + range(batch.from, batch.to)],
    ["checksum", isVerified ? "holds" : app.info.format === "mini" ? "not confirmed" : "has none"],
  ].filter(Boolean);
  return el("dl", { class: "place" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

async function drawEffect(section, at) {
  section.replaceChildren(el("h3", {}, "What it changed"), el("p", { class: "faint" }, "…"));
  try {
    const view = await ask("state", { at });
    section.replaceChildren(el("h3", {}, "What it changed"), effectOf(view));
  } catch (error) {
    section.replaceChildren(el("h3", {}, "What it changed"), troubleOf(error));
  }
}

function effectOf({ isAborted, isUnsure, changes }) {
  const list = effectList({ isAborted, changes });
  return isUnsure ? el("div", {}, list, el("p", { class: "faint" }, UNSURE)) : list;
}

const UNSURE = "A record after the damage may say that this one was aborted: that is unknown.";

function effectList({ isAborted, changes }) {
  if (isAborted) return el("p", { class: "aborted" }, "nothing: it was aborted, and has no effect");
  return changes ? changeList(changes) : el("p", { class: "faint" }, "The state before it can no longer be rebuilt.");
}
`;
