import type {
  FinishedMessage,
  LoggedError,
  MessageStatus,
  PageOptions,
} from "../../../queue/mod.ts";
import { Misuse, type OptionSpec } from "../../args.ts";
import { type Call, type Command, located, rowsOf } from "../../command.ts";
import {
  type JournalContext,
  queueLines,
  queueReport,
  readQueue,
  timeText,
} from "../../../admin/internal.ts";
import { WATCH, watched } from "../../watch.ts";
import { briefly, count, duration } from "../../../base/text.ts";

const DEFAULT_PEEK = 10;

/** Finds the queue that a command is given, and shows how far reading it is. */
async function journalOf(call: Call): Promise<JournalContext> {
  call.progress.begin("reading", 0);
  return await located(call);
}

async function queueOf(call: Call): ReturnType<typeof readQueue> {
  return await readQueue(await journalOf(call));
}

export const queueStats: Command = {
  name: "queue stats",
  operands: ["DIR"],
  summary: "count the messages of a queue",
  details: [],
  options: [WATCH],
  examples: ["jobs", "jobs --watch"],
  run: (call) =>
    watched(call, async () => {
      const report = await queueReport(await journalOf(call));
      const lines = queueLines(report, call);
      const { posted } = report;
      if (posted > 0) lines.push(`in the inbox: ${count(posted, "file")}`);
      return { exitCode: 0, report, lines };
    }),
};

/** The option that says how many messages are printed: `usual` without it. */
function limitOf(usual: string): OptionSpec {
  const summary = `how many at most (${usual})`;
  return { name: "limit", short: "n", value: "N", min: 1, summary };
}

export const queuePeek: Command = {
  name: "queue peek",
  operands: ["DIR"],
  summary: "print the messages that will be received next",
  details: ["It delivers nothing."],
  options: [limitOf(`${DEFAULT_PEEK}`)],
  examples: ["jobs -n 3"],
  async run(call) {
    const queue = await queueOf(call);
    const limit = call.args.number("limit") ?? DEFAULT_PEEK;
    const messages = await queue.peek(limit);
    const lines = rowsOf(messages, "no messages wait", (
      { id, delayMs, attempts, group, payload },
    ) => [
      String(id),
      delayMs > 0
        ? `in ${duration(delayMs / 1000)}`
        : attempts === 0
        ? "new"
        : `received ${attempts} times`,
      JSON.stringify(group ?? "").slice(1, -1),
      briefly(payload, call.terminal.columns - 30),
    ]);
    return { exitCode: 0, report: { messages }, lines };
  },
};

/** The options of commands that print messages page by page. */
const PAGE_OPTIONS: readonly OptionSpec[] = [
  limitOf("all"),
  {
    name: "after",
    value: "ID",
    min: 0,
    summary: "only those after this number",
  },
];

/** The number of a message, or one of a few words, as it is given to a command. */
export function whichOf(
  given: string,
  words: readonly string[] = [],
): number | string {
  if (words.includes(given)) return given;
  const id = Number(given);
  if (Number.isSafeInteger(id) && id > 0) return id;
  const others = words.length === 0 ? "" : `, nor ${words.join(" or ")}`;
  throw new Misuse(`"${given}" is not the number of a message${others}`);
}

export const queueGet: Command = {
  name: "queue get",
  operands: ["DIR", "ID"],
  summary: "print everything known of a message, also once it has ended",
  details: [
    "The program decides how many of those stay that are done or were cancelled",
    "(keepFinished). Exit code 1 if there is no such message.",
  ],
  options: [],
  examples: ["jobs 17", "jobs 17 --json"],
  async run(call) {
    const id = whichOf(call.args.operand(1)) as number;
    const found = await queueOf(call);
    const message = await found.get(id);
    if (message !== undefined) {
      return { exitCode: 0, report: { message }, lines: detailsOf(message) };
    }
    const isToCome = id >= found.view.ledger.nextId;
    const why = isToCome
      ? `there has been no message ${id} yet`
      : `message ${id} has ended, and nothing of it is kept`;
    return { exitCode: 1, report: { message: null }, lines: [why] };
  },
};

/** Everything of a message, a field a line. */
function detailsOf(message: MessageStatus): string[] {
  const { id, state } = message;
  const first = { id, state, error: undefined };
  const { error, ...fields } = { ...first, ...message };
  const rows = Object.entries(fields)
    .filter(([name]) => name !== "delayMs" || state === "delayed")
    .map(([name, value]) => [inWords(name), valueText(name, value)] as const);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    ...stackOf(error),
  ];
}

/** The name of a field in words: `enqueued at`, `delay`. */
function inWords(name: string): string {
  return name.replace(/Ms$/, "")
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueText(name: string, value: unknown): string {
  if (value instanceof Date) return timeText(value);
  if (name === "state") return inWords(value as string);
  return name.endsWith("Ms")
    ? duration(value as number / 1000)
    : JSON.stringify(value);
}

export const queueFinished: Command = {
  name: "queue finished",
  operands: ["DIR"],
  summary:
    "print the messages that are done or were cancelled, as far as they are kept",
  details: [
    "In the order of their numbers. The program decides how many stay (keepFinished).",
  ],
  options: PAGE_OPTIONS,
  examples: ["jobs --json", "jobs -n 100 --after 17"],
  async run(call) {
    const queue = await queueOf(call);
    const messages = await queue.finished(pageOf(call));
    const width = halfOf(call);
    const none = queue.view.ledger.policy?.finished === undefined
      ? "no finished messages: the program does not set keepFinished"
      : "no finished messages";
    const lines = rowsOf(messages, none, (message) => [
      String(message.id),
      timeText(message.endedAt),
      message.state,
      briefly(endOf(message), width),
      briefly(message.payload, width),
    ]);
    return { exitCode: 0, report: { messages }, lines };
  },
};

/** The result of a message, or why it was cancelled. */
function endOf(message: FinishedMessage): unknown {
  const end = message.state === "done" ? message.result : message.reason;
  return end ?? null;
}

/** Half of what is left of a line beside a number and a time. */
function halfOf({ terminal: { columns, isInteractive } }: Call): number {
  return isInteractive ? Math.max(4, Math.floor(columns / 2) - 16) : 60;
}

function pageOf({ args }: Call): PageOptions {
  const [after, limit] = [args.number("after"), args.number("limit")];
  return {
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
  };
}

/** The error of a handler and its causes, each with its stack. */
function stackOf(error: LoggedError | undefined, as = ""): string[] {
  if (error === undefined) return [];
  const { name, message, stack = "", cause } = error;
  const text = `${as}${name}: ${message}\n${stack}`.trimEnd();
  const lines = text.split("\n").map((line) => `    ${line}`);
  return [...lines, ...stackOf(cause, "caused by ")];
}

export const queueDead: Command = {
  name: "queue dead",
  operands: ["DIR"],
  summary: "print the dead letters, and why they are dead",
  details: [
    "In the order of their numbers. Exit code 1 if there are any.",
  ],
  options: [
    {
      name: "stack",
      summary: "also print what was thrown, where, and its causes",
    },
    ...PAGE_OPTIONS,
  ],
  examples: ["jobs --json", "jobs -n 100 --after 17"],
  async run(call) {
    const messages = await (await queueOf(call)).deadLetters(pageOf(call));
    const { isInteractive } = call.terminal;
    const half = halfOf(call);
    const none = "no dead letters";
    const rows = rowsOf(messages, none, ({ id, diedAt, reason, payload }) => [
      String(id),
      timeText(diedAt),
      briefly(reason, isInteractive ? half : Infinity),
      briefly(payload, half),
    ]);
    if (messages.length === 0) {
      return { exitCode: 0, report: { messages }, lines: rows };
    }
    const lines = messages.flatMap(({ headers, error }, at) => [
      rows[at]!,
      ...(headers === undefined ? [] : [`    ${JSON.stringify(headers)}`]),
      ...(call.args.has("stack") ? stackOf(error) : []),
    ]);
    lines.push("next: mini queue redrive or mini queue purge");
    return { exitCode: 1, report: { messages }, lines };
  },
};
