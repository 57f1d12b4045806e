import type { LoggedError, PageOptions } from "../../queue/mod.ts";
import type { OptionSpec } from "../args.ts";
import { bar } from "../chart.ts";
import type { Call, Command, Outcome } from "../command.ts";
import { type Depth, depthOf, postedTo, readQueue } from "./ledger.ts";
import { locate } from "../locate.ts";
import { brief, count, duration, grouped, table } from "../../base/text.ts";

const DEFAULT_PEEK = 10;
const BAR_CHARS = 30;

/** Reads the queue that a command is given, and shows how far that is. */
async function queueOf(call: Call): ReturnType<typeof readQueue> {
  const context = await locate(call);
  call.progress.begin("reading", 0);
  return await readQueue(context);
}

export const queueStats: Command = {
  name: "queue stats",
  operands: ["DIR"],
  summary: "count the messages of a queue",
  details: [],
  options: [],
  examples: ["jobs"],
  async run(call: Call): Promise<Outcome> {
    const found = await queueOf(call);
    const depth = await depthOf(found);
    const posted = await postedTo(await locate(call));
    const report = { ...depth, posted, sequence: found.sequence };
    const lines = depthChart(depth, call);
    if (posted > 0) lines.push(`in the inbox: ${count(posted, "file")}`);
    return { exitCode: 0, report, lines };
  },
};

/** How many messages there are, as a chart. */
export function depthChart(
  depth: Depth,
  { paint, terminal }: Pick<Call, "paint" | "terminal">,
): string[] {
  const { ready, blocked, delayed, inFlight, dead } = depth;
  const { paused, oldestMs, finished } = depth;
  const rows = { ready, blocked, delayed, "in flight": inFlight, dead };
  const max = Math.max(...Object.values(rows));
  const beside = 14 + grouped(max).length;
  const width = terminal.isInteractive
    ? Math.max(1, Math.min(BAR_CHARS, terminal.columns - beside))
    : BAR_CHARS;
  const lines = table(
    Object.entries(rows).map(([name, number]) => [
      name,
      grouped(number),
      paint(name === "dead" ? "bad" : "good", bar(number, max, width)),
    ]),
  );
  if (oldestMs > 0) {
    lines.push(`the oldest has waited ${duration(oldestMs / 1000)}`);
  }
  if (finished > 0) {
    lines.push(`finished and kept: ${count(finished, "message")}`);
  }
  if (paused) lines.push(paint("warn", "paused: nothing is delivered"));
  return lines;
}

export const queuePeek: Command = {
  name: "queue peek",
  operands: ["DIR"],
  summary: "print the messages that will be received next",
  details: ["It delivers nothing."],
  options: [{
    name: "limit",
    short: "n",
    value: "N",
    min: 1,
    summary: `how many at most (${DEFAULT_PEEK})`,
  }],
  examples: ["jobs -n 3"],
  async run(call: Call): Promise<Outcome> {
    const found = await queueOf(call);
    const limit = call.args.number("limit") ?? DEFAULT_PEEK;
    const messages = await found.peek(limit);
    const rows = messages.map(({ id, delayMs, attempts, group, payload }) => [
      String(id),
      delayMs > 0
        ? `in ${duration(delayMs / 1000)}`
        : attempts === 0
        ? "new"
        : `received ${attempts} times`,
      JSON.stringify(group ?? "").slice(1, -1),
      brief(payload, call.terminal.columns - 30),
    ]);
    const lines = rows.length === 0 ? ["no messages wait"] : table(rows);
    return { exitCode: 0, report: { messages }, lines };
  },
};

/** The options of commands that print messages page by page. */
const PAGE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "limit",
    short: "n",
    value: "N",
    min: 1,
    summary: "how many at most (all)",
  },
  {
    name: "after",
    value: "ID",
    min: 0,
    summary: "only those after this number",
  },
];

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
  async run(call: Call): Promise<Outcome> {
    const messages = await (await queueOf(call)).deadLetters(pageOf(call));
    // Beside the number and the time, what is left of a line is for both.
    const { columns, isInteractive } = call.terminal;
    const half = isInteractive ? Math.max(4, Math.floor(columns / 2) - 16) : 60;
    const rows = messages.map(({ id, diedAt, reason, payload }) => [
      String(id),
      new Date(diedAt).toISOString().slice(0, 19) + "Z",
      brief(reason, isInteractive ? half : Infinity),
      brief(payload, half),
    ]);
    return {
      exitCode: rows.length > 0 ? 1 : 0,
      report: { messages },
      lines: rows.length === 0 ? ["no dead letters"] : [
        ...table(rows).flatMap((row, at) => [
          row,
          ...(call.args.has("stack") ? stackOf(messages[at]!.error) : []),
        ]),
        "next: mini queue redrive or mini queue purge",
      ],
    };
  },
};
