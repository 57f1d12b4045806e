import { type JournalContext, readPositions } from "../store/internal.ts";
import { assertOptions } from "../base/checks.ts";
import type { Health } from "../base/telemetry/health.ts";
import { bareMessage } from "./finding.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "./options.ts";
import { lostIn, tornMessage } from "./read/consistency.ts";
import { type ConsumerReport, consumersOf } from "./read/consumers.ts";
import { filesHealth, overdueIn } from "./read/health.ts";
import {
  depthOf,
  isState,
  postedTo,
  queueIn,
  type QueueOnDisk,
  readQueue,
} from "./read/ledger.ts";
import { locateOrLost } from "./read/locate.ts";
import {
  type LogSummary,
  type SegmentSummary,
  summarizeDamagedLog,
  totalOf,
} from "./read/log_summary.ts";
import type { SegmentEnd } from "./read/segment_check.ts";
import { leftovers, listThere } from "./read/snapshot_check.ts";

/** The result of {@linkcode stat}. */
export interface StatReport {
  /** The absolute path of the active segment. */
  readonly path: string;
  /** The format of the log: that of this package, or of the Rust `ministore`. */
  readonly format: "mini" | "ministore";
  /** The id of the log; none for one of the Rust program. */
  readonly logId?: string;
  /** The number of the first record, or of the next one where none is. */
  readonly first: number;
  /** The number of the last record, as far as it could be read. */
  readonly last: number;
  /** How many numbers there are from `first` to `last`. */
  readonly records: number;
  /** The times of the first and the last record, in ISO 8601, where the log tells them. */
  readonly times?: { readonly first?: string; readonly last: string };
  /** The bytes of the segments. */
  readonly sizeBytes: number;
  /** How the last segment ends. */
  readonly end: SegmentEnd;
  /** How many bytes of an unfinished write opening would cut off. */
  readonly tornBytes: number;
  /** The segments, the oldest first. */
  readonly segments: readonly SegmentSummary[];
  /** The snapshots, the oldest first; their contents are not looked at. */
  readonly snapshots: readonly SnapshotFile[];
  /** The names of files that an opening, or a repair, has set aside. */
  readonly setAside: readonly string[];
  /** The messages, if it is a queue that can be read. */
  readonly queue?: QueueReport;
  /** The consumers. */
  readonly consumers: readonly ConsumerReport[];
  /** The health, as far as files show it: `failed` with a problem but a torn end, `degraded` with what somebody should look at. */
  readonly health: Health;
  /** The problem that names and the last segments show, in words. {@linkcode verify} tells of all. */
  readonly problem?: string;
}

/** A snapshot whose content was not looked at. */
export interface SnapshotFile {
  /** The absolute path of its file. */
  readonly path: string;
  /** The number of the record that its state stands at. */
  readonly seq: number;
  /** The bytes of its file. */
  readonly sizeBytes: number;
}

/** How many messages a queue has. */
export interface QueueReport {
  /** Messages that can be received now. */
  readonly ready: number;
  /** Messages that wait for an earlier one of their group. */
  readonly blocked: number;
  /** Messages whose delay has not ended. */
  readonly delayed: number;
  /** Messages that were delivered, and not settled. */
  readonly inFlight: number;
  /** Dead letters. */
  readonly dead: number;
  /** Whether delivery is paused. */
  readonly paused: boolean;
  /** The age of the oldest one that waits, in milliseconds. */
  readonly oldestMs: number;
  /** How many messages are kept that have finished. */
  readonly finished: number;
  /** The schedules that are on record, and their last occurrences in ISO 8601. */
  readonly schedules: readonly {
    readonly name: string;
    readonly last?: string;
    readonly missed: number;
  }[];
  /** How many files wait in the inbox; their messages are not counted above. */
  readonly posted: number;
  /** The number of the last record that this is as of. */
  readonly sequence: number;
}

/**
 * Tells what there is: segments, records, snapshots, consumers, and the messages
 * of a queue.
 *
 * Reads only names and the last segments, and of a queue what opening it would
 * read; {@linkcode verify} reads everything. Takes no lock, writes nothing, and
 * runs beside a writer, in any process.
 *
 * @param path The log, or the directory of a log, a state or a queue.
 * @param options How the log is found and read, and what watches and stops the call.
 * @returns What there is. `problem` is in it if what was read is damaged, missing or torn.
 * @throws {TypeError} If the directory holds several logs, and no name was given.
 * @throws {MiniError} `NOT_FOUND` if there is no log, and no snapshot of one.
 * `CORRUPT` if a queue, or a log of the Rust program, is damaged so that it cannot
 * be read. `PERMISSION` and `IO` as the system has it.
 *
 * @example How long is the queue?
 * ```ts
 * import { stat } from "@mini/state/admin";
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await using queue = await MiniQueue.open<string>(dir);
 * await queue.enqueue("hello");
 * const report = await stat(dir); // from any process
 * assertEquals([report.queue?.ready, report.end], [1, "open"]);
 * ```
 */
export async function stat(
  path: string | URL,
  options: AdminOptions = {},
): Promise<StatReport> {
  assertOptions("stat()", options, ADMIN_CHECKS);
  const given = pathOf(path);
  const call = new AdminCall(options);
  return await call.look(
    `read "${given}"`,
    given,
    async () => await look(await locateOrLost(given, call)),
  );
}

async function look(context: JournalContext): Promise<StatReport> {
  const { fs, paths: { active, directory } } = context;
  // The log goes at least as far as the snapshots and the consumers that are there before it is looked at.
  const snapshots = await listThere(fs, directory);
  const positions = await readPositions(context);
  const found = await summarizeDamagedLog(context);
  const { first, last, logId, segments, times } = found;
  const onDisk = found.problem === undefined && last > 0
    ? await queueIn(context)
    : undefined;
  const queue = onDisk && await countsOf(context, onDisk);
  const consumers = consumersOf(context, positions, found);
  const overdue = await isState(context)
    ? overdueIn(found, snapshots)
    : undefined;
  const problem = problemOf(active, found, snapshots);
  const torn = problem === undefined && found.tornBytes > 0
    ? tornMessage({ tornBytes: found.tornBytes, path: active, last })
    : undefined;
  const shown = problem ?? torn;
  const judged = {
    problem,
    torn,
    overdue,
    consumers,
    deadLetters: queue?.dead,
  };
  return {
    path: active,
    format: found.end === undefined ? "ministore" : "mini",
    ...(logId !== undefined && { logId }),
    first,
    last,
    records: Math.max(0, last - first + 1),
    ...(times !== undefined && { times: timesOf(times) }),
    sizeBytes: totalOf(segments),
    end: found.ending,
    tornBytes: found.tornBytes,
    segments,
    snapshots: snapshots.map(({ path, seq, sizeBytes }) => ({
      path,
      seq,
      sizeBytes,
    })),
    setAside: await leftovers(context),
    ...(queue !== undefined && { queue }),
    consumers,
    health: await filesHealth(context, judged),
    ...(shown !== undefined && { problem: shown }),
  };
}

function timesOf(
  { first, last }: NonNullable<LogSummary["times"]>,
): NonNullable<StatReport["times"]> {
  return {
    ...(first !== undefined && { first: first.toISOString() }),
    last: last.toISOString(),
  };
}

/** Counts the messages of a queue. Throws a `TypeError` if the log is not one of a queue. */
export async function queueReport(
  context: JournalContext,
): Promise<QueueReport> {
  return await countsOf(context, await readQueue(context));
}

async function countsOf(
  context: JournalContext,
  found: QueueOnDisk,
): Promise<QueueReport> {
  const { schedules, ...depth } = await depthOf(found);
  return {
    ...depth,
    schedules: schedules.map(({ name, last, missed }) => ({
      name,
      ...(last !== undefined && { last: last.toISOString() }),
      missed,
    })),
    posted: await postedTo(context),
    sequence: found.sequence,
  };
}

function problemOf(
  path: string,
  found: LogSummary,
  snapshots: readonly SnapshotFile[],
): string | undefined {
  const { problem } = found;
  if (problem !== undefined) return bareMessage(problem);
  return lostIn(path, found, snapshots).findings[0]?.message;
}
