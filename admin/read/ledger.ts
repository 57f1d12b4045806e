import { join } from "@std/path";
import type { JournalContext } from "../../store/internal.ts";
import { SnapStore } from "../../snap/mod.ts";
import { MiniStore } from "../../store/mod.ts";
import {
  emptyLedger,
  type Ledger,
  type LedgerDeadLetter,
  type LedgerEntry,
  type LedgerFinishedMessage,
  type LedgerMessage,
  QueueReader,
  type QueueStats,
  type ScheduleRecord,
  systemClock,
} from "../../queue/mod.ts";
import {
  applyLogged,
  deadLettersIn,
  delayOf,
  inFlightIn,
  kindIn,
  ledgerCodec,
  type LedgerView,
  QueueTime,
  waitingIn,
  waitOf,
} from "../../queue/internal.ts";
import {
  type ReadSources,
  rebuild,
  rebuildSources,
} from "../../state/internal.ts";
import { type LogSummary, summarizeLog } from "./log_summary.ts";
import { reading } from "./locate.ts";
import { readOnlyLog, steadily } from "./read_only.ts";
import { listThere } from "./snapshot_check.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../../fs/blocks.ts";
import { namesIn } from "../../fs/directory.ts";

export { delayOf, type LedgerView };

/** A queue as it is on disk, or was as of a record. */
export class QueueOnDisk extends QueueReader<unknown> {
  /** The ledger, and the time at which it is read. */
  readonly view: LedgerView;
  /** The sequence number of the last record that the ledger has applied. */
  readonly sequence: number;

  constructor(view: LedgerView, sequence: number) {
    super(() => Promise.resolve(view));
    this.view = view;
    this.sequence = sequence;
  }
}

/** The reducer of a queue, which needs no program to be known. */
export const QUEUE_REDUCER = {
  initial: (): Ledger => emptyLedger(),
  apply: (ledger: Ledger, entry: LedgerEntry): void =>
    applyLogged(ledger, entry),
};

/** Reads a queue without its lock. Throws a `TypeError` if the journal is not one of a queue. */
export async function readQueue(context: JournalContext): Promise<QueueOnDisk> {
  const found = await queueIn(context);
  if (found !== undefined) return found;
  throw new TypeError(`"${context.paths.directory}" holds no queue`);
}

/** The same, or `undefined` if the journal is not one of a queue. */
export async function queueIn(
  context: JournalContext,
): Promise<QueueOnDisk | undefined> {
  return await steadily(context, async (found) => {
    if (!await isQueue(context, found)) return undefined;
    const log = readOnlyLog(context, found);
    const { fs, paths: { directory } } = context;
    const codec = ledgerCodec();
    const snapshots = new SnapStore(directory, { fs, codec, readOnly: true });
    const files: ReadSources<Ledger> = { log, snapshots, isRust: false };
    const sources = rebuildSources(files, QUEUE_REDUCER);
    const { state: ledger } = await rebuild(sources, Infinity, "CORRUPT");
    return new QueueOnDisk(currentView(ledger), found.last);
  });
}

/** A ledger as it is now. */
export function currentView(ledger: Ledger): LedgerView {
  return { ledger, ...new QueueTime(systemClock, ledger).moment() };
}

/** Whether a log is that of a queue, by its newest snapshot or its oldest record. An empty one may become one. */
export async function isQueue(
  context: JournalContext,
  found?: LogSummary,
): Promise<boolean> {
  const { first, last, logId } = found ?? await summarizeLog(context);
  if (logId === undefined && last > 0) return false;
  const { fs, paths } = context;
  const newest = (await listThere(fs, paths.directory)).at(-1);
  if (newest !== undefined) return await isLedger(context, newest.path);
  if (last < first) return true;
  const range = { from: first, to: first };
  const records = MiniStore.replay(paths.active, {
    ...reading(context),
    ...range,
  });
  for await (const { data } of records) return isEntry(data);
  return true;
}

function isEntry(data: unknown): boolean {
  return kindOfEntry((data as { apply?: unknown } | null)?.apply) !== undefined;
}

/** The kind of an entry of a ledger, if a value is one. */
export function kindOfEntry(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const isEntry = "at" in value && typeof value.at === "number";
  return isEntry ? kindIn(value) : undefined;
}

/** Whether a log is that of a state and of no queue, as its oldest record says. */
export async function isState(context: JournalContext): Promise<boolean> {
  const { paths: { active } } = context;
  try {
    for await (const { data } of MiniStore.replay(active, reading(context))) {
      return !isEntry(data) &&
        ["apply", "applyBatch", "abort"].some((key) => key in Object(data));
    }
  } catch {
    // What is wrong with the log is told of elsewhere.
  }
  return false;
}

async function isLedger(
  { fs }: JournalContext,
  path: string,
): Promise<boolean> {
  const file = await fs.open(path, "read");
  try {
    const start = await readBlock(file, FIRST_BLOCK_BYTES);
    const text = new TextDecoder().decode(start);
    return /"parts": \[\n\{"at":\d+,.*"nextOrder":\d+/.test(text);
  } finally {
    await file.close();
  }
}

/** The number of files that wait in the inbox of a queue. */
export async function postedTo(
  { fs, paths }: JournalContext,
): Promise<number> {
  const names = await namesIn(fs, join(paths.directory, "inbox"));
  return names.filter((name) => /^[^.].*\.json$/.test(name)).length;
}

/** How many messages a queue has. */
export interface Depth extends QueueStats {
  /** The age of the oldest one that waits, in milliseconds. */
  readonly oldestMs: number;
  /** How many messages are kept that have finished. */
  readonly finished: number;
  readonly schedules: readonly ScheduleRecord[];
}

/** Counts the messages. */
export async function depthOf(found: QueueOnDisk): Promise<Depth> {
  const { ledger, now } = found.view;
  let oldestMs = 0;
  for (const { at, inFlight } of Object.values(ledger.messages)) {
    if (!inFlight) oldestMs = Math.max(oldestMs, Math.round(now - at));
  }
  const finished = Object.keys(ledger.finished ?? {}).length;
  const schedules = await found.schedules();
  return { ...await found.stats(), oldestMs, finished, schedules };
}

/** The messages of a queue by what they wait for, in the order of delivery; the dead letters by id; the finished ones, the last one first. */
export interface Standing {
  readonly ready: readonly LedgerMessage[];
  readonly blocked: readonly LedgerMessage[];
  readonly delayed: readonly LedgerMessage[];
  readonly inFlight: readonly LedgerMessage[];
  readonly dead: readonly LedgerDeadLetter[];
  readonly finished: readonly LedgerFinishedMessage[];
}

/** Sorts the messages of a queue by what they wait for: the first `limit` of those that wait, and all others. */
export function standingOf(
  { view }: Pick<QueueOnDisk, "view">,
  limit: number = Infinity,
): Standing {
  const waiting = waitingIn(view, limit);
  const those = (state: ReturnType<typeof waitOf>) =>
    waiting.filter((message) => waitOf(view, message) === state);
  return {
    ready: those("ready"),
    blocked: those("blocked"),
    delayed: those("delayed"),
    inFlight: inFlightIn(view).sort((a, b) => a.order - b.order),
    dead: deadLettersIn(view, 0, Infinity),
    finished: Object.values(view.ledger.finished ?? {})
      .sort((a, b) => b.endedAt - a.endedAt || b.id - a.id),
  };
}
