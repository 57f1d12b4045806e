/** The record that is picked, in full, and what it has changed. */
import type { DamageRow, Overview, WholeRecord } from "../../api_types.ts";
import type { App } from "../app.ts";
import { byId, el, faint, fill, pairs } from "../parts/dom.ts";
import { Latest } from "../parts/latest.ts";
import { ask } from "../server.ts";
import { grouped, range, size } from "../parts/text.ts";
import { leftOutNote, tree } from "../parts/tree.ts";
import { troubleOf } from "../trouble.ts";
import { effectOf } from "./effect.ts";
import { head } from "./link.ts";

/** Draws the record that is picked. */
export class Detail {
  readonly #app: App;
  readonly #drawing: Latest = new Latest(() => this.#draw());

  constructor(app: App) {
    this.#app = app;
  }

  draw(): void {
    void this.#drawing.run();
  }

  async #draw(): Promise<void> {
    const { at, info, tab } = this.#app;
    if (info === undefined || tab !== "log") return;
    const box = byId("detail");
    const title = head(`Record ${grouped(at)}`, { tab: "log", at });
    try {
      const record = at < info.first
        ? { seq: at, isMissing: true, damages: [] } as const
        : await ask("record", { seq: at });
      if ("isMissing" in record) {
        const boxes = record.damages.map(damageBox);
        return fill(box, title, faint(missingText(at, info)), ...boxes);
      }
      const effect = el("section", { class: "effect" });
      const command = `mini dump --from ${at} --to ${at} prints them`;
      fill(
        box,
        title,
        placeList(record, info),
        tree(record.data),
        leftOutNote(record.leftOut, command),
        effect,
      );
      if (info.hasProgram || info.holds === "queue") {
        await drawEffect(effect, at);
      }
    } catch (error) {
      fill(box, title, troubleOf(error));
    }
  }
}

function missingText(at: number, { first }: Overview): string {
  if (at === 0) return "There is nothing before the first record.";
  return at < first
    ? "Compaction removed it; a snapshot covers it."
    : "It cannot be read: the line that held it is damaged, or missing.";
}

function damageBox(
  { reason, file, line, offset, bytes }: DamageRow,
): HTMLElement {
  const place = pairs({ class: "place" }, [
    ["file", file],
    ["line", grouped(line)],
    ["offset", grouped(offset)],
    ["size", size(bytes)],
  ]);
  return el("div", { class: "problem" }, el("p", {}, reason), place);
}

function placeList(
  { file, line, offset, bytes, batch, isVerified }: WholeRecord,
  { format }: Overview,
): HTMLElement {
  const unverified = format === "mini" ? "not confirmed" : "has none";
  return pairs({ class: "place" }, [
    ["file", file],
    ["line", grouped(line)],
    ["offset", grouped(offset)],
    ["size", size(bytes)],
    ...batch === undefined
      ? []
      : [["batch", `records ${range(batch.from, batch.to)}`]] as const,
    ["checksum", isVerified ? "holds" : unverified],
  ]);
}

async function drawEffect(section: HTMLElement, at: number): Promise<void> {
  const show = (child: HTMLElement) =>
    fill(section, el("h3", {}, "What it changed"), child);
  show(faint("…"));
  try {
    show(effectOf(await ask("state", { at })));
  } catch (error) {
    show(troubleOf(error));
  }
}
