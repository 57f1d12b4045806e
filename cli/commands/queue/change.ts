import { changeQueue } from "../../../admin/internal.ts";
import { count } from "../../../base/text.ts";
import type { MiniQueue } from "../../../queue/mod.ts";
import {
  type Call,
  type Command,
  located,
  type Outcome,
} from "../../command.ts";
import { whichOf } from "./look.ts";

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

export const queueCancel: Command = {
  name: "queue cancel",
  operands: ["DIR", "ID"],
  summary: "cancel a message that waits (writes)",
  details: [
    "One that was in flight when its program ended waits, too.",
    "The queue must not be open elsewhere.",
  ],
  options: [{
    name: "reason",
    value: "TEXT",
    summary: "why, kept with the message",
  }],
  examples: ["jobs 17", 'jobs 17 --reason "the user left"'],
  async run(call) {
    const id = Number(whichOf(call.args.operand(1)));
    const reason = call.args.text("reason");
    const found = await changeQueue(
      await located(call),
      (queue) => queue.cancel(id, reason),
    );
    return {
      exitCode: found === "cancelled" ? 0 : 1,
      report: { message: id, found },
      lines: [`message ${id}: ${found}`],
    };
  },
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
  const messages = await changeQueue(
    await located(call),
    (queue) => make(queue, which),
  );
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
