/** Segments and snapshots to scale, and what is wrong with them. */
import type { Overview, SegmentRow, SnapshotRow } from "../../api_types.ts";
import type { Actions } from "../actions.ts";
import type { App } from "../app.ts";
import { byId, el, faint, refill } from "../parts/dom.ts";
import { bar, cell, table } from "../parts/table.ts";
import { count, grouped, range, size } from "../parts/text.ts";
import { MAX_TROUBLE, problemsOf, troubleBox } from "../trouble.ts";
import { linkTo } from "./link.ts";

const STATUS: Readonly<Record<string, string>> = {
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

/** Draws the view of the files. */
export function drawFiles(app: App, actions: Actions): void {
  const { info, tab } = app;
  if (info === undefined || tab !== "files") return;
  const { segments, snapshots, setAside } = info;
  const sizes = [...segments, ...snapshots].map(({ sizeBytes }) => sizeBytes);
  const most = sizes.reduce((a, b) => Math.max(a, b), 1);
  const more = problemsOf(info).slice(MAX_TROUBLE)
    .map(({ next: _, ...told }) => troubleBox(told));
  const compact = { name: "compact", input: {}, label: "Compact" } as const;
  const snapshot = { name: "snapshot", input: {}, label: "Snapshot" } as const;
  refill(
    byId("view-files"),
    title("Segments", actions.offer(compact)),
    table(
      "files",
      ["file", "records", "count", "size", "", "found"],
      segments.map((segment) => segmentRow(segment, most)),
    ),
    title("Snapshots", actions.offer(snapshot)),
    snapshots.length === 0 ? faint("no snapshots") : table(
      "files",
      ["file", "record", "", "size", "", "found"],
      snapshots.map((snapshot) => snapshotRow(snapshot, most)),
    ),
    ...consumerList(info),
    title("Set aside"),
    setAside.length === 0 ? faint("nothing") : asideList(setAside),
    more.length > 0 && title("What is wrong"),
    ...more,
  );
}

function title(text: string, offer?: HTMLElement): HTMLElement {
  return el("div", { class: "head" }, el("h2", {}, text), offer);
}

/** Who reads the log, and how far each has come. */
function consumerList({ consumers }: Overview): HTMLElement[] {
  if (consumers.length === 0) return [];
  const rows = consumers.map(({ name, position, lag, problem }) =>
    el(
      "tr",
      { class: problem === undefined ? undefined : "damaged" },
      cell("", name),
      cell("", linkTo({ tab: "log", at: position }, grouped(position))),
      cell("", lag === 0 ? "none" : count(lag, "record")),
      cell("status", problem),
    )
  );
  const names = ["name", "has committed", "behind", ""];
  return [title("Consumers"), table("consumers", names, rows)];
}

function asideList(names: readonly string[]): HTMLElement {
  const items = names.map((name) =>
    el(
      "li",
      {},
      el("code", {}, name),
      el("span", { class: "faint" }, ` ${whyAside(name)}`),
    )
  );
  return el("ul", { class: "names" }, ...items);
}

function whyAside(name: string): string {
  if (name.endsWith(".torn")) {
    return "bytes of an unfinished write, cut off on opening";
  }
  if (/\.aside(-\d+)?$/.test(name)) {
    return "a segment that ended before a snapshot";
  }
  return name.endsWith(".bad")
    ? "a snapshot that was damaged"
    : "the original of a file that a repair changed";
}

function segmentRow(
  { name, base, last, sizeBytes, status, tornBytes }: SegmentRow,
  most: number,
): HTMLTableRowElement {
  const isEmpty = last <= base;
  const records = range(base + 1, last);
  return el(
    "tr",
    { class: status },
    cell("", el("code", {}, name)),
    cell(
      "number",
      isEmpty ? "empty" : linkTo({ tab: "log", at: base + 1 }, records),
    ),
    cell("number faint", isEmpty ? "" : grouped(last - base)),
    cell("number", size(sizeBytes)),
    cell("wide", bar(status, (sizeBytes - tornBytes) / most, tornBytes / most)),
    cell("status", STATUS[status] ?? status),
  );
}

function snapshotRow(
  { name, seq, sizeBytes, status }: SnapshotRow,
  most: number,
): HTMLTableRowElement {
  return el(
    "tr",
    { class: status },
    cell("", el("code", {}, name)),
    cell("number", linkTo({ tab: "state", at: seq }, `record ${grouped(seq)}`)),
    cell(""),
    cell("number", size(sizeBytes)),
    cell("wide", bar(`snapshot ${status}`, sizeBytes / most)),
    cell("status", STATUS[status] ?? status),
  );
}
