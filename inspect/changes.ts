import type { JournalContext } from "../store/internal.ts";
import { summarizeLog } from "../admin/read/log_summary.ts";
import { brief } from "../base/text.ts";
import { fingerprint, follow } from "../admin/read/follow.ts";

/** Changes since the last news. */
export interface News {
  /** The number of the last record, if it is known. */
  readonly last?: number;
  /** How many records have come. */
  readonly count: number;
  /** The last of them. */
  readonly recent: readonly { seq: number; text: string }[];
}

const MAX_RECENT = 20;
const TEXT_CHARS = 160;
const LOOK_EVERY_MS = 500;

/** Says that nobody watches any more. */
class Stopped extends Error {}

/**
 * Tells of the records that a writer appends, and of other changes of a
 * journal, until the signal is aborted.
 */
export async function watch(
  context: JournalContext,
  signal: AbortSignal,
  tell: (news: News) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const seen = await fingerprint(context);
    try {
      const { last } = await summarizeLog(context);
      await tell({ last, count: 0, recent: [] });
      await tellRecords(context, last, signal, tell);
    } catch (error) {
      if (error instanceof Stopped) return;
      // What is damaged cannot be followed; that it has changed can be told.
      await changed(context, seen, signal).catch(() => {});
      if (!signal.aborted) await tell({ count: 0, recent: [] });
    }
  }
}

async function tellRecords(
  context: JournalContext,
  last: number,
  signal: AbortSignal,
  tell: (news: News) => Promise<void>,
): Promise<void> {
  const terminal = {
    now: () => performance.now(),
    sleep: (ms: number) => sleep(ms, signal),
    complain: () => {},
  };
  let count = 0;
  let recent: { seq: number; data: unknown }[] = [];
  for await (const record of follow(context, last + 1, terminal)) {
    if (signal.aborted) return;
    if (record !== "caught up") {
      count++;
      last = record.seq;
      if (recent.push(record) > 2 * MAX_RECENT) {
        recent = recent.slice(-MAX_RECENT);
      }
      continue;
    }
    const told = recent.slice(-MAX_RECENT).map(({ seq, data }) => ({
      seq,
      text: brief(data, TEXT_CHARS),
    }));
    await tell({ last, count, recent: told });
    count = 0;
    recent = [];
  }
}

/** Resolves when the files of a journal are other than they were. */
async function changed(
  context: JournalContext,
  seen: string,
  signal: AbortSignal,
): Promise<void> {
  do await sleep(LOOK_EVERY_MS, signal); while (
    await fingerprint(context) === seen
  );
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Stopped());
    const stop = () => {
      clearTimeout(timer);
      reject(new Stopped());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
