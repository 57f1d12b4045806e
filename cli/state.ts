import { basename } from "@std/path";
import { Aborts } from "../state/aborts.ts";
import { effects } from "../state/history.ts";
import { Guard } from "../state/mutation.ts";
import { MiniError } from "../store/errors.ts";
import type { JournalContext } from "../store/segment.ts";
import { MiniStore } from "../store/store.ts";
import { Misuse } from "./args.ts";
import {
  type Call,
  type Command,
  JOURNAL_OPTIONS,
  type Outcome,
} from "./command.ts";
import type { Extent } from "./extent.ts";
import { locate, reading } from "./place.ts";
import { readOnlyLog, ReadOnlySnapshots, steadily } from "./read_only.ts";
import { AS_WRITTEN } from "./snapshot_check.ts";

/** Where a state is made from. */
interface Start {
  readonly snapshot: number;
  readonly state?: unknown;
}

export const state: Command = {
  name: "state",
  operands: ["PATH"],
  summary: "print the snapshot and the mutations that a state is made of",
  details: [
    "Only the program knows what its mutations do, so they are listed: first",
    '{"snapshot":7,"state":…}, the newest one at or below N, then',
    '{"seq":8,"mutation":…}, a line for each that has an effect, up to N.',
    'Where there is no such snapshot, {"snapshot":0} stands for the initial state.',
  ],
  options: [
    { name: "at", value: "N", min: 0, summary: "as of record N (the last)" },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["state --at 42"],
  async run(call: Call): Promise<Outcome> {
    const context = await locate(call);
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
  found: Extent,
  commit: () => void,
): Promise<void> {
  const { directory } = context.paths;
  const snapshots = new ReadOnlySnapshots<unknown>(fs, directory, AS_WRITTEN);
  const newest = (await snapshots.list()).at(-1)?.seq ?? 0;
  const end = Math.max(found.last, newest);
  const at = args.number("at") ?? end;
  if (at > end) {
    throw new Misuse(`--at ${at}: the last record is ${end}`);
  }
  progress.begin("reading", 0);
  const restored = await snapshots.restore(at);
  assertSame(context, restored?.journal, found.journal);
  const { seq = 0 } = restored ?? {};
  const start: Start = restored === undefined
    ? { snapshot: 0 }
    : { snapshot: seq, state: restored.state };
  const to = Math.min(at, found.last);
  if (seq + 1 < found.first && seq < to) throw gone(context, seq, found.first);
  const isBare = found.journal === undefined && found.end === undefined;
  const log = readOnlyLog(context, found);
  const aborts = new Aborts(log, isBare);
  // That a record was aborted stands somewhere behind it.
  if (to > seq) await aborts.learnFrom(seq + 1);
  for (const { path } of snapshots.rejected) {
    progress.clear();
    terminal.complain(
      `mini: the snapshot ${basename(path)} is damaged, and was passed over\n`,
    );
  }
  commit();
  await writer.line(JSON.stringify(start));
  if (to <= seq) return;
  const sources = {
    log,
    snapshots,
    reducer: { apply: () => {}, upcast: (mutation: unknown) => mutation },
    initial: () => undefined,
    isBare,
    aborts,
    guard: new Guard(),
  };
  const range = { ...reading(context), from: seq + 1, to };
  const records = MiniStore.replay<unknown>(context.paths.active, range);
  const all = effects(sources, records, () => Promise.resolve(true));
  for await (const mutation of all) await writer.line(JSON.stringify(mutation));
}

function assertSame(
  { paths: { active: path } }: JournalContext,
  snapshot: string | undefined,
  log: string | undefined,
): void {
  if (snapshot === undefined || log === undefined || snapshot === log) return;
  const message =
    `Cannot make the state: the snapshot belongs to the log ${snapshot}, and "${path}" is the log ${log}`;
  throw new MiniError("CORRUPT", message, { path });
}

function gone(
  { paths: { active: path } }: JournalContext,
  seq: number,
  first: number,
): MiniError {
  const since = seq === 0
    ? "there is no snapshot at or below it"
    : `the newest snapshot at or below it stands at record ${seq}`;
  const message =
    `Cannot make that state: ${since}, and the log "${path}" starts with record ${first}`;
  return new MiniError("COMPACTED", message, { path, seq: seq + 1 });
}
