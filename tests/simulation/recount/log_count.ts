import {
  type AppendMessage,
  type CommitMessage,
  type CompactMessage,
  type LogFailureMessage,
  MiniError,
  type RecoveryReport,
  type RotateMessage,
  type StoreMetrics,
  type TornMessage,
} from "@mini/state/store";
import type { Answers } from "./answers.ts";
import { histogramOf, same, sameNumbers, sum } from "./compare.ts";
import type { Ended } from "./operations.ts";

/** The end of a commit for a caller whose records are in it. */
export type Place = { readonly seq: number; readonly logId?: string } | {
  readonly error: unknown;
};

/** Counts what an open log tells, and says where that cannot be. */
export class LogCount {
  readonly #wrong: (what: string) => void;
  /** The ends of the operations that commits have named. */
  readonly #places: Map<object, Place>;
  readonly #commits: CommitMessage[] = [];
  readonly #appended: AppendMessage[] = [];
  readonly #refused: unknown[] = [];
  readonly #compacted: CompactMessage[] = [];
  readonly #sealed: number[] = [];
  readonly #noSpace = new Set<unknown>();
  /** The errors of commits, rotations and compactions. */
  readonly #failed = new Set<unknown>();
  #committing: CommitMessage | undefined;
  #failures = 0;
  /** The error that has poisoned it. */
  poisoned: unknown;
  /** The number of the last record that was committed. */
  sequence: number;
  /** The number of segments that were sealed when it was opened. */
  readonly #sealedBefore: number;

  /** @param torn What was told to be torn before it was open. */
  constructor(
    { sequence, segments, tornBytes, tornPath }: RecoveryReport,
    torn: readonly TornMessage[],
    places: Map<object, Place>,
    wrong: (what: string) => void,
  ) {
    this.#wrong = wrong;
    this.#places = places;
    this.sequence = sequence;
    this.#sealedBefore = segments - 1;
    const told = torn.map(({ tornBytes, tornPath }) =>
      `${tornBytes} in ${tornPath}`
    );
    const wanted = tornBytes > 0 ? [`${tornBytes} in ${tornPath}`] : [];
    same("torn bytes", told, wanted, wrong);
  }

  /** The number of records in the commits that have succeeded. */
  get records(): number {
    return sum(this.#commits.map(({ records }) => records));
  }

  /** @param isUnderWay Whether the operation of a message has begun and not ended. */
  commitStarts(
    message: CommitMessage,
    isUnderWay: (message: object) => boolean,
  ): void {
    const { first, last, records, callers, appends } = message;
    if (this.#committing !== undefined) this.#wrong("two commits at once");
    this.#committing = message;
    if (first !== this.sequence + 1 || last !== first + records - 1) {
      const what = `a commit of ${first} to ${last}, ${records} records`;
      this.#wrong(`${what}, after ${this.sequence}`);
    }
    const held = sum(appends.map(recordsOf));
    if (appends.length !== callers || held !== records) {
      const what = `a commit of ${callers} callers and ${records} records`;
      this.#wrong(`${what} names ${appends.length} and ${held}`);
    }
    for (const append of appends) {
      if (!isUnderWay(append)) this.#wrong("a commit for nobody who waits");
      if (this.#places.has(append)) this.#wrong("an append in two commits");
    }
  }

  commitEnds(message: CommitMessage & Ended): void {
    const { appends, first, durable, logId } = message;
    if (this.#committing !== message) this.#wrong("a commit has no start");
    this.#committing = undefined;
    if ("error" in message) {
      const { error } = message;
      this.#failures++;
      this.#failed.add(error);
      for (const append of appends) this.#places.set(append, { error });
      return;
    }
    if (this.poisoned !== undefined) this.#wrong("a commit after a poisoning");
    const { bytes, writeMs, syncMs } = message;
    const isMeasured = bytes! > 0 && writeMs! >= 0 && syncMs! >= 0;
    if (!isMeasured || !durable && syncMs !== 0) {
      this.#wrong(`a commit of ${bytes} bytes, ${writeMs} ms, ${syncMs} ms`);
    }
    this.sequence = message.last;
    this.#commits.push(message);
    let seq = first - 1;
    for (const append of appends) {
      seq += recordsOf(append);
      this.#places.set(append, { seq, ...(logId !== undefined && { logId }) });
    }
  }

  appendEnds(message: AppendMessage & Ended): void {
    const place = this.#places.get(message);
    if ("error" in message) {
      const { error } = message;
      this.#refused.push(error);
      const isBusy = (error as Partial<MiniError>).code === "BUSY";
      const cause = place ?? { error: isBusy ? error : this.poisoned };
      if ("error" in cause && cause.error === error) return;
      return this.#wrong("an append fails, and its commit has not");
    }
    this.#appended.push(message);
    const { seq } = message;
    if (place !== undefined && "seq" in place && place.seq === seq) return;
    this.#wrong(`an append says ${seq}, and its commit another number`);
  }

  rotationEnds(message: RotateMessage & Ended): void {
    const { last } = message;
    if (last !== this.sequence) {
      this.#wrong(`a segment ends with ${last}, not ${this.sequence}`);
    }
    if ("error" in message) this.#failed.add(message.error);
    else if (last <= (this.#sealed.at(-1) ?? 0)) {
      this.#wrong(`a segment without a record is sealed after ${last}`);
    } else this.#sealed.push(last);
  }

  compactionEnds(message: CompactMessage & Ended): void {
    if ("error" in message) this.#failed.add(message.error);
    else this.#compacted.push(message);
  }

  poisons({ error }: LogFailureMessage): void {
    if (this.poisoned !== undefined) this.#wrong("it is poisoned twice");
    this.poisoned = error;
  }

  lacksSpace({ error }: LogFailureMessage): void {
    if (this.#noSpace.has(error)) this.#wrong("no space is told twice");
    this.#noSpace.add(error);
  }

  /** Compares failures with what was told of them. @param fullTimes How often a call has found the disk full. */
  end(fullTimes: number): void {
    for (const error of this.#failed) {
      if (this.#isTold(error)) continue;
      this.#wrong(`of a failure its kind is not told: ${error}`);
    }
    const { size } = this.#noSpace;
    if (size <= fullTimes) return;
    this.#wrong(`${size} times no space, on a disk ${fullTimes} times full`);
  }

  #isTold(error: unknown): boolean {
    if (!(error instanceof MiniError)) {
      return (this.poisoned as Error | undefined)?.cause === error;
    }
    if (error.code === "NO_SPACE") return this.#noSpace.has(error);
    return error.code !== "POISONED" || error === this.poisoned;
  }

  /** Compares what was told with the numbers of the log itself. */
  compare(found: StoreMetrics): void {
    const commits = this.#commits;
    const synced = commits.filter(({ durable }) => durable);
    const took = commits.map(({ writeMs, syncMs }) => writeMs! + syncMs!);
    sameNumbers("metrics of the log", found, {
      kind: "store",
      records: this.records,
      bytes: sum(commits.map(({ bytes }) => bytes!)),
      waiting: 0,
      failures: this.#failures,
      rotations: this.#sealed.length,
      openMs: found.openMs,
      commitMs: histogramOf(took, found.commitMs),
      syncMs: histogramOf(synced.map(({ syncMs }) => syncMs!), found.syncMs),
      callers: histogramOf(
        commits.map(({ callers }) => callers),
        found.callers,
      ),
    }, this.#wrong);
  }

  /** Compares with the number of sealed segments. */
  compareSealed(found: number): void {
    const removed = sum(this.#compacted.map(({ removed }) => removed!));
    const wanted = this.#sealedBefore + this.#sealed.length - removed;
    same("sealed segments", found, wanted, this.#wrong);
  }

  /** Compares what was told with all that the callers of the log were answered. */
  compareAnswers({ written, refused, compacted }: Answers): void {
    const wrong = this.#wrong;
    same(
      "appends",
      sorted(this.#appended.map(({ seq, records }) => `${seq} ${records}`)),
      sorted(written.map(({ seq, count }) => `${seq} ${count}`)),
      wrong,
    );
    same("refusals", this.#refused.length, refused.length, wrong);
    for (const error of this.#refused) {
      if (!refused.includes(error)) wrong(`nobody was answered ${error}`);
    }
    same(
      "compactions",
      this.#compacted.map((
        { removed, removedBytes, firstSequence },
      ) => [removed, removedBytes, firstSequence]),
      compacted.map((
        { removed, removedBytes, firstSequence },
      ) => [removed.length, removedBytes, firstSequence]),
      wrong,
    );
  }

  /** Compares what was told with some writes that have succeeded. */
  compareDurable({ written }: Answers): void {
    for (const { seq, isDurable } of written) {
      const commit = this.#commits.find(({ first, last }) =>
        first <= seq && seq <= last
      );
      if (commit === undefined) this.#wrong(`no commit has record ${seq}`);
      else if (isDurable && !commit.durable) {
        this.#wrong(`the commit of record ${seq} waits for no fsync`);
      }
    }
  }
}

/** The number of records of an append, or of what a state applies. */
function recordsOf(append: object): number {
  return (append as Partial<AppendMessage>).records ?? 1;
}

function sorted(lines: string[]): string[] {
  return lines.sort();
}
