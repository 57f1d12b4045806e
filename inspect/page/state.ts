/** The state as of the record that is picked. */
export const STATE: string = String.raw`
const drawState = latest(async () => {
  const { at, info } = app;
  if (!info || app.tab !== "state") return;
  const [box, side] = [byId("state"), byId("changes")];
  try {
    const view = await ask("state", { at });
    // A state that was opened by hand stays open where it is the same.
    const text = JSON.stringify(view);
    if (text === drawState.shown) return;
    drawState.shown = text;
    if (view.madeBy === "nothing") drawParts(view, box, side);
    else drawMade(view, box, side);
  } catch (error) {
    drawState.shown = "";
    box.replaceChildren(el("h2", {}, "State as of record " + grouped(at)), troubleOf(error));
    side.replaceChildren();
  }
});

function drawMade(view, box, side) {
  const { at, state, changes = [], leftOut, rejected } = view;
  box.replaceChildren(
    el("h2", {}, "State as of record " + grouped(at)),
    ...rejectedNotes(rejected),
    tree(state, changes.map(({ path }) => path)),
    leftOutNote(leftOut, "mini state --at " + at + " prints what the state is made of") || "",
  );
  side.replaceChildren(el("h2", {}, "What record " + grouped(at) + " changed"), at < app.info.first ? el("p", { class: "faint" }, "There is no such record.") : effectOf(view));
}

/** Without its program a state is a snapshot and the mutations behind it. */
function drawParts(view, box, side) {
  const { at, snapshot, state, leftOut, mutations, rejected } = view;
  box.replaceChildren(
    el("h2", {}, snapshot === 0 ? "Initial state" : "Snapshot at record " + grouped(snapshot)),
    el("p", { class: "faint" }, "Only the program knows what its mutations do: mini inspect --apply MODULE shows the states themselves."),
    ...rejectedNotes(rejected),
    snapshot === 0 ? el("p", { class: "faint" }, "There is no snapshot at or before record " + grouped(at) + ".") : tree(state),
    leftOutNote(leftOut, "mini state --at " + at + " prints them") || "",
  );
  const left = at - snapshot - mutations.length;
  side.replaceChildren(
    el("h2", {}, "Mutations since"),
    mutations.length === 0 && el("p", { class: "faint" }, "none up to record " + grouped(at)) || "",
    left > 0 && mutations.length >= 100 ? el("p", { class: "faint" }, "the last " + mutations.length + " up to record " + grouped(at)) : "",
    el("ol", { class: "mutations" }, ...mutations.map(({ seq, mutation }) =>
      el("li", { class: seq === at ? "changed" : undefined }, el("span", { class: "seq" }, grouped(seq)), tree(mutation, [], "$", OPEN_DEPTH)))),
  );
}

function rejectedNotes(rejected) {
  return rejected.map((message) => el("div", { class: "problem" }, el("p", {}, "A snapshot was skipped: " + message)));
}
`;
