/** Segments and snapshots to scale, and what is wrong with them. */
import type { Overview, SegmentRow, SnapshotRow } from "../../api_types.ts";
import type { App } from "../app.ts";
import { button, byId, el, faint, fill } from "../parts/dom.ts";
import { bar, cell, table } from "../parts/table.ts";
import { grouped, range, size } from "../parts/text.ts";
import { MAX_TROUBLE, troubleBox } from "../trouble.ts";

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

/** Shows the journal at a glance, on every view. */
export function drawFacts({ info }: App): void {
  const { path, format, records, first, last, segments, ...rest } = info!;
  const isDamaged = segments.some(({ status }) => status === "damaged");
  const facts = [
    ["records", records === 0 ? "none" : range(first, last)],
    ["segments", grouped(segments.length)],
    ["size", size(rest.sizeBytes)],
    ["snapshots", grouped(rest.snapshots.length)],
    ["log", isDamaged ? "damaged" : rest.end],
    format === "ministore"
      ? ["format", "of the Rust program"]
      : ["read", `${donePercent(info!)} %`],
  ] as const;
  byId("path").textContent = path;
  const name = path.split(/[\\/]/).slice(-2).join("/");
  document.title = `${name} · mini inspect`;
  const items = facts.map(([name, value]) =>
    el(
      "div",
      { class: name === "log" ? `end ${value}` : undefined },
      el("dt", {}, name),
      el("dd", {}, value),
    )
  );
  fill(byId("facts"), ...items);
}

/** How much of the journal was read, in per cent. */
function donePercent(info: Overview): number {
  const { segments, snapshots, sizeBytes, verified } = info;
  const isAll = verified.isDone &&
    ![...segments, ...snapshots].some(({ status }) => status === "unread");
  if (isAll) return 100;
  const total = snapshots.reduce(
    (sum, file) => sum + file.sizeBytes,
    sizeBytes,
  );
  return Math.min(99, Math.floor(verified.bytes / Math.max(1, total) * 100));
}

/** Draws the view of the files. */
export function drawFiles(app: App): void {
  const { info, tab } = app;
  if (info === undefined || tab !== "files") return;
  const { segments, snapshots, setAside, problems } = info;
  const sizes = [...segments, ...snapshots].map(({ sizeBytes }) => sizeBytes);
  const most = sizes.reduce((a, b) => Math.max(a, b), 1);
  const more = problems.slice(MAX_TROUBLE)
    .map(({ next: _, ...told }) => troubleBox(told));
  fill(
    byId("view-files"),
    el("h2", {}, "Segments"),
    table(
      "files",
      ["file", "records", "count", "size", "", "found"],
      segments.map((segment) => segmentRow(app, segment, most)),
    ),
    el("h2", {}, "Snapshots"),
    snapshots.length === 0 ? faint("no snapshots") : table(
      "files",
      ["file", "record", "", "size", "", "found"],
      snapshots.map((snapshot) => snapshotRow(app, snapshot, most)),
    ),
    el("h2", {}, "Set aside"),
    setAside.length === 0 ? faint("nothing") : asideList(setAside),
    more.length > 0 && el("h2", {}, "What is wrong"),
    ...more,
  );
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
  app: App,
  { name, base, last, sizeBytes, status, tornBytes }: SegmentRow,
  most: number,
): HTMLTableRowElement {
  const isEmpty = last <= base;
  const show = () => {
    app.showTab("log");
    app.go(base + 1);
  };
  return el(
    "tr",
    { class: status },
    cell("", el("code", {}, name)),
    cell(
      "number",
      isEmpty
        ? "empty"
        : button({ class: "link" }, show, range(base + 1, last)),
    ),
    cell("number faint", isEmpty ? "" : grouped(last - base)),
    cell("number", size(sizeBytes)),
    cell("wide", bar(status, (sizeBytes - tornBytes) / most, tornBytes / most)),
    cell("status", STATUS[status] ?? status),
  );
}

function snapshotRow(
  app: App,
  { name, seq, sizeBytes, status }: SnapshotRow,
  most: number,
): HTMLTableRowElement {
  const show = () => {
    app.showTab("state");
    app.go(seq);
  };
  return el(
    "tr",
    { class: status },
    cell("", el("code", {}, name)),
    cell("number", button({ class: "link" }, show, `record ${grouped(seq)}`)),
    cell(""),
    cell("number", size(sizeBytes)),
    cell("wide", bar(`snapshot ${status}`, sizeBytes / most)),
    cell("status", STATUS[status] ?? status),
  );
}
