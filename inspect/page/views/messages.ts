/** Tables of messages. */
import type { FinishedRow, PendingRow, QueueAnswer } from "../../api_types.ts";
import { el } from "../parts/dom.ts";
import { cell, table } from "../parts/table.ts";
import { count, duration, grouped, times } from "../parts/text.ts";

/** The standing of a message. */
export type Kind = keyof QueueAnswer["messages"];

type Row = PendingRow | FinishedRow;

/** A chip has room for no more. */
const CHIP_CHARS = 80;

const HOW: Partial<Readonly<Record<Kind, string>>> = {
  dead: "why",
  finished: "how it ended",
};

const WHEN: Partial<Readonly<Record<Kind, string>>> = {
  dead: "dead for",
  finished: "ended",
  delayed: "due in",
};

/** The messages of one kind, and how many more there are. */
export function messageTable(
  kind: Kind,
  messages: readonly Row[],
  all: number,
): HTMLElement {
  const rows = messages.map((message) => messageRow(kind, message));
  if (all > messages.length) {
    const others = `and ${count(all - messages.length, "other")}`;
    rows.push(el("tr", {}, el("td", { colspan: 4, class: "faint" }, others)));
  }
  const names = [
    "number",
    "payload",
    HOW[kind] ?? "received",
    WHEN[kind] ?? "age",
  ];
  return table("messages", names, rows);
}

function messageRow(kind: Kind, message: Row): HTMLTableRowElement {
  return el(
    "tr",
    { class: kind },
    cell("number", grouped(message.id)),
    cell("payload", el("code", {}, message.text), ...chips(kind, message)),
    cell("", how(kind, message)),
    cell("number", when(kind, message)),
  );
}

function how(kind: Kind, message: Row): string {
  if ("as" in message) {
    const { as, result, reason } = message;
    const more = result ?? reason;
    return more === undefined ? as : `${as}: ${more}`;
  }
  if (kind === "dead") return message.reason ?? "";
  return message.attempts === 0 ? "new" : times(message.attempts);
}

function when(kind: Kind, message: Row): string {
  if ("as" in message) return `${duration(message.ageMs)} ago`;
  return duration(kind === "delayed" ? message.delayMs : message.ageMs);
}

function chips(kind: Kind, message: Row): HTMLElement[] {
  const { priority, group, headers = {}, progress, reason } = message;
  const hasFailed = reason !== undefined && message.attempts > 0 &&
    kind !== "dead" && kind !== "finished";
  const texts = [
    priority !== 0 && `priority ${priority}`,
    group !== undefined && `group ${group}`,
    ...Object.entries(headers).map(([name, text]) => `${name}: ${text}`),
    progress !== undefined && `progress: ${progress}`,
    hasFailed && `failed: ${reason}`,
  ];
  return texts.filter((text) => text !== false).map((text) =>
    el("span", { class: "chip", title: text }, text.slice(0, CHIP_CHARS))
  );
}
