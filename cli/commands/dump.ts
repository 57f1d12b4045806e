import { type LogRecord, MiniStore } from "../../store/mod.ts";
import { Misuse } from "../args.ts";
import { type Command, JOURNAL_OPTIONS, located } from "../command.ts";
import { measureSegments, reading } from "../../admin/internal.ts";

export const dump: Command = {
  name: "dump",
  operands: ["PATH"],
  summary: "print the records",
  details: [
    "One record a line: its number, its time if it has one, its JSON, with tabs",
    'between; with --json {"seq":1,"at":…,"data":…}. Prints the records before a',
    "damage.",
  ],
  options: [
    { name: "from", value: "N", min: 1, summary: "the first record" },
    { name: "to", value: "N", min: 0, summary: "the last record" },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["data/journal.jsonl --from 100 --to 199", "state --json"],
  async run(call) {
    const { args, progress, writer } = call;
    const context = await located(call);
    const [from, to] = [args.number("from"), args.number("to")];
    if (from !== undefined && to !== undefined && to < from) {
      throw new Misuse(`--to ${to} is before --from ${from}`);
    }
    const { totalBytes } = await measureSegments(context);
    // Where the range begins and ends in the files is not known.
    const isAll = from === undefined && to === undefined;
    progress.begin("reading", isAll ? totalBytes : 0);
    const records = MiniStore.replay(context.paths.active, {
      ...reading(context),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    });
    for await (const record of records) {
      await writer.line(recordLine(record, call.isJson));
    }
    return { exitCode: 0 };
  },
};

/** A record on one line. */
export function recordLine(
  { seq, at, data }: LogRecord<unknown>,
  isJson: boolean,
): string {
  if (isJson) return JSON.stringify({ seq, at, data });
  const time = at === undefined ? "" : `${at.toISOString()}\t`;
  return `${seq}\t${time}${JSON.stringify(data)}`;
}
