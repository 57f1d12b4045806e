import { basename } from "@std/path";
import { Misuse } from "../args.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  journalOptions,
} from "../command.ts";
import {
  type JournalContext,
  listThere,
  locateOrLost,
  type LogSummary,
  stateParts,
  steadily,
} from "../../admin/internal.ts";

export const state: Command = {
  name: "state",
  operands: ["PATH"],
  summary: "print the snapshot and the mutations that a state is made of",
  details: [
    "Only the program knows what its mutations do, so they are listed: first",
    '{"snapshot":7,"state":…}, the newest snapshot at or below N, then',
    '{"seq":8,"mutation":…}, one line for each mutation that has an effect, up to N.',
    'If there is no such snapshot, {"snapshot":0} is the initial state.',
  ],
  options: [
    { name: "at", value: "N", min: 0, summary: "as of record N (the last)" },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["state --at 42"],
  async run(call) {
    const context = await locateOrLost(
      call.args.operand(0),
      journalOptions(call),
    );
    await steadily(
      context,
      (found, commit) => print(call, context, found, commit),
    );
    return { exitCode: 0 };
  },
};

async function print(
  { args, fs, writer, terminal, progress }: Call,
  context: JournalContext,
  found: LogSummary,
  commit: () => void,
): Promise<void> {
  const { directory } = context.paths;
  const newest = (await listThere(fs, directory)).at(-1)?.seq ?? 0;
  const end = Math.max(found.last, newest);
  const at = args.number("at") ?? end;
  if (at > end) {
    throw new Misuse(`--at ${at}: the last record is ${end}`);
  }
  progress.begin("reading", 0);
  const { start, rejected, mutations } = await stateParts(context, found, at);
  for (const { path } of rejected) {
    progress.clear();
    terminal.complain(
      `mini: the snapshot ${basename(path)} is damaged, and was skipped\n`,
    );
  }
  commit();
  await writer.line(JSON.stringify(start));
  for await (const mutation of mutations()) {
    await writer.line(JSON.stringify(mutation));
  }
}
