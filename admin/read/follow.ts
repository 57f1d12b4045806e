import type { JournalContext } from "../../store/internal.ts";
import { type LogRecord, MiniStore } from "../../store/mod.ts";
import { MiniError } from "../../base/errors.ts";
import { span } from "../../base/text.ts";
import { reading } from "./locate.ts";
import { summarizeLog } from "./log_summary.ts";

/** How often a log is looked at for more; looks that show little take no more than a fifth of the time. */
const LOOK_EVERY_MS = 200;

/** After this many records, the next look follows at once. */
const CATCHING_UP = 1_000;

/** The number of last records that are shown where nothing else is said. */
export const DEFAULT_LINES = 10;

/** The clock that following goes by, and where it complains. */
export interface Watcher {
  /** The time in milliseconds. */
  now(): number;
  sleep(ms: number): Promise<void>;
  complain(text: string): void;
}

export function recordsFrom(
  context: JournalContext,
  from: number,
  to: number,
): AsyncIterable<LogRecord<unknown>> {
  const range = { from, ...(to < Infinity && { to }) };
  return MiniStore.replay(context.paths.active, {
    ...reading(context),
    ...range,
  });
}

/** Reads records, then those to come, and says where there are no more for now. Never ends. */
export async function* follow(
  context: JournalContext,
  from: number,
  terminal: Watcher,
): AsyncGenerator<LogRecord<unknown> | "caught up", void, undefined> {
  let seen = "";
  for (;;) {
    const started = terminal.now();
    let shown = 0;
    const now = await fingerprint(context);
    if (now !== seen) {
      seen = now;
      try {
        for await (const record of recordsFrom(context, from, Infinity)) {
          yield record;
          from = record.seq + 1;
          shown++;
        }
        if (shown === 0) {
          const next = await skipFrom(context, from, terminal);
          if (next !== from) seen = "";
          from = next;
        }
      } catch (error) {
        seen = "";
        const isOvertaken = error instanceof MiniError &&
          error.code === "COMPACTED";
        if (isOvertaken) {
          from = await skipFrom(context, from, terminal);
          continue;
        }
        // Seen in the middle of a rotation, or while an opening mends the end.
        if (!await isPassing(context, now, error)) throw error;
      }
      yield "caught up";
    }
    const tookMs = terminal.now() - started;
    // Where much was new, more has come meanwhile; where little was, the look must not cost too much.
    if (shown < CATCHING_UP) {
      await terminal.sleep(Math.max(LOOK_EVERY_MS, 4 * tookMs));
    }
  }
}

/** Continues with the first record that is left, or starts again if the log has fewer records than were shown. */
async function skipFrom(
  context: JournalContext,
  from: number,
  terminal: Pick<Watcher, "complain">,
): Promise<number> {
  const { first, last } = await summarizeLog(context);
  if (last < from - 1) {
    terminal.complain(`mini: the log now ends with record ${last}\n`);
    return Math.max(first, last - DEFAULT_LINES + 1);
  }
  if (first > from) {
    const gone = span("record", from, first - 1);
    terminal.complain(`mini: ${gone}: compacted before it could be shown\n`);
  }
  return Math.max(first, from);
}

/** Changes when the journal does. */
export async function fingerprint(
  { fs, paths }: JournalContext,
): Promise<string> {
  const stat = await fs.stat(paths.active);
  return stat === undefined ? "none" : `${stat.identity} ${stat.sizeBytes}`;
}

async function isPassing(
  context: JournalContext,
  before: string,
  error: unknown,
): Promise<boolean> {
  return error instanceof MiniError && error.code === "CORRUPT" &&
    await fingerprint(context) !== before;
}
