import { type JournalContext, readPositions } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import { assertOptions } from "../base/checks.ts";
import { MiniError } from "../base/errors.ts";
import { isDirectory } from "../fs/directory.ts";
import { absolutePath } from "../fs/system.ts";
import {
  checkSegments,
  coveredAt,
  endingOf,
  type SegmentCheck,
  type SegmentEnd,
} from "./read/segment_check.ts";
import { collect } from "../base/collect.ts";
import { consumerFindings } from "./read/consumers.ts";
import { type Finding, findingOf } from "./finding.ts";
import {
  ADMIN_CHECKS,
  AdminCall,
  type AdminOptions,
  pathOf,
} from "./options.ts";
import { locateOrLost, reading } from "./read/locate.ts";
import {
  type MeasuredSegments,
  measureSegments,
  tornOfRust,
} from "./read/log_summary.ts";
import {
  checkSnapshots,
  leftovers,
  listThere,
  type SnapshotCheck,
} from "./read/snapshot_check.ts";
import { isSetAside, togetherness, usableOf } from "./read/consistency.ts";

/** The result of {@linkcode verify}. */
export interface VerifyReport {
  /** The absolute path of the active segment. */
  readonly path: string;
  /** The format of the log: that of this package, or of the Rust `ministore`. */
  readonly format: "mini" | "ministore";
  /** The number of the first record, or of the next one where none is. */
  readonly first: number;
  /** The highest number that was found good. */
  readonly last: number;
  /** The records that a checksum confirms: all, but for what stands in a segment from its first damage on. None in a log of the Rust program. */
  readonly verified: readonly SeqRange[];
  /** How many segments there are. */
  readonly segments: number;
  /** Their bytes. */
  readonly sizeBytes: number;
  /** How the last segment ends. */
  readonly end: SegmentEnd;
  /** How many bytes of an unfinished write opening would cut off. */
  readonly tornBytes: number;
  /** How many snapshots there are. */
  readonly snapshots: number;
  /** The record of the newest snapshot, if that is ahead of the log. */
  readonly snapshotAhead: number | null;
  /** The number of segments that are damaged or cannot be read. */
  readonly damagedSegments: number;
  /** The problems: of segments, snapshots and consumers, and of what they are together. */
  readonly findings: readonly Finding[];
  /** The names of files that an opening, or a repair, has set aside. */
  readonly setAside: readonly string[];
}

/** Numbers of records, from one to another. */
export interface SeqRange {
  /** The first. */
  readonly from: number;
  /** The last. */
  readonly to: number;
}

/** Whether nothing was found. */
export function isWell({ findings, end }: VerifyReport): boolean {
  return findings.length === 0 && end !== "torn";
}

/** One segment, as {@linkcode verifySegments} found it. */
export interface SegmentReport {
  /** The absolute path of its file. */
  readonly path: string;
  /** Whether it is the one that is written to. */
  readonly isActive: boolean;
  /** The number before its first record. */
  readonly base: number;
  /** The number of its last good record; `base` if there is none. */
  readonly last: number;
  /** The bytes of its file. */
  readonly sizeBytes: number;
  /** How many of them are good, from the start. */
  readonly goodBytes: number;
  /** How it ends. */
  readonly end: SegmentEnd;
  /** The id of the log, if the first line of the segment is intact. */
  readonly logId?: string;
  /** The last time in its good lines, in ISO 8601, if they tell one. */
  readonly lastTime?: string;
  /** Its first damage. `blocksOpen` is that of the log alone: a snapshot may stand for the segment. */
  readonly problem?: Finding;
}

/** One snapshot, as {@linkcode verifySnapshots} found it. */
export interface SnapshotReport {
  /** The absolute path of its file. */
  readonly path: string;
  /** The number of the record that its state stands at. */
  readonly seq: number;
  /** The bytes of its file. */
  readonly sizeBytes: number;
  /**
   * - `"whole"`: its checksum confirms every byte;
   * - `"unverified"`: of the Rust program, which writes no checksum, and readable;
   * - `"damaged"`: `problem` says how;
   * - `"newer"`: of a format that this version does not know.
   */
  readonly status: "whole" | "unverified" | "damaged" | "newer";
  /** The id of the log that it belongs to, if it says so. */
  readonly logId?: string;
  /** The version of the code that made it, if it says so. */
  readonly version?: number;
  /** The reason why it cannot be restored. */
  readonly problem?: Finding;
}

/**
 * Reads every byte of a log and its snapshots, and reports what is damaged, and
 * whether they belong together.
 *
 * Each segment is judged as opening does; after a damage the next segment is read
 * on, so that the first damage of each is reported. Takes no lock, writes nothing,
 * and runs beside a writer that appends, rotates and compacts, in any process;
 * segments that one starts meanwhile are left to the next call.
 * Nothing is damaged where `findings` is empty; `end` is `"torn"` after a crash in
 * the middle of a write, which opening mends.
 *
 * @param path The log, or the directory of a log, a state or a queue.
 * @param options How the log is found and read, and what watches and stops the call.
 * @returns What was found.
 * @throws {TypeError} If the directory holds several logs, and no name was given.
 * @throws {MiniError} `NOT_FOUND` if there is no log, and no snapshot of one.
 * `PERMISSION` and `IO` as the system has it. What is damaged is in the report.
 *
 * @example Find a byte that has flipped
 * ```ts
 * import { verify } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 * import { readFile, writeFile } from "node:fs/promises";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * {
 *   await using store = await MiniStore.open<string>(path);
 *   for (const text of ["one", "two", "three"]) await store.append(text);
 * }
 * assertEquals((await verify(path)).findings, []);
 *
 * const text = await readFile(path, "utf8");
 * await writeFile(path, text.replace("two", "too"));
 * const { verified, findings: [finding] } = await verify(path);
 * assertEquals(verified, [{ from: 1, to: 1 }]);
 * assertEquals(finding?.code, "CORRUPT");
 * assertEquals([finding?.blocksOpen, finding?.remedy], [true, "salvage"]);
 * ```
 */
export async function verify(
  path: string | URL,
  options: AdminOptions = {},
): Promise<VerifyReport> {
  assertOptions("verify()", options, ADMIN_CHECKS);
  const given = pathOf(path);
  const call = new AdminCall(options);
  return await call.look(
    `verify "${given}"`,
    given,
    async () => await verifyJournal(await locateOrLost(given, call), call),
  );
}

/**
 * Reads and judges the segments of a log as opening does, and gives a report of
 * each once it is read, the oldest first; also of those after a damaged one.
 *
 * Takes no lock, and runs beside a writer. Segments that one starts meanwhile are
 * left to the next call. To leave the loop ends the reading.
 *
 * @param path The log, or its directory.
 * @param options How the log is found and read, and what watches and stops the call.
 * @returns The reports; the last one is of the segment that was active when the reading began.
 * @throws {TypeError} While iterating: if the directory holds several logs, and no
 * name was given; or for a log of the Rust program, which has no checksums.
 * @throws {MiniError} While iterating: `NOT_FOUND`, `PERMISSION` and `IO`, as {@linkcode verify}.
 *
 * @example Show each segment as it is read
 * ```ts
 * import { verifySegments } from "@mini/state/admin";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * await store.append("one");
 * await store.rotate();
 * await store.append("two");
 *
 * const seen: string[] = [];
 * for await (const { base, last, end } of verifySegments(path)) {
 *   seen.push(`${base + 1} to ${last}: ${end}`);
 * }
 * assertEquals(seen, ["1 to 1: sealed", "2 to 2: open"]);
 * ```
 */
export function verifySegments(
  path: string | URL,
  options: AdminOptions = {},
): AsyncIterable<SegmentReport> {
  assertOptions("verifySegments()", options, ADMIN_CHECKS);
  return segmentReports(pathOf(path), new AdminCall(options));
}

async function* segmentReports(
  path: string,
  call: AdminCall,
): AsyncGenerator<SegmentReport, void, undefined> {
  const doing = `verify "${path}"`;
  const checks = await call.look(doing, path, async () => {
    const context = await locateOrLost(path, call);
    const found = await measureSegments(context);
    if (found.format === "ministore") {
      throw new TypeError(
        `"${context.paths.active}" is a journal of the Rust crate, which has no checksums to verify its segments by`,
      );
    }
    call.begin("verifying", found.totalBytes);
    return checkSegments(context);
  });
  try {
    for (;;) {
      const { done, value } = await call.look(doing, path, () => checks.next());
      if (done) return;
      yield segmentReport(value);
    }
  } finally {
    await checks.return();
  }
}

function segmentReport(
  { header, at, problem, chain: _, applied: __, ...rest }: SegmentCheck,
): SegmentReport {
  return {
    ...rest,
    ...(header !== undefined && { logId: header.journal }),
    ...(at !== undefined && { lastTime: new Date(at).toISOString() }),
    ...(problem !== undefined && { problem: ofFile(problem, true) }),
  };
}

/**
 * Reads and judges every snapshot in a directory. Those that opening has found
 * damaged and set aside are not among them.
 *
 * Takes no lock, and runs beside a program that makes snapshots.
 *
 * @param dir The directory of a state or a queue, or of snapshots alone.
 * @param options What watches and stops the call.
 * @returns The snapshots, the oldest first.
 * @throws {TypeError} If `dir` is not a path.
 * @throws {MiniError} `NOT_FOUND` if there is no such directory. `PERMISSION` and
 * `IO` as the system has it. What is damaged is in the report.
 *
 * @example Is the newest snapshot intact?
 * ```ts
 * import { verifySnapshots } from "@mini/state/admin";
 * import { SnapStore } from "@mini/state/snap";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * await new SnapStore(dir).create({ total: 5 }, 7);
 * const newest = (await verifySnapshots(dir)).at(-1);
 * assertEquals([newest?.seq, newest?.status], [7, "whole"]);
 * ```
 */
export async function verifySnapshots(
  dir: string | URL,
  options: Omit<AdminOptions, "journal" | "maxRecordBytes"> = {},
): Promise<SnapshotReport[]> {
  assertOptions("verifySnapshots()", options, SNAPSHOT_CHECKS);
  const path = pathOf(dir);
  const directory = absolutePath(path);
  const call = new AdminCall(options);
  return await call.look(`verify "${path}"`, path, async () => {
    const { fs } = call;
    if (!await isDirectory(fs, path)) {
      const message = `there is no directory "${path}"`;
      throw new MiniError("NOT_FOUND", message, { path });
    }
    const listed = await listThere(fs, directory);
    const totalBytes = listed.reduce((sum, one) => sum + one.sizeBytes, 0);
    call.begin("checking", totalBytes);
    const checks = await checkSnapshots(fs, directory);
    return checks.map((check) => {
      const { problem: _, ...rest } = check;
      const [problem] = ofSnapshot(check);
      return { ...rest, ...(problem !== undefined && { problem }) };
    });
  });
}

const { journal: _, maxRecordBytes: __, ...SNAPSHOT_CHECKS } = ADMIN_CHECKS;

/** Verifies a journal, and the snapshots beside it. */
export async function verifyJournal(
  context: JournalContext,
  progress: { begin(doing: string, totalBytes: number): void },
): Promise<VerifyReport> {
  const { fs, paths: { directory, active: path } } = context;
  const isAlone = isSetAside(path);
  // Before the segments, which are read up to the last of their list.
  const before = isAlone ? [] : await listThere(fs, directory);
  const positions = await readPositions(context);
  const found = await measureSegments(context);
  const { format } = found;
  const listed = before.at(-1)?.seq ?? 0;
  progress.begin(
    "verifying",
    before.reduce((sum, { sizeBytes }) => sum + sizeBytes, found.totalBytes),
  );
  const { problems, logId, ...log } = format === "mini"
    ? await verifyNative(context)
    : await verifyRust(context, found);
  const snapshots = isAlone ? [] : await checkSnapshots(fs, directory);
  const isRust = format === "ministore";
  const ends = { path, isRust, ...log, ...(logId && { logId }) };
  // Where the segment before a missing one is damaged, the last record is not known.
  const isCut = log.end === "missing" &&
    problems.some(({ upTo }) => upTo === Infinity);
  const { findings, ahead } = togetherness(ends, snapshots, isCut ? 0 : listed);
  const covered =
    usableOf(snapshots).filter(({ seq }) => seq <= listed).at(-1)?.seq ?? 0;
  // A damaged log may end before positions that are right.
  const consumers = problems.length === 0 && log.end !== "missing"
    ? consumerFindings(context, positions, { logId, last: log.last })
    : [];
  return {
    path,
    format,
    ...log,
    snapshots: snapshots.length,
    snapshotAhead: ahead,
    damagedSegments: problems.length,
    findings: [
      ...problems.map(({ error, upTo }) => ofFile(error, upTo > covered)),
      ...snapshots.flatMap(ofSnapshot),
      ...findings,
      ...consumers,
    ],
    setAside: await leftovers(context),
  };
}

interface LogPart extends
  Omit<
    VerifyReport,
    | "path"
    | "format"
    | "snapshots"
    | "snapshotAhead"
    | "damagedSegments"
    | "findings"
    | "setAside"
  > {
  readonly logId?: string;
  /** The problems of segments; a snapshot at or after `upTo` covers all of the segment. */
  readonly problems: readonly { error: MiniError; upTo: number }[];
}

async function verifyNative(context: JournalContext): Promise<LogPart> {
  const checks = await collect(checkSegments(context));
  const { end, sizeBytes, goodBytes } = checks.at(-1)!;
  const logId = checks.find(({ header }) => header !== undefined)?.header
    ?.journal;
  return {
    first: checks[0]!.base + 1,
    last: Math.max(...checks.map(({ last }) => last)),
    verified: rangesOf(checks),
    segments: checks.filter(({ end }) => end !== "missing").length,
    sizeBytes: checks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    end: endingOf(end),
    tornBytes: end === "torn" ? sizeBytes - goodBytes : 0,
    ...(logId !== undefined && { logId }),
    problems: checks.flatMap(({ problem: error }, at) =>
      error === undefined ? [] : [{ error, upTo: coveredAt(checks, at) }]
    ),
  };
}

function rangesOf(checks: readonly SegmentCheck[]): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const { base, last: to } of checks) {
    if (to === base) continue;
    const before = ranges.at(-1);
    if (before?.to === base) {
      ranges[ranges.length - 1] = { from: before.from, to };
    } else ranges.push({ from: base + 1, to });
  }
  return ranges;
}

/** Such a journal has nothing to verify it by: what can be read is taken for whole. */
async function verifyRust(
  context: JournalContext,
  { segments, totalBytes }: MeasuredSegments,
): Promise<LogPart> {
  let last = 0;
  const problems: { error: MiniError; upTo: number }[] = [];
  try {
    const records = MiniStore.replay(context.paths.active, reading(context));
    for await (const { seq } of records) last = seq;
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    problems.push({ error, upTo: Infinity });
  }
  const isRead = problems.length === 0;
  const tornBytes = isRead ? await tornOfRust(context) : 0;
  return {
    first: 1,
    last,
    verified: [],
    segments: segments.length,
    sizeBytes: totalBytes,
    end: !isRead ? "damaged" : tornBytes > 0 ? "torn" : "open",
    tornBytes,
    problems,
  };
}

function ofFile(error: MiniError, blocksOpen: boolean): Finding {
  const isDamage = error.code === "CORRUPT" || error.code === "IO";
  const remedy = isDamage && blocksOpen ? "salvage" : "none";
  return findingOf(error, blocksOpen, remedy);
}

function ofSnapshot({ problem }: SnapshotCheck): Finding[] {
  if (problem === undefined) return [];
  // A damaged one is set aside, and the one before it taken.
  return [ofFile(problem, problem.code !== "CORRUPT")];
}
