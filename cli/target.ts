import type { JournalContext } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import { bareMessage } from "./explain.ts";
import { crc32 } from "../base/checksum.ts";
import { MiniError } from "../base/errors.ts";
import { fromOs } from "../fs/os_errors.ts";
import { Misuse } from "./args.ts";
import { reading } from "./locate.ts";
import { namesIn } from "../fs/directory.ts";

/** The number of appends that share a wait. */
const TOGETHER = 512;

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
  readonly from: number;
  readonly to: number;
  /** The new number of the first. */
  readonly as: number;
}

/** A new journal that is filled by a command. */
export class Target implements AsyncDisposable {
  readonly #store: MiniStore<unknown>;
  readonly ranges: Renumbered[] = [];
  /** Up to where the records, by their new numbers, are known to have been applied; `undefined` where they are not applied to anything. */
  applied: number | undefined;
  /** The checksum of the JSON of all records. */
  checksum = 0;
  #next: number;
  #waiting: Promise<unknown>[] = [];

  private constructor(store: MiniStore<unknown>) {
    this.#store = store;
    this.#next = store.sequence + 1;
  }

  /** Makes the journal, which must not be there; its first record will have the number `first`. */
  static async create(
    { fs, paths, maxRecordBytes }: JournalContext,
    first = 1,
  ): Promise<Target> {
    const store = await MiniStore.open<unknown>(paths.active, {
      fs,
      maxRecordBytes,
      durable: false,
    });
    if (first > 1) await store.resetTo(first - 1);
    return new Target(store);
  }

  /** The id of the new journal. */
  get logId(): string | undefined {
    return this.#store.id;
  }

  /** How many records it has. */
  get records(): number {
    return this.#next - this.#store.firstSequence;
  }

  /** The number of its first record. */
  get first(): number {
    return this.#store.firstSequence;
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

  /** Appends records that had the numbers from `seq` on; a batch stays one. */
  async add(seq: number, records: readonly unknown[]): Promise<void> {
    for (const record of records) {
      this.checksum = goOn(this.checksum, record);
    }
    const { applied } = this;
    const options = applied === undefined ? {} : { applied: () => applied };
    const appended = records.length === 1
      ? this.#store.append(records[0], options)
      : this.#store.appendBatch(records);
    this.#waiting.push(appended);
    appended.catch(() => {});
    this.#note(seq, records.length);
    if (this.#waiting.length >= TOGETHER) await this.#settle();
  }

  #note(seq: number, records: number): void {
    addRange(this.ranges, { from: seq, to: seq + records - 1, as: this.#next });
    this.#next += records;
  }

  async #settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await Promise.all(waiting);
  }

  /** Makes everything durable. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.#store.sync();
    const { applied } = this;
    await this.#store.close(applied === undefined ? {} : { applied });
  }

  /** Frees it, finished or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#waiting);
    await this.#store.close();
  }
}

/** Throws where the new journal does not hold what was written. */
export async function readBack(
  context: JournalContext,
  { records, checksum }: Pick<Target, "records" | "checksum">,
): Promise<void> {
  const found = { records: 0, checksum: 0 };
  const { active: path } = context.paths;
  for await (const { data } of MiniStore.replay(path, reading(context))) {
    found.records++;
    found.checksum = goOn(found.checksum, data);
  }
  if (found.records === records && found.checksum === checksum) return;
  const message = `"${path}" does not read back as written: do not use it`;
  throw new MiniError("IO", message, { path });
}

function goOn(checksum: number, record: unknown): number {
  return crc32(`${JSON.stringify(record)}\n`, checksum);
}

/** Throws where a new journal would not be alone. */
export async function assertNew(
  { fs, paths }: JournalContext,
): Promise<void> {
  if (!paths.isAmong(await namesIn(fs, paths.directory))) return;
  throw new Misuse(
    `"${paths.active}" already exists; give the name of a new journal`,
  );
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
  } catch (cause) {
    const { directory, active: path } = paths;
    const names = await namesIn(fs, directory).catch(() => []);
    const isBegun = paths.isAmong(names);
    const left = isBegun
      ? `"${place}" holds an unfinished copy: remove it, then try again`
      : "nothing was copied";
    const error = fromOs(cause, `${doing} to "${place}"`, left, {
      directory,
      path,
    });
    // Another program may be filling it.
    if (error !== cause || !isBegun || error.code === "LOCKED") throw error;
    throw new MiniError(error.code, `${bareMessage(error)}; ${left}`, {
      ...error,
      cause,
    });
  }
}
