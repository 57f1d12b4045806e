import { reading } from "../../admin/internal.ts";
import { MiniError } from "../../base/errors.ts";
import { span } from "../../base/text.ts";
import { MiniStore } from "../../store/mod.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  located,
} from "../command.ts";
import { NextLine } from "../next_line.ts";
import { recordLine } from "./dump.ts";

/** The number of last records that are shown where nothing else is said. */
const DEFAULT_LINES = 10;

/** How often somebody who waits for a record shows that he still does. */
const WAIT_MS = 200;

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
  async run(call) {
    const { args, writer, isJson } = call;
    const context = await located(call);
    const log = { path: context.paths.active, options: reading(context) };
    const { first, last } = await endsOf(log);
    const lines = args.number("lines") ?? DEFAULT_LINES;
    const from = Math.max(first, last - lines + 1);
    if (args.has("follow")) await printAll(call, log, from);
    else {
      const range = { ...log.options, from, to: last };
      for await (const record of MiniStore.replay(log.path, range)) {
        await writer.line(recordLine(record, isJson));
      }
    }
    return { exitCode: 0 };
  },
};

/** A log, and how it is read. */
interface ReadLog {
  readonly path: string;
  readonly options: ReturnType<typeof reading>;
}

/** The numbers of the first and the last record. */
async function endsOf(
  { path, options }: ReadLog,
): Promise<{ first: number; last: number }> {
  const reader = await MiniStore.openReader(path, options);
  await reader.close();
  return { first: reader.firstSequence, last: reader.sequence };
}

/** Prints records, and those to come, for as long as somebody reads. */
async function printAll(
  { terminal, writer, isJson }: Call,
  log: ReadLog,
  from: number,
): Promise<void> {
  const line = new NextLine((text) => terminal.write(text), isJson);
  const stop = new AbortController();
  let waits = 0;
  const wait = async () => {
    for (const self = ++waits; terminal.isPipe;) {
      await terminal.sleep(WAIT_MS);
      if (self !== waits) return;
      await line.wait(from);
    }
  };
  const onCaughtUp = async () => {
    await writer.flush();
    void wait().catch((error) => stop.abort(error));
  };
  const { path, options } = log;
  const following = { ...options, onCaughtUp, signal: stop.signal };
  for (;;) {
    try {
      const records = MiniStore.follow(path, { ...following, from });
      for await (const record of records) {
        waits++;
        await writer.line(line.rest(recordLine(record, isJson)));
        from = record.seq + 1;
      }
    } catch (error) {
      waits++;
      from = await skip(log, from, error, terminal).catch(async (error) => {
        await line.end().catch(() => {});
        throw error;
      });
    }
  }
}

/** The record to continue with where the log is not what it was. */
async function skip(
  log: ReadLog,
  from: number,
  error: unknown,
  { complain }: Call["terminal"],
): Promise<number> {
  const code = error instanceof MiniError ? error.code : undefined;
  if (code !== "COMPACTED" && code !== "REWRITTEN") throw error;
  const { first, last } = await endsOf(log);
  if (last < from - 1) {
    complain(`mini: the log now ends with record ${last}\n`);
    return Math.max(first, last - DEFAULT_LINES + 1);
  }
  if (first > from) {
    const gone = span("record", from, first - 1);
    complain(`mini: ${gone}: compacted before it could be shown\n`);
    return first;
  }
  if (code === "COMPACTED") throw error;
  const { seq = from } = error as MiniError;
  complain(`mini: other records stand in the log from record ${seq} on\n`);
  return Math.max(first, seq);
}
