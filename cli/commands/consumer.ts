import { type Command, JOURNAL_OPTIONS, located } from "../command.ts";
import {
  consumerLines,
  consumersOf,
  readPositions,
  removeConsumer,
  summarizeDamagedLog,
} from "../../admin/internal.ts";

export const consumerList: Command = {
  name: "consumer list",
  operands: ["PATH"],
  summary: "list the consumers of a log, and how far each is",
  details: [
    "Compaction keeps what a consumer has not committed. Exit code 1 if a position",
    "is damaged, or is not one of this log.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl --json"],
  async run(call) {
    const context = await located(call);
    const positions = await readPositions(context);
    const found = await summarizeDamagedLog(context);
    const consumers = consumersOf(context, positions, found);
    return {
      exitCode: consumers.some(({ problem }) => problem !== undefined) ? 1 : 0,
      report: { consumers },
      lines: consumers.length === 0
        ? ["no consumers"]
        : consumerLines(consumers, call.paint),
    };
  },
};

export const consumerRemove: Command = {
  name: "consumer remove",
  operands: ["PATH", "NAME"],
  summary: "forget a consumer, so that nothing is kept for it (writes PATH)",
  details: [
    "The consumer must not be open. One that opens under the name later begins with",
    "the first record that is left. Exit code 1 if there is no such consumer.",
  ],
  options: JOURNAL_OPTIONS,
  examples: ["data/journal.jsonl uploader"],
  async run(call) {
    const context = await located(call);
    const name = call.args.operand(1);
    const isRemoved = await removeConsumer(context, name);
    return {
      exitCode: isRemoved ? 0 : 1,
      report: { removed: isRemoved },
      lines: [
        isRemoved
          ? `removed consumer "${name}"`
          : `there is no consumer "${name}"`,
      ],
    };
  },
};
