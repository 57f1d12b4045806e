import type { JournalContext } from "../../store/internal.ts";
import { basename } from "@std/path";
import { type KeepPolicy, MiniQueue } from "../../queue/mod.ts";
import { Misuse } from "../args.ts";
import type { Call, Command, Outcome } from "../command.ts";
import { readQueue } from "./ledger.ts";
import { whichOf } from "./look.ts";
import { DEFAULT_NAME, locate } from "../locate.ts";
import { count } from "../../base/text.ts";

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
  const which = whichOf(call.args.operand(1), words);
  const context = await locate(call);
  const { active: path } = context.paths;
  // What is opened is the directory, whichever log in it was named.
  if (basename(path) !== DEFAULT_NAME) {
    throw new Misuse(`"${path}" is not the ${DEFAULT_NAME} of a queue`);
  }
  // Opening what is no queue would make it one.
  const { view: { ledger } } = await readQueue(context);
  const queue = await openQueue(context, ledger.policy);
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

/**
 * Only the program's own `maxAttempts` may make a message dead that was in flight
 * when it ended; and it alone decides how many messages stay.
 */
async function openQueue(
  { fs, paths }: JournalContext,
  { finished: keepFinished, dead: keepDead }: KeepPolicy = {},
): Promise<MiniQueue<unknown>> {
  return await MiniQueue.open(paths.directory, {
    fs,
    maxAttempts: Number.MAX_SAFE_INTEGER,
    ...(keepFinished && { keepFinished }),
    ...(keepDead && { keepDead }),
  });
}
