import { hasCode } from "../base/errors.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../fs/blocks.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { MiniStore } from "../store/mod.ts";
import { isCompacted } from "./aborts.ts";
import { isEntry } from "./entry.ts";

/** The kind of a directory. A queue is a state too, but only a queue can read its records. */
export type Kind = "state" | "queue";

/** The length of the records that are looked at, in characters of JSON. */
const MAX_LENGTH = 65_536;

/** The fields that an entry of a queue may begin with. */
const ENTRY_FIELDS =
  /^(at|v|drift|enqueue|receive|settle|expire|redrive|purge|paused|gone|tick)$/;

/** How the snapshot of a queue begins, and that of a state that is not in parts. */
const LEDGER =
  /^\{\n {2}"mini": [^{]*"parts": \[\n\{"at":\d+,.*"nextOrder":\d+/;
const STATE = /^\{\n {2}"mini": [^{[]*\n {2}"state": /;

/** How a log begins whose first line cannot be read. */
const HEADER = /^.{18}"mini":/;

/**
 * Finds out what a directory holds; `undefined` if nothing shows it. A snapshot
 * of the wanted kind decides; otherwise the first records of the log do, before
 * the snapshot: a queue with a strange snapshot is a queue.
 */
export async function kindOf(
  fs: FileSystem,
  journal: string,
  snapshot: string | undefined,
  wanted: Kind,
): Promise<Kind | undefined> {
  const shown = snapshot === undefined
    ? undefined
    : kindOfSnapshot(await startOf(fs, snapshot));
  if (shown === wanted) return shown;
  const kinds = new Set<Kind | undefined>();
  try {
    let length = 0;
    for await (const { data } of MiniStore.replay(journal, { fs })) {
      kinds.add(kindOfRecord(data));
      length += JSON.stringify(data).length;
      if (kinds.has("state") || length >= MAX_LENGTH) break;
    }
  } catch {
    // Opening the log will say what is wrong.
  }
  // What a state logs may look like an entry of a queue, but not the reverse.
  if (kinds.has("state")) return "state";
  return kinds.has("queue") ? "queue" : shown;
}

/** The kind that a record shows. One that might be a damaged entry of a queue shows none. */
function kindOfRecord(data: unknown): Kind | undefined {
  const { apply, applyBatch } = Object(data);
  if (applyBatch !== undefined) return "state";
  if (typeof apply !== "object" || apply === null) return undefined;
  const [field] = Object.keys(apply);
  if (field === undefined || Array.isArray(apply)) return undefined;
  if (!ENTRY_FIELDS.test(field)) return "state";
  // The one entry that looks like nothing else.
  const [message] = Array.isArray(apply.enqueue) ? apply.enqueue : [];
  const isQueue = typeof apply.at === "number" &&
    typeof message?.id === "number" && "payload" in message;
  return isQueue ? "queue" : undefined;
}

/** The kind that the start of a snapshot shows. A damaged one shows none. */
function kindOfSnapshot(text: string): Kind | undefined {
  if (LEDGER.test(text)) return "queue";
  return STATE.test(text) ? "state" : undefined;
}

/** The start of a file; empty if it cannot be read. */
async function startOf(fs: FileSystem, path: string): Promise<string> {
  try {
    const file = await fs.open(path, "read");
    try {
      return new TextDecoder().decode(await readBlock(file, FIRST_BLOCK_BYTES));
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}

/**
 * Whether a log is that of a state: its first record is an entry, or compaction
 * has removed every record. A log that is damaged there counts as one: another
 * state must not take its snapshots.
 */
export async function isOfState(
  fs: FileSystem,
  journal: string,
): Promise<boolean> {
  try {
    for await (const { data } of MiniStore.replay(journal, { fs })) {
      return isEntry(data);
    }
    const first = MiniStore.replay(journal, { fs, from: 1 });
    await first[Symbol.asyncIterator]().next();
    return false;
  } catch (error) {
    return isCompacted(error) ||
      hasCode(error, "CORRUPT") ||
      HEADER.test(await startOf(fs, journal));
  }
}
