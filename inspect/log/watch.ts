import {
  fingerprint,
  type JournalContext,
  reading,
  summarizeLog,
} from "../../admin/internal.ts";
import { childOf } from "../../base/abort.ts";
import { pause } from "../../base/deadline.ts";
import { Signal } from "../../base/signal.ts";
import { brief } from "../../base/text.ts";
import { type LogRecord, MiniStore } from "../../store/mod.ts";
import type { News } from "../api_types.ts";
import { RedactFailure, type Redactor } from "../redact.ts";

const MAX_RECENT = 20;
const TEXT_CHARS = 160;
/** So long what is appended is gathered before it is told. */
const GATHER_MS = 100;
const LOOK_EVERY_MS = 500;

/**
 * Tells of the records that a writer appends, and of other changes of a
 * journal, until the signal is aborted. What has come while nobody asked for
 * news is told at once.
 */
export async function* watch(
  context: JournalContext,
  signal: AbortSignal,
  redactor: Redactor,
): AsyncGenerator<News, void, undefined> {
  while (!signal.aborted) {
    const seen = await fingerprint(context);
    try {
      const { last } = await summarizeLog(context);
      yield { last, count: 0, recent: [] };
      yield* newRecords(context, last, signal, redactor);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RedactFailure) throw error;
      // What is damaged cannot be followed; that it has changed can be told.
      await changed(context, seen, signal).catch(() => {});
      if (!signal.aborted) yield { count: 0, recent: [] };
    }
  }
}

/** Reads on at once, and tells of what has come since the last news. */
async function* newRecords(
  context: JournalContext,
  last: number,
  signal: AbortSignal,
  redactor: Redactor,
): AsyncGenerator<News, void, undefined> {
  const own = childOf(signal);
  const arrived = new Signal();
  let count = 0;
  let recent: LogRecord<unknown>[] = [];
  let end: { readonly error?: unknown } | undefined;
  const read = async () => {
    const range = { from: last + 1, signal: own.signal };
    const options = { ...reading(context), ...range };
    for await (
      const record of MiniStore.follow(context.paths.active, options)
    ) {
      count++;
      last = record.seq;
      recent.push(record);
      if (recent.length > 2 * MAX_RECENT) recent = recent.slice(-MAX_RECENT);
      arrived.fire();
    }
  };
  const hasRead = read().then(() => end = {}, (error) => end = { error })
    .finally(() => arrived.fire());
  try {
    for (;;) {
      const { next } = arrived;
      if (count === 0 && end === undefined) {
        await next;
        continue;
      }
      if (count === 0) {
        if (end?.error !== undefined) throw end.error;
        return;
      }
      await pause(GATHER_MS, signal);
      const news = {
        last,
        count,
        recent: recent.slice(-MAX_RECENT).map(({ seq, data }) => ({
          seq,
          text: brief(
            redactor.value(data, { kind: "record", seq }),
            TEXT_CHARS,
          ),
        })),
      };
      count = 0;
      recent = [];
      yield news;
    }
  } finally {
    own.abort();
    await hasRead;
  }
}

/** Resolves when the files of a journal are other than they were. */
async function changed(
  context: JournalContext,
  seen: string,
  signal: AbortSignal,
): Promise<void> {
  do await pause(LOOK_EVERY_MS, signal); while (
    await fingerprint(context) === seen
  );
}
