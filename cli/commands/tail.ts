import { DEFAULT_LINES, follow, recordsFrom } from "../../admin/read/follow.ts";
import type { JournalContext } from "../../store/internal.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
  type Outcome,
} from "../command.ts";
import { recordLine } from "./dump.ts";
import { summarizeLog } from "../../admin/read/log_summary.ts";
import { NextLine } from "../next_line.ts";
import { locate } from "../../admin/read/locate.ts";

export const tail: Command = {
  name: "tail",
  operands: ["PATH"],
  summary: "print the last records, and with -f new ones as they come",
  details: [
    "Runs beside a writer, through its rotations and compactions. A record that is",
    "printed has been written, and may not be durable yet.",
  ],
  options: [
    { name: "follow", short: "f", summary: "continue with new records" },
    {
      name: "lines",
      short: "n",
      value: "N",
      min: 0,
      summary: `how many records (${DEFAULT_LINES})`,
    },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["data/journal.jsonl", "state -f -n 100"],
  async run(call: Call): Promise<Outcome> {
    const { args, writer, isJson } = call;
    const context = await locate(call.args.operand(0), journalOptions(call));
    const { first, last } = await summarizeLog(context);
    const lines = args.number("lines") ?? DEFAULT_LINES;
    const from = Math.max(first, last - lines + 1);
    if (args.has("follow")) await printAll(call, context, from);
    else {
      for await (const record of recordsFrom(context, from, last)) {
        await writer.line(recordLine(record, isJson));
      }
    }
    return { exitCode: 0 };
  },
};

/** Prints records, and those to come, for as long as somebody reads. */
async function printAll(
  { terminal, writer, isJson }: Call,
  context: JournalContext,
  from: number,
): Promise<void> {
  const line = new NextLine((text) => terminal.write(text), isJson);
  let next = from;
  const records = follow(context, from, {
    ...terminal,
    async sleep(ms) {
      await terminal.sleep(ms);
      if (terminal.isPipe) await line.wait(next);
    },
  });
  try {
    for await (const record of records) {
      if (record === "caught up") await writer.flush();
      else {
        await writer.line(line.rest(recordLine(record, isJson)));
        next = record.seq + 1;
      }
    }
  } catch (error) {
    await line.end().catch(() => {});
    throw error;
  }
}
