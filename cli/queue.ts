import type { JournalContext } from "../store/internal.ts";
import { basename } from "@std/path";
import { type LoggedError, MiniQueue, type PageOptions } from "../queue/mod.ts";
import { Misuse, type OptionSpec } from "./args.ts";
import { bar } from "./chart.ts";
import type { Call, Command, Outcome } from "./command.ts";
import { type Depth, depthOf, postedTo, readQueue } from "./ledger.ts";
import { DEFAULT_NAME, locate } from "./locate.ts";
import { brief, count, duration, grouped, table } from "../base/text.ts";

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

export const queueRedrive: Command = {
  name: "queue redrive",
  operands: ["DIR", "ID|all"],
  summary: "deliver dead letters again (writes)",
  details: [
    "They wait after all others. The queue must not be open elsewhere.",
  ],
  options: [],
  examples: ["jobs all", "jobs 17"],
  run: (call) =>
    change(
      call,
      ["all"],
      "redrove",
      (queue, which) => queue.redrive(which as number | "all"),
    ),
};

export const queuePurge: Command = {
  name: "queue purge",
  operands: ["DIR", "ID|dead|all"],
  summary: "remove dead letters, or every message (writes)",
  details: [
    "ID: one dead letter; dead: all of them; all: every message.",
    "The queue must not be open elsewhere.",
  ],
  options: [],
  examples: ["jobs dead", "jobs 17"],
  run: (call) =>
    change(
      call,
      ["dead", "all"],
      "removed",
      (queue, which) => queue.purge(which as number | "dead" | "all"),
    ),
};

/** Opens a queue for a change of its messages. */
async function change(
  call: Call,
  words: readonly string[],
  done: string,
  make: (
    queue: MiniQueue<unknown>,
    which: number | string,
  ) => Promise<number>,
): Promise<Outcome> {
  const given = call.args.operand(1);
  const which = words.includes(given) ? given : Number(given);
  if (
    typeof which === "number" && !(Number.isSafeInteger(which) && which > 0)
  ) {
    throw new Misuse(
      `"${given}" is not the number of a message, nor ${words.join(" or ")}`,
    );
  }
  const context = await locate(call);
  const { active: path } = context.paths;
  // What is opened is the directory, whichever log in it was named.
  if (basename(path) !== DEFAULT_NAME) {
    throw new Misuse(`"${path}" is not the ${DEFAULT_NAME} of a queue`);
  }
  // Opening what is no queue would make it one.
  await readQueue(context);
  const queue = await openQueue(context);
  const messages = await make(queue, which).finally(() => queue.close());
  const isMissing = messages === 0 && typeof which === "number";
  return {
    exitCode: isMissing ? 1 : 0,
    report: { messages },
    lines: [
      isMissing
        ? `there is no dead letter ${which}`
        : `${done} ${count(messages, "message")}`,
    ],
  };
}

/** Only the program's own `maxAttempts` may make a message dead that was in flight when it ended. */
async function openQueue(
  { fs, paths }: JournalContext,
): Promise<MiniQueue<unknown>> {
  const maxAttempts = Number.MAX_SAFE_INTEGER;
  return await MiniQueue.open(paths.directory, { fs, maxAttempts });
}
