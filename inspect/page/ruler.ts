/** The whole log as a strip: segments, snapshots, damage, and where one is. */
export const RULER: string = String.raw`
/** Where a record stands on the strip, from 0 to 1. */
function share(seq) {
  const low = lowest();
  const span = app.info.last - low;
  return span <= 0 ? 0 : Math.min(1, Math.max(0, (seq - low) / span));
}

function percent(part) {
  return (part * 100).toFixed(4) + "%";
}

function drawRuler() {
  const { segments, snapshots, last, problems } = app.info;
  const slider = byId("slider");
  slider.min = lowest();
  slider.max = last;
  byId("segments").replaceChildren(...segments.filter((segment) => segment.last > segment.base).map(segmentBlock));
  const marks = snapshots.map((snapshot) => mark(snapshot.seq, "snapshot " + snapshot.status, "snapshot at record " + grouped(snapshot.seq)));
  for (const { seq, message } of problems) {
    if (seq !== undefined) marks.push(mark(seq, "damage", message));
  }
  byId("marks").replaceChildren(...marks);
  drawScale();
  drawNeedle();
}

function segmentBlock({ name, base, last, status }) {
  const block = el("span", { class: "segment " + status, title: name + ": records " + range(base + 1, last) });
  block.style.left = percent(share(base));
  block.style.width = percent(share(last) - share(base));
  return block;
}

function mark(seq, kind, title) {
  const element = el("span", { class: "mark " + kind, title });
  element.style.left = percent(share(seq));
  return element;
}

/** Round numbers below the strip, as many as there is room for. */
function drawScale() {
  const low = lowest();
  const span = app.info.last - low;
  const room = Math.max(2, Math.floor(byId("strip").clientWidth / 110));
  let step = 10 ** Math.floor(Math.log10(Math.max(1, span / room)));
  for (const factor of [1, 2, 5, 10]) {
    if (span / (step * factor) <= room) {
      step = Math.max(1, step * factor);
      break;
    }
  }
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= app.info.last && span > 0; at += step) {
    const tick = el("span", { class: share(at) > 0.97 ? "tick end" : share(at) < 0.03 ? "tick begin" : "tick" }, grouped(at));
    tick.style.left = percent(share(at));
    ticks.push(tick);
  }
  byId("scale").replaceChildren(...ticks);
}

function drawNeedle() {
  const { info, at, isFollowing } = app;
  byId("needle").style.left = percent(share(at));
  const slider = byId("slider");
  slider.value = at;
  slider.setAttribute("aria-valuetext", "record " + grouped(at) + " of " + grouped(info.last));
  const field = byId("at");
  if (document.activeElement !== field) field.value = grouped(at);
  byId("of").textContent = "of " + grouped(info.last);
  byId("follow").checked = isFollowing;
}

/** Shows which part of the log the list shows. */
function drawWindow(from, to) {
  const element = byId("window");
  element.style.left = percent(share(from - 1));
  element.style.width = percent(Math.max(0.002, share(to) - share(from - 1)));
}

function startRuler() {
  byId("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  byId("slider").addEventListener("keydown", (event) => {
    const step = { PageUp: -100, PageDown: 100 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    go(app.at + step);
  });
  byId("previous").addEventListener("click", () => go(app.at - 1));
  byId("next").addEventListener("click", () => go(app.at + 1));
  byId("follow").addEventListener("change", (event) =>
    go(event.target.checked ? app.info.last : app.at, { isFollowing: event.target.checked }));
  const field = byId("at");
  const take = () => {
    const number = Number(field.value.replace(/[^\d]/g, ""));
    if (field.value.trim() !== "" && Number.isSafeInteger(number)) go(number);
    field.value = grouped(app.at);
  };
  field.addEventListener("change", take);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") take();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      go(app.at + (event.key === "ArrowUp" ? -1 : 1));
      field.value = grouped(app.at);
    }
  });
  onChange((what) => app.info && (what === "info" ? drawRuler() : drawNeedle()));
  addEventListener("resize", () => app.info && drawScale());
}
`;
