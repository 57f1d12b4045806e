/** The rows of the list of records. */
import type { DamageRow, Overview, RecordRow } from "../../api_types.ts";
import { type Attributes, el } from "../parts/dom.ts";
import { grouped, range } from "../parts/text.ts";
import type { Page } from "./pages.ts";

/** How a row stands in the list. */
export interface RowPlace {
  readonly seq: number;
  readonly isPicked: boolean;
  readonly rows: number;
  readonly info: Overview;
}

/** The row of a record, or of what stands in its place. */
export function rowFor(page: Page | undefined, place: RowPlace): HTMLElement {
  const record = page?.records.get(place.seq);
  return record === undefined ? gapRow(page, place) : recordRow(record, place);
}

function attributesOf(
  { seq, isPicked, rows, info }: RowPlace,
  ...kinds: readonly (string | false)[]
): Attributes {
  const names = ["row", ...kinds, isPicked && "picked"];
  return {
    id: `row-${seq}`,
    role: "option",
    "aria-selected": `${isPicked}`,
    "aria-setsize": rows,
    "aria-posinset": seq - info.first + 1,
    class: names.filter(Boolean).join(" "),
  };
}

function recordRow(
  { seq, kind, text, batch, isVerified }: RecordRow,
  place: RowPlace,
): HTMLElement {
  return el(
    "div",
    attributesOf(place, !isVerified && "unverified"),
    el("span", { class: "seq" }, grouped(seq)),
    kind !== undefined && el("span", { class: `kind ${kind}` }, kind),
    el("span", { class: "text" }, text),
    batch !== undefined && el("span", {
      class: "batch",
      title: `one unit with records ${range(batch.from, batch.to)}`,
    }, "batch"),
  );
}

function gapRow(page: Page | undefined, place: RowPlace): HTMLElement {
  const { seq, info } = place;
  const isTail = seq > info.last;
  const kind = !page?.isLoaded
    ? "loading"
    : isTail && info.end === "torn"
    ? "torn"
    : "damage";
  return el(
    "div",
    attributesOf(place, kind),
    el("span", { class: "seq" }, isTail ? "" : grouped(seq)),
    kind !== "loading" && el(
      "span",
      { class: `kind ${kind}` },
      kind === "torn" ? "torn" : "damaged",
    ),
    el("span", { class: "text" }, gapText(page, seq)),
  );
}

function gapText(page: Page | undefined, seq: number): string {
  const damage = page?.damages.find((one) => mayHold(one, seq));
  if (damage !== undefined) {
    const { reason, file, line, offset } = damage;
    return `${reason} · ${file}, line ${line}, offset ${grouped(offset)}`;
  }
  return page?.failure ?? (page?.isLoaded ? "cannot be read" : "…");
}

function mayHold({ from, to }: DamageRow, seq: number): boolean {
  return seq >= from && seq <= (to ?? Infinity);
}
