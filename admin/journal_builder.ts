import {
  contextOf,
  type JournalContext,
  lockJournal,
  type OpenJournal,
  openJournal,
  type Unit,
} from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import { bareMessage } from "./finding.ts";
import { crc32 } from "../base/checksum.ts";
import { fitting, MAX_DEPTH, toJson } from "../base/json.ts";
import { hasCode, MiniError } from "../base/errors.ts";
import { fromOs } from "../fs/os_errors.ts";
import { reading } from "./read/locate.ts";
import { basename } from "@std/path";
import { replaceFileDurably } from "../fs/atomic_file.ts";
import type { FileHandle } from "../fs/file_system.ts";
import { namesIn } from "../fs/directory.ts";
import { UNFINISHED_COPY } from "./read/segment_check.ts";
import { startOf } from "./read/snapshot_check.ts";

/** The most appends that share a wait, and the most characters. */
const TOGETHER = 512;
const TOGETHER_CHARS = 16 * 1024 * 1024;

/** Adds a range to others; joins it with the last if it continues that. */
export function addRange(ranges: Renumbered[], next: Renumbered): void {
  const last = ranges.at(-1);
  const goesOn = last?.to === next.from - 1 &&
    last.as + next.from - last.from === next.as;
  if (last !== undefined && goesOn) {
    ranges[ranges.length - 1] = { ...last, to: next.to };
  } else ranges.push(next);
}

/** Records that kept or changed their numbers together. */
export interface Renumbered {
  /** The old number of the first. */
  readonly from: number;
  /** The old number of the last. */
  readonly to: number;
  /** The new number of the first. */
  readonly as: number;
}

/** A new journal that is being filled. */
export class JournalBuilder implements AsyncDisposable {
  readonly #writer: OpenJournal["writer"];
  readonly #maxRecordBytes: number;
  readonly ranges: Renumbered[] = [];
  /** Up to where the records, by their new numbers, are known to have been applied; `undefined` where they are not applied to anything. */
  applied: number | undefined;
  /** The time of the records that come next, as far as it is known. */
  #at: number | undefined;
  /** The checksum of the JSON of all records. */
  checksum = 0;
  #next: number;
  #waiting: Promise<unknown>[] = [];
  #waitingChars = 0;

  private constructor({ writer, context }: OpenJournal) {
    this.#writer = writer;
    this.#maxRecordBytes = context.maxRecordBytes;
    this.#next = writer.sequence + 1;
  }

  /** Makes the journal, which must not be there; its first record will have the number `first`. */
  static async create(
    context: JournalContext,
    first = 1,
  ): Promise<JournalBuilder> {
    const journal = await openJournal(context, { durable: false });
    const builder = new JournalBuilder(journal);
    if (first > 1) {
      try {
        await journal.writer.resetTo(first - 1);
      } catch (error) {
        await builder[Symbol.asyncDispose]();
        throw error;
      }
      builder.#next = first;
    }
    return builder;
  }

  /** The id of the new journal. */
  get logId(): string | undefined {
    return this.#writer.id;
  }

  /** How many records it has. */
  get records(): number {
    return this.#next - this.#writer.firstSequence;
  }

  /** The number of its first record. */
  get first(): number {
    return this.#writer.firstSequence;
  }

  /** The new number of the record that comes next. */
  get next(): number {
    return this.#next;
  }

  /** The new number of a record, `undefined` where it has none. */
  numberOf(seq: number): number | undefined {
    const range = this.ranges.findLast(({ from, to }) =>
      seq >= from && seq <= to
    );
    return range && range.as + seq - range.from;
  }

  /** Notes that the records up to `seq`, by their old numbers, had been applied. */
  noteApplied(seq: number): void {
    const range = this.ranges.findLast(({ from }) => from <= seq);
    const last = range && range.as + Math.min(seq, range.to) - range.from;
    this.applied = Math.max(this.applied ?? 0, last ?? 0);
  }

  /** Notes the time of the records that come next. */
  noteTime(at: number | undefined): void {
    this.#at = at ?? this.#at;
  }

  /** Appends records that had the numbers from `seq` on; a batch stays one. */
  async add(seq: number, records: readonly unknown[]): Promise<void> {
    for (const record of records) this.#count(JSON.stringify(record));
    const { applied } = this;
    const max = this.#maxRecordBytes;
    const at = this.#at;
    const unit = records.length === 1
      ? {
        text: toJson(records[0], max),
        at,
        ...(applied !== undefined && { applied: () => applied }),
      }
      : {
        text: toJson(records, max, MAX_DEPTH + 1),
        at,
        batch: records.length,
      };
    await this.#take(unit, seq, records.length);
  }

  /** Appends a record by its JSON text, which is that of `JSON.stringify`. */
  async addJson(json: string): Promise<void> {
    this.#count(json);
    const text = fitting(json, this.#maxRecordBytes);
    await this.#take({ text }, this.#next, 1);
  }

  #count(json: string): void {
    this.checksum = crc32(`${json}\n`, this.checksum);
    this.#waitingChars += json.length;
  }

  async #take(unit: Unit, seq: number, records: number): Promise<void> {
    const appended = this.#writer.add([unit]);
    this.#waiting.push(appended);
    appended.catch(() => {});
    addRange(this.ranges, { from: seq, to: seq + records - 1, as: this.#next });
    this.#next += records;
    const isMuch = this.#waiting.length >= TOGETHER ||
      this.#waitingChars >= TOGETHER_CHARS;
    if (isMuch) await this.#settle();
  }

  async #settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    await Promise.all(waiting);
  }

  /** Makes everything durable. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.#writer.sync();
    await this.#writer.close(this.applied);
  }

  /** Frees it, finished or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#waiting);
    await this.#writer.close();
  }
}

/** Throws where the new journal does not hold what was written. */
export async function readBack(
  context: JournalContext,
  { records, checksum }: Pick<JournalBuilder, "records" | "checksum">,
): Promise<void> {
  const found = { records: 0, checksum: 0 };
  const { active: path } = context.paths;
  for await (const { data } of MiniStore.replay(path, reading(context))) {
    found.records++;
    found.checksum = crc32(`${JSON.stringify(data)}\n`, found.checksum);
  }
  if (found.records === records && found.checksum === checksum) return;
  const message = `"${path}" does not read back as written: do not use it`;
  throw new MiniError("IO", message, { path });
}

/** The journal that another is built as until it is complete. */
function stagedOf(to: JournalContext): JournalContext {
  return contextOf(`${to.paths.active}.part`, to);
}

/** Whether a journal was begun by {@linkcode buildJournal}, and not finished. */
async function isUnfinished({ fs, paths }: JournalContext): Promise<boolean> {
  const found = await fs.stat(paths.active);
  return found?.kind === "file" &&
    await startOf(fs, paths.active) === UNFINISHED_COPY;
}

/** Throws where a new journal would not be alone. One that was not finished does not count. */
export async function assertNew(to: JournalContext): Promise<void> {
  const { fs, paths: { directory } } = to;
  const names = await namesIn(fs, directory);
  for (const { paths } of [to, stagedOf(to)]) {
    if (!paths.isAmong(names) || await isUnfinished(to)) continue;
    throw new TypeError(
      `"${paths.active}" already exists; give the name of a new journal`,
    );
  }
}

/**
 * Builds a journal that opens only when it is complete: under another name,
 * while a file that opening refuses has its own. Killed in between, the next
 * build begins again.
 */
export async function buildJournal<T>(
  to: JournalContext,
  doing: string,
  make: (staged: JournalContext) => Promise<T>,
): Promise<T> {
  const { fs, paths: { active, directory }, staging } = to;
  return await fill(to, doing, active, async () => {
    await fs.createDirectory(directory, staging.directoryMode);
    const lock = await lockJournal(to, {
      doing: `${doing} to`,
      hint: "nothing was changed",
      command: `mini ${doing}`,
    });
    try {
      await assertNew(to);
      const staged = stagedOf(to);
      await removeAll(to, staged);
      const text = new TextEncoder().encode(UNFINISHED_COPY);
      const mark = (file: FileHandle) => file.write(text);
      await (await replaceFileDurably(staging, active, mark)).close();
      try {
        const made = await make(staged);
        await place(staged, to);
        return made;
      } catch (error) {
        await removeAll(to, staged).catch(() => {});
        throw error;
      }
    } finally {
      await lock.close();
    }
  });
}

/** Removes what an unfinished build has left, but for the file that says so. */
async function removeAll(
  { fs, paths }: JournalContext,
  { paths: staged }: JournalContext,
): Promise<void> {
  const names = await fs.list(paths.directory);
  const left = [
    ...[paths, staged].flatMap((of) =>
      of.sealedBases(names).map((base) => of.sealed(base))
    ),
    staged.active,
    staged.temporary,
    staged.lock,
  ];
  for (const path of left) {
    if (names.includes(basename(path))) await fs.remove(path);
  }
}

/** Gives a journal its name, the active segment last. */
async function place(
  { paths: staged }: JournalContext,
  { fs, paths }: JournalContext,
): Promise<void> {
  const { directory } = paths;
  for (const base of staged.sealedBases(await fs.list(directory))) {
    await fs.rename(staged.sealed(base), paths.sealed(base));
  }
  await fs.syncDirectory(directory);
  await fs.remove(staged.lock);
  await fs.rename(staged.active, paths.active);
  await fs.syncDirectory(directory);
}

/** Fills a new journal; a failure says what is left of it, which is in `place`. */
export async function fill<T>(
  { fs, paths }: JournalContext,
  doing: string,
  place: string,
  make: () => Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    // That the half-made log takes no more is no news to its caller; why is.
    const cause = hasCode(error, "POISONED") ? error.cause ?? error : error;
    const { directory, active: path } = paths;
    const names = await namesIn(fs, directory).catch(() => []);
    const isBegun = paths.isAmong(names);
    const left = isBegun
      ? `"${place}" holds an unfinished copy: remove it, then try again`
      : "nothing was copied";
    const failure = fromOs(cause, `${doing} to "${place}"`, left, {
      directory,
      path,
    });
    // Another program may be filling it.
    const isTold = failure !== cause || !isBegun;
    if (isTold || failure.code === "LOCKED") throw failure;
    throw new MiniError(failure.code, `${bareMessage(failure)}; ${left}`, {
      ...failure,
      cause,
    });
  }
}
