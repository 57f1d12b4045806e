/** Views, what a writer appends, and the beginning. */
export const START: string = String.raw`
const TABS = ["log", "state", "files", "queue"];

function drawTabs() {
  for (const tab of TABS) {
    const button = byId("tab-" + tab);
    const isShown = tab === app.tab;
    button.setAttribute("aria-selected", String(isShown));
    button.tabIndex = isShown ? 0 : -1;
    byId("view-" + tab).hidden = !isShown;
  }
  byId("tab-queue").hidden = app.info?.holds !== "queue";
  byId("tab-state").hidden = app.info?.holds === "records" && !app.info.hasProgram;
}

function startTabs() {
  const buttons = () => TABS.map((tab) => byId("tab-" + tab)).filter((button) => !button.hidden);
  for (const tab of TABS) {
    byId("tab-" + tab).addEventListener("click", () => showTab(tab));
    byId("tab-" + tab).addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      const all = buttons();
      const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
      next.focus();
      next.click();
    });
  }
}

function drawView() {
  void drawDetail();
  void drawState();
  drawFiles();
  void drawQueue();
}

/** Looks at the journal again. Looking must take only a part of the time. */
const lookAgain = latest(async () => {
  const began = performance.now();
  try {
    const info = await ask("overview");
    info.seen = info.sizeBytes + " " + info.end;
    const isFirst = app.info === undefined;
    app.info = info;
    byId("trouble").classList.remove("lost");
    if (isFirst) takeFromAddress();
    const at = app.isFollowing ? info.last : Math.min(Math.max(app.at, lowest()), info.last);
    const isMoved = at !== app.at;
    app.at = at;
    changed("info");
    if (isMoved || isFirst) changed("at");
    if (!info.verified.isDone) setTimeout(lookAgain, 400);
  } catch (error) {
    byId("trouble").hidden = false;
    byId("trouble").replaceChildren(troubleBox(error.told ?? { message: "mini inspect no longer answers: " + error.message }));
  }
  const took = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, Math.max(100, 4 * took)));
});

function takeFromAddress() {
  const where = new URLSearchParams(location.hash.slice(1));
  const at = where.get("at");
  if (at !== null && /^\d+$/.test(at)) {
    app.at = Number(at);
    app.isFollowing = false;
  }
  const view = where.get("view");
  drawTabs();
  if (TABS.includes(view) && !byId("tab-" + view).hidden) app.tab = view;
  changed("tab");
}

function tellLive(state, text) {
  byId("live").className = "live " + state;
  if (byId("live-text").textContent !== text) byId("live-text").textContent = text;
}

/** Watches the writer. The browser connects again by itself when the connection is lost. */
function startLive() {
  const source = new EventSource("api/live");
  let quiet;
  source.addEventListener("open", () => tellLive("on", "watching"));
  source.addEventListener("error", () => tellLive("off", "not connected"));
  source.addEventListener("message", (event) => {
    const { count: number } = JSON.parse(event.data);
    if (number > 0) {
      tellLive("busy", "being written");
      clearTimeout(quiet);
      quiet = setTimeout(() => tellLive("on", "watching"), 2_000);
    }
    void lookAgain();
  });
}

startTabs();
onChange(drawTabs);
startRuler();
startList();
startSearch();
onChange((what) => {
  if (what === "info") {
    drawFacts();
    drawTrouble();
  }
  if (what === "info" && app.isFollowing === false && app.tab !== "files") return void drawQueue();
  drawView();
});
void lookAgain();
startLive();
`;
