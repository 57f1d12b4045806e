import { basename, join } from "@std/path";
import {
  bareMessage,
  checkSegments,
  checkSnapshots,
  type ConsumerReport,
  consumersOf,
  counted,
  explain,
  filesHealth,
  type Finding,
  fingerprint,
  isQueue,
  type JournalContext,
  type Judged,
  leftovers,
  listThere,
  type LogSummary,
  lostIn,
  measureSegments,
  overdueIn,
  readPositions,
  type SegmentCheck,
  steadily,
  summarizeDamagedLog,
  summarizeLog,
  tornMessage,
} from "../admin/internal.ts";
import { namesIn } from "../fs/directory.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type {
  ConsumerRow,
  FileRow,
  Overview,
  Problem,
  SegmentRow,
  SnapshotRow,
} from "./api_types.ts";
import { readableEnd, Records } from "./log/records.ts";
import { withNextStep } from "./next_step.ts";
import { healthRow } from "./problem.ts";
import { Redactor } from "./redact.ts";

/** The part of an overview that is about the files. */
export type FilesOverview = Omit<
  Overview,
  "hasProgram" | "target" | "hasQueue" | "actions" | "token" | "live"
>;

/** The same without what changes while the files of the log stay as they are. */
type FoundFiles = Omit<FilesOverview, "consumers" | "health">;

/** The files as they were found, and what their health depends on. */
interface Found {
  readonly files: FoundFiles;
  readonly judged: Omit<Judged, "consumers">;
}

/** Looks at a journal as a whole: at once by names and by the last segments, then at every byte, once. */
export class Overviews {
  readonly #context: JournalContext;
  readonly #checks: Map<string, SegmentCheck> = new Map();
  readonly #snapshots: Map<string, Omit<SnapshotRow, "name">> = new Map();
  /** Files that were read, or are being read, and which they were then. */
  readonly #begun: Map<string, string> = new Map();
  #verified = { bytes: 0, isDone: false };
  #hasLooked = false;
  #verifying: Promise<void> | undefined;
  /** Known once there is a record: from then on it does not change. */
  #isQueue: boolean | undefined;
  #seen = "";
  #overview: Promise<Found> | undefined;
  readonly #redactor: Redactor;
  readonly #closed: AbortSignal;

  constructor(
    context: JournalContext,
    redactor: Redactor,
    closed: AbortSignal,
  ) {
    this.#context = context;
    this.#redactor = redactor;
    this.#closed = closed;
  }

  /** Resolves when nothing is read any more. */
  async end(): Promise<void> {
    await this.#verifying;
  }

  /** How the journal stands now. */
  async look(): Promise<FilesOverview> {
    const { fs, paths } = this.#context;
    // Before what was found is looked at: what is done by now is in it.
    const verified = this.#verified;
    // They move on while a log stays as it is, and never beyond its end.
    const positions = await readPositions(this.#context);
    const names = (await namesIn(fs, paths.directory)).sort();
    await this.#forgetOthers();
    const known = `${this.#checks.size} ${this.#snapshots.size}`;
    const seen = [await fingerprint(this.#context), known, ...names].join("\n");
    if (seen !== this.#seen || this.#overview === undefined) {
      this.#seen = seen;
      this.#overview = this.#look();
      this.#overview.catch(() => this.#overview = undefined);
    }
    const { files, judged } = await this.#overview;
    // The first answer opens a page, which would wait while everything is read.
    if (this.#hasLooked) {
      this.#verifying ??= this.#verify(files).finally(() =>
        this.#verifying = undefined
      );
    }
    this.#hasLooked = true;
    const consumers = consumersOf(this.#context, positions, files);
    const health = await filesHealth(this.#context, { ...judged, consumers });
    return {
      ...this.#redacted(files),
      verified,
      consumers: this.#consumers(consumers),
      health: healthRow(health, this.#redactor),
    };
  }

  #consumers(found: readonly ConsumerReport[]): ConsumerRow[] {
    return found.map(({ name, problem, ...row }) => ({
      name: this.#redactor.text(name, { kind: "consumer" }),
      ...row,
      ...(problem !== undefined && { problem: this.#redactor.error(problem) }),
    }));
  }

  /** The same, with problems as they may be shown. */
  #redacted(overview: FoundFiles): FoundFiles {
    if (!this.#redactor.isOn) return overview;
    const shown = (problem: Problem) => ({
      ...problem,
      message: this.#redactor.error(problem.message),
    });
    const redacted = <R extends FileRow>(row: R): R =>
      row.problem ? { ...row, problem: shown(row.problem) } : row;
    return {
      ...overview,
      segments: overview.segments.map(redacted),
      snapshots: overview.snapshots.map(redacted),
      problems: overview.problems.map(shown),
    };
  }

  /** Forgets findings about files that compaction removed or a repair replaced. */
  async #forgetOthers(): Promise<void> {
    for (const [path, stamp] of this.#begun) {
      if (await this.#stamp(path) === stamp) continue;
      this.#begun.delete(path);
      this.#checks.delete(path);
      this.#snapshots.delete(path);
    }
  }

  async #stamp(path: string): Promise<string> {
    const stat = await this.#context.fs.stat(path);
    return stat === undefined ? "" : `${stat.identity} ${stat.sizeBytes}`;
  }

  async #look(): Promise<Found> {
    const context = this.#context;
    const { fs, paths } = context;
    // The log goes at least as far as the snapshots that are there before it is looked at.
    const snapshots = await listThere(fs, paths.directory);
    const found = await summarizeDamagedLog(context);
    const { first, logId, problem } = found;
    // Behind a damage there may be more.
    const { last: end, isCut } = problem === undefined
      ? { last: found.last, isCut: found.tornBytes > 0 }
      : await readableEnd(context, found.last + 1);
    const rows = found.segments.map((segment) =>
      this.#segment(segment, found, end)
    );
    const newest = snapshots.at(-1)?.seq ?? 0;
    const shots = snapshots.map(({ path, seq, sizeBytes }) => ({
      name: basename(path),
      ...this.#snapshots.get(path) ?? { seq, sizeBytes, status: "unread" },
    }));
    const problems = [
      ...rows.flatMap(({ problem }) => problem ?? []),
      ...shots.flatMap(({ problem }: FileRow) => problem ?? []),
    ];
    if (problem !== undefined && !problems.some(isSame(bareMessage(problem)))) {
      problems.push(told(problem));
    }
    const lost = lostIn(paths.active, found, snapshots);
    if (problem === undefined) problems.push(...lost.findings.map(restore));
    const holds = await this.#holds(found, snapshots.length > 0);
    const damage = rows.find(({ problem }) => problem)?.problem ??
      (problem === undefined ? lost.findings[0] : told(problem));
    const { tornBytes, last } = found;
    const judged = {
      problem: damage?.message,
      torn: damage === undefined && tornBytes > 0
        ? tornMessage({ tornBytes, path: paths.active, last })
        : undefined,
      overdue: holds === "state" ? overdueIn(found, snapshots) : undefined,
    };
    const files: FoundFiles = {
      path: paths.active,
      format: found.end === undefined ? "ministore" : "mini",
      ...(logId !== undefined && { logId }),
      first,
      last: Math.max(end, newest),
      records: Math.max(0, end - first + 1),
      sizeBytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      end: found.ending,
      isCut,
      holds,
      segments: rows,
      snapshots: shots,
      setAside: await leftovers(context),
      problems,
      verified: this.#verified,
    };
    return { files, judged };
  }

  async #holds(
    found: LogSummary,
    hasSnapshots: boolean,
  ): Promise<FilesOverview["holds"]> {
    const context = this.#context;
    const { first, last, problem } = found;
    if (this.#isQueue === undefined && problem === undefined && last >= first) {
      const known = [found];
      this.#isQueue = await steadily(
        context,
        (now) => isQueue(context, now),
        async (context) => known.pop() ?? await summarizeLog(context),
      );
    }
    if (this.#isQueue) return "queue";
    const all = new Records(context, new Redactor(undefined));
    const { records: [oldest] } = await all.page(first, 1);
    return hasSnapshots || oldest?.kind !== undefined ? "state" : "records";
  }

  #segment(
    { path, base, last, sizeBytes, isActive }: LogSummary["segments"][number],
    { end, ending, tornBytes }: LogSummary,
    readable: number,
  ): SegmentRow {
    // What was read just now is newer than what was verified before.
    const check = end?.path === path ? end : this.#checks.get(path);
    const { problem } = check ?? {};
    return {
      name: basename(path),
      base,
      last: end?.path === path ? readable : last,
      sizeBytes,
      isActive,
      status: check?.end ??
        (end !== undefined ? "unread" : isActive ? ending : "open"),
      tornBytes: check === undefined
        ? isActive ? tornBytes : 0
        : Math.max(0, check.sizeBytes - check.goodBytes),
      ...(problem !== undefined && { problem: told(problem) }),
    };
  }

  /** Reads every byte of what was not read before: what is sealed does not change any more. */
  async #verify({ segments, snapshots }: FoundFiles): Promise<void> {
    const { directory } = this.#context.paths;
    const sealed = segments.filter(({ isActive }) => !isActive);
    const unread = [...sealed, ...snapshots]
      .map(({ name }) => join(directory, name))
      .filter((path) => !this.#begun.has(path));
    if (unread.length === 0 && this.#verified.isDone) return;
    for (const path of unread) this.#begun.set(path, await this.#stamp(path));
    const at = segments.findIndex(({ name }) =>
      unread.includes(join(directory, name))
    );
    try {
      // With the one before it, so that the seam between the two is looked at.
      await this.#verifySegments(segments[Math.max(0, at - 1)]?.base ?? 0);
      await this.#verifySnapshots();
    } catch {
      // The next reader of an unreadable file reports it.
    }
    this.#verified = { ...this.#verified, isDone: true };
  }

  /** The file system, with what is read being counted until it was all. */
  get #counting(): FileSystem {
    const add = (read: number) => {
      const { bytes, isDone } = this.#verified;
      if (!isDone) this.#verified = { bytes: bytes + read, isDone };
    };
    const check = () => this.#closed.throwIfAborted();
    return counted(this.#context.fs, { add, check });
  }

  async #verifySegments(from: number): Promise<void> {
    const { format } = await measureSegments(this.#context);
    if (format === "ministore") return;
    const context = { ...this.#context, fs: this.#counting };
    for await (const check of checkSegments(context, from)) {
      this.#checks.set(check.path, check);
    }
  }

  async #verifySnapshots(): Promise<void> {
    const { directory } = this.#context.paths;
    for (const check of await checkSnapshots(this.#counting, directory)) {
      const { path, seq, sizeBytes, status, problem } = check;
      this.#snapshots.set(path, {
        seq,
        sizeBytes,
        status,
        ...(problem !== undefined && { problem: toldOfSnapshot(problem) }),
      });
    }
  }
}

/** Another snapshot, or the log, stands for a damaged one: nothing need be done. */
function toldOfSnapshot(error: unknown): Problem {
  return explain(error);
}

function told(error: unknown): Problem {
  return withNextStep(explain(error));
}

/** Opening continues without what is lost at the end of the log. */
function restore(finding: Finding): Problem {
  const next =
    "if a copy of the directory holds more, restore it before anything opens the log";
  return { ...finding, next };
}

function isSame(message: string): (problem: Problem) => boolean {
  return (problem) => problem.message === message;
}
