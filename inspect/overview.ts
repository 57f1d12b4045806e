import type { JournalContext } from "../store/internal.ts";
import { basename, join } from "@std/path";
import type { FileSystem } from "../fs/file_system.ts";
import {
  checkSegments,
  type SegmentCheck,
} from "../admin/read/segment_check.ts";
import { bareMessage, explain, type Finding } from "../admin/finding.ts";
import {
  type LogSummary,
  measureSegments,
  summarizeDamagedLog,
} from "../admin/read/log_summary.ts";
import { isQueue } from "../admin/read/ledger.ts";
import { type Problem, withNextStep } from "./next_step.ts";
import { readableEnd, recordPage } from "./records.ts";
import { namesIn } from "../fs/directory.ts";
import { counted } from "../admin/options.ts";
import { steadily } from "../admin/read/read_only.ts";
import {
  checkSnapshots,
  leftovers,
  listThere,
} from "../admin/read/snapshot_check.ts";
import { fingerprint } from "../admin/read/follow.ts";
import { lostIn } from "../admin/read/consistency.ts";

/** A file, and how it was found. */
interface FileRow {
  readonly name: string;
  readonly sizeBytes: number;
  /** How it was found; `"unread"` until every byte of it was looked at. */
  readonly status: string;
  readonly problem?: Problem;
}

/** A segment as the page draws it. */
export interface SegmentRow extends FileRow {
  readonly base: number;
  readonly last: number;
  readonly isActive: boolean;
  /** How many bytes stand behind what is good. */
  readonly tornBytes: number;
}

/** A snapshot as the page draws it. */
export interface SnapshotRow extends FileRow {
  readonly seq: number;
}

/** Everything that the page shows of a journal at a glance. */
export interface Overview {
  readonly path: string;
  readonly format: "mini" | "ministore";
  readonly logId?: string;
  readonly first: number;
  /** The last record, or the snapshot that is ahead of it. */
  readonly last: number;
  readonly records: number;
  readonly sizeBytes: number;
  readonly end: SegmentCheck["end"];
  /** Whether something stands behind the last record that cannot be read. */
  readonly isCut: boolean;
  /** The kind of the records: of a queue, of a state, or of the program's own. */
  readonly holds: "queue" | "state" | "records";
  readonly segments: readonly SegmentRow[];
  readonly snapshots: readonly SnapshotRow[];
  readonly setAside: readonly string[];
  readonly problems: readonly Problem[];
  /** How much of it was verified. */
  readonly verified: { readonly bytes: number; readonly isDone: boolean };
}

/** Looks at a journal as a whole: at once by names and by the last segments, then at every byte, once. */
export class Overviews {
  readonly #context: JournalContext;
  readonly #checks: Map<string, SegmentCheck> = new Map();
  readonly #snapshots: Map<string, Omit<SnapshotRow, "name">> = new Map();
  /** Files that were read, or are being read, and which they were then. */
  readonly #begun: Map<string, string> = new Map();
  #verified = { bytes: 0, isDone: false };
  #isVerifying = false;
  /** Known once there is a record: from then on it does not change. */
  #isQueue: boolean | undefined;
  #seen = "";
  #overview: Promise<Overview> | undefined;

  constructor(context: JournalContext) {
    this.#context = context;
  }

  /** How the journal stands now. */
  async look(): Promise<Overview> {
    const { fs, paths } = this.#context;
    // Before what was found is looked at: what is done by now is in it.
    const verified = this.#verified;
    const names = (await namesIn(fs, paths.directory)).sort();
    await this.#forgetOthers();
    const known = `${this.#checks.size} ${this.#snapshots.size}`;
    const seen = [await fingerprint(this.#context), known, ...names].join("\n");
    if (seen !== this.#seen || this.#overview === undefined) {
      this.#seen = seen;
      this.#overview = this.#look();
      this.#overview.catch(() => this.#overview = undefined);
    }
    const overview = await this.#overview;
    void this.#verify(overview);
    return { ...overview, verified };
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

  async #look(): Promise<Overview> {
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
    return {
      path: paths.active,
      format: found.end === undefined ? "ministore" : "mini",
      ...(logId !== undefined && { logId }),
      first,
      last: Math.max(end, newest),
      records: Math.max(0, end - first + 1),
      sizeBytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      end: found.ending,
      isCut,
      holds: await this.#holds(found, snapshots.length > 0),
      segments: rows,
      snapshots: shots,
      setAside: await leftovers(context),
      problems,
      verified: this.#verified,
    };
  }

  async #holds(
    { first, last, problem }: LogSummary,
    hasSnapshots: boolean,
  ): Promise<Overview["holds"]> {
    const context = this.#context;
    if (this.#isQueue === undefined && problem === undefined && last >= first) {
      this.#isQueue = await steadily(context, (now) => isQueue(context, now));
    }
    if (this.#isQueue) return "queue";
    const { records: [oldest] } = await recordPage(context, first, 1);
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
  async #verify({ segments, snapshots }: Overview): Promise<void> {
    if (this.#isVerifying) return;
    const { directory } = this.#context.paths;
    const sealed = segments.filter(({ isActive }) => !isActive);
    const unread = [...sealed, ...snapshots]
      .map(({ name }) => join(directory, name))
      .filter((path) => !this.#begun.has(path));
    if (unread.length === 0 && this.#verified.isDone) return;
    this.#isVerifying = true;
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
    this.#isVerifying = false;
  }

  /** The file system, with what is read being counted until it was all. */
  get #counting(): FileSystem {
    const add = (read: number) => {
      const { bytes, isDone } = this.#verified;
      if (!isDone) this.#verified = { bytes: bytes + read, isDone };
    };
    return counted(this.#context.fs, { add });
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
