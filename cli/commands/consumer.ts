import type { Paint } from "../terminal.ts";
import { grouped, table } from "../../base/text.ts";
import { type Command, JOURNAL_OPTIONS, located } from "../command.ts";
import {
  consumersOf,
  removeConsumer,
  summarizeDamagedLog,
} from "../../admin/internal.ts";
import type { ConsumerReport } from "../../admin/mod.ts";

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
    const found = await summarizeDamagedLog(context);
    const consumers = await consumersOf(context, found);
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

/** How far each consumer is, in words. */
export function consumerLines(
  consumers: readonly ConsumerReport[],
  paint: Paint,
): string[] {
  const rows = table(consumers.map(({ name, position, lag, problem }) => [
    name,
    problem === undefined ? `at record ${position}` : "position unknown",
    problem !== undefined
      ? ""
      : lag === 0
      ? "up to date"
      : `${grouped(lag)} ${lag === 1 ? "record" : "records"} to come`,
  ]));
  return rows.flatMap((row, at) => {
    const { problem } = consumers[at]!;
    return problem === undefined ? [row] : [row, paint("bad", problem)];
  });
}
