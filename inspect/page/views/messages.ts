/** Tables of messages. */
import type {
  FinishedRow,
  LeaseRow,
  PendingRow,
  QueueAnswer,
} from "../../api_types.ts";
import type { Actions } from "../actions.ts";
import type { App } from "../app.ts";
import { type Child, el } from "../parts/dom.ts";
import { cell, table } from "../parts/table.ts";
import { count, duration, grouped, times } from "../parts/text.ts";
import { linkTo } from "./link.ts";

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

/** Makes tables of the messages of a queue. */
export class MessageTables {
  readonly #app: App;
  readonly #actions: Actions;

  constructor(app: App, actions: Actions) {
    this.#app = app;
    this.#actions = actions;
  }

  /** The messages of one kind, and how many more there are. */
  of(kind: Kind, messages: readonly Row[], all: number): HTMLElement {
    const rows = messages.map((message) => this.#row(kind, message));
    if (all > messages.length) {
      const others = `and ${count(all - messages.length, "other")}`;
      rows.push(el("tr", {}, el("td", { colspan: 4, class: "faint" }, others)));
    }
    const how = HOW[kind] ?? "received";
    const when = WHEN[kind] ?? "age";
    return table("messages", ["number", "payload", how, when], rows);
  }

  #row(kind: Kind, message: Row): HTMLTableRowElement {
    const { id, text } = message;
    const { job, place } = this.#app;
    const link = linkTo({ ...place, tab: "queue", job: id }, grouped(id));
    const isPicked = id === job;
    return el(
      "tr",
      {
        class: isPicked ? `${kind} picked` : kind,
        "aria-current": isPicked ? "true" : undefined,
        "data-key": `${kind} ${id}`,
      },
      cell("number", link),
      cell(
        "payload",
        el("code", {}, text),
        ...chips(kind, message),
        ...this.#offers(kind, id),
      ),
      cell("", how(kind, message)),
      cell("number", when(kind, message)),
    );
  }

  /** The actions for a message, as it is now. */
  #offers(kind: Kind, id: number): Child[] {
    if (!this.#app.isFollowing || kind === "finished") return [];
    if (kind !== "dead") {
      const cancel = {
        name: "cancel",
        input: { id },
        label: "Cancel",
      } as const;
      return [this.#actions.offer(cancel)];
    }
    return [
      this.#actions.offer({
        name: "redrive",
        input: { which: [id] },
        label: "Redrive",
      }),
      this.#actions.offer({
        name: "purge",
        input: { which: id },
        label: "Purge",
        question: `Remove dead letter ${grouped(id)} for good?`,
      }),
    ];
  }
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
  const held = "lease" in message && message.lease !== undefined
    ? [leaseText(message.lease)]
    : [];
  const waits = "waitsFor" in message && message.waitsFor !== undefined
    ? [`waits for message ${grouped(message.waitsFor)}`]
    : [];
  return [...texts.filter((text) => text !== false), ...held, ...waits].map(
    (text) =>
      el("span", { class: "chip", title: text }, text.slice(0, CHIP_CHARS)),
  );
}

/** Who holds a message, and for how long. */
function leaseText({ by, heldMs, leftMs }: LeaseRow): string {
  const who = by === "work" ? "its handler runs" : "received";
  const held = `${who} for ${duration(heldMs)}`;
  return leftMs === undefined
    ? held
    : `${held}, taken back in ${duration(leftMs)}`;
}
