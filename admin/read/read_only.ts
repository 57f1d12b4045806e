import { type JournalContext, untilStable } from "../../store/internal.ts";
import { MiniStore } from "../../store/mod.ts";
import type { LogReader } from "../../state/mod.ts";
import { MiniError } from "../../base/errors.ts";
import { isMissing } from "../../fs/directory.ts";
import { type LogSummary, summarizeLog } from "./log_summary.ts";
import { reading } from "./locate.ts";

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
): LogReader<unknown> {
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
    follow: () => {
      throw new TypeError("This log is read as it is");
    },
    close: () => Promise.resolve(),
  };
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
