import { readRustPair, readSnapshot } from "../snap/internal.ts";
import { type JournalContext, untilStable } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import type { SnapCodec, StoredSnapshot } from "../snap/mod.ts";
import type { Log, Snapshots } from "../state/mod.ts";
import { MiniError } from "../base/errors.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { isMissing } from "../fs/directory.ts";
import { type LogSummary, summarizeLog } from "./log_summary.ts";
import { reading } from "./locate.ts";
import { listThere } from "./snapshot_check.ts";

function refuse(): Promise<never> {
  return Promise.reject(new TypeError("This log is read, and not written"));
}

/** Compaction has removed meanwhile what was to be read. A log that does not move must not say so by its code: a state would wait for it to move. */
class CompactedMeanwhile extends Error {}

async function* unlessCompacted<T>(
  records: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* records;
  } catch (cause) {
    const isCompactedMeanwhile = cause instanceof MiniError &&
      cause.code === "COMPACTED";
    throw isCompactedMeanwhile
      ? new CompactedMeanwhile(cause.message, { cause })
      : cause;
  }
}

/** A log as a state sees it, read without its lock. */
export function readOnlyLog(
  context: JournalContext,
  { first, last, applied, logId }: LogSummary,
): Log<unknown> {
  const { active } = context.paths;
  return {
    id: logId,
    applied,
    sequence: last,
    firstSequence: first,
    replay: (range = {}) =>
      unlessCompacted(
        MiniStore.replay(active, { ...reading(context), ...range }),
      ),
    append: refuse,
    follow: () => {
      throw new TypeError("This log is read as it is");
    },
    compact: refuse,
    close: () => Promise.resolve(),
  };
}

/** Snapshots as a state sees them; a damaged one is passed over, and stays where it is. */
export class ReadOnlySnapshots<S> implements Snapshots<S> {
  readonly #fs: FileSystem;
  readonly #dir: string;
  readonly #codec: SnapCodec<S>;
  readonly rejected: { path: string; error: MiniError }[] = [];

  constructor(fs: FileSystem, dir: string, codec: SnapCodec<S>) {
    this.#fs = fs;
    this.#dir = dir;
    this.#codec = codec;
  }

  create(): Promise<never> {
    return refuse();
  }

  list(): ReturnType<typeof listThere> {
    return listThere(this.#fs, this.#dir);
  }

  async restore(
    upTo: number = Infinity,
  ): Promise<StoredSnapshot<S> | undefined> {
    const found = await this.list();
    for (const { path, seq } of found.reverse()) {
      if (seq > upTo) continue;
      const restored = await this.#tryRead(path, seq);
      if (restored !== undefined) return restored;
    }
    const pair = await readRustPair(this.#fs, this.#dir, this.#codec);
    return pair !== undefined && pair.seq <= upTo ? pair : undefined;
  }

  async #tryRead(
    path: string,
    seq: number,
  ): Promise<StoredSnapshot<S> | undefined> {
    try {
      const restored = await readSnapshot(this.#fs, path, this.#codec);
      if (restored.seq === seq) return restored;
      const message =
        `The name of the snapshot "${path}" does not match its content, which is of record ${restored.seq}`;
      throw new MiniError("CORRUPT", message, { path });
    } catch (error) {
      // A newer one has taken its place meanwhile.
      if (await this.#fs.stat(path) === undefined) return undefined;
      if (!(error instanceof MiniError) || error.code !== "CORRUPT") {
        throw error;
      }
      this.rejected.push({ path, error });
      return undefined;
    }
  }
}

/**
 * Reads a log, and begins again with another look where compaction has removed
 * meanwhile what was to be read, until `read` says that it has committed itself.
 */
export async function steadily<T>(
  context: JournalContext,
  read: (found: LogSummary, commit: () => void) => Promise<T>,
  look: (context: JournalContext) => Promise<LogSummary> = summarizeLog,
): Promise<T> {
  let isCommitted = false;
  return await untilStable(async () => {
    const found = await look(context);
    try {
      const value = await read(found, () => isCommitted = true);
      return { value, isStable: true };
    } catch (error) {
      if (isCommitted) throw error;
      const isGone = error instanceof CompactedMeanwhile || isMissing(error);
      const isPassing = isGone || error instanceof MiniError &&
          (error.code === "COMPACTED" || error.code === "CORRUPT") &&
          (await look(context)).first !== found.first;
      if (!isPassing) throw error;
      return { error };
    }
  });
}
