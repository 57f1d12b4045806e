import { hasCode, type MiniError } from "../../base/errors.ts";
import type { Schema } from "../../base/schema.ts";
import { assertOurs } from "../../fs/atomic_file.ts";
import type { FileLock } from "../../fs/file_system.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { Consumer } from "../consumer.ts";
import { isConsumerName, type JournalContext } from "../journal.ts";
import { lockFile } from "../lock.ts";
import { type ConsumerLog, LogConsumer } from "./log_consumer.ts";
import type { Position } from "./position.ts";
import { readPosition, writePosition } from "./position_file.ts";

/** Throws a `TypeError` for a name that no consumer may have. */
export function checkConsumerName(name: string): void {
  if (typeof name === "string" && isConsumerName(name)) return;
  throw new TypeError(
    `The name of a consumer must have 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", no "." at either end, and no part ".lock", ".tmp" or ".jsonl"; it is ${
      JSON.stringify(name)
    }`,
  );
}

/** Opens a consumer, and makes it if it is new: then it stands before the first record that is present. */
export async function openConsumer<T>(
  context: JournalContext,
  name: string,
  { log, schema }: {
    readonly log: ConsumerLog;
    readonly schema: Schema<T> | undefined;
  },
): Promise<Consumer<T>> {
  checkConsumerName(name);
  const { fs, paths, staging } = context;
  const path = paths.consumer(name);
  const lock = await lockConsumer(context, name, "open");
  try {
    // A process that was killed may have left a name that is listed and not yet on the disk.
    await fs.syncDirectory(paths.directory);
    const temporary = `${path}.tmp`;
    await assertOurs({ ...staging, temporary }, [path, `${path}.lock`]);
    const position = await stored(context, name) ??
      await first(context, name, { log, lock });
    return new LogConsumer({ context, name, log, schema, lock, position });
  } catch (error) {
    await lock.close().catch(() => {});
    const { directory } = paths;
    const doing = `open consumer "${name}" in "${path}"`;
    const after = "its position is unchanged";
    throw fromOs(error, doing, after, { directory, path });
  }
}

/** The position in the file, or the error for one that is damaged. */
async function stored(
  context: JournalContext,
  name: string,
): Promise<Position | MiniError | undefined> {
  try {
    return await readPosition(context, name);
  } catch (error) {
    const isDamaged = hasCode(error, "CORRUPT");
    // Only a reset gets past it, so it is told when the position is needed.
    if (isDamaged) return error;
    throw error;
  }
}

/** Makes a new consumer, which stands before the first record of the log. If that fails, there is none. */
async function first(
  context: JournalContext,
  name: string,
  parts: { readonly log: ConsumerLog; readonly lock: FileLock },
): Promise<Position> {
  try {
    return await firstPosition(context, name, parts);
  } catch (error) {
    await undo(context, name, parts.lock).catch(() => {});
    throw error;
  }
}

/** Removes a consumer that could not be made: it would hold up the compaction, or stand where the log was compacted. */
async function undo(
  { fs, paths }: JournalContext,
  name: string,
  lock: FileLock,
): Promise<void> {
  // Otherwise it may be another's.
  if (await lock.isCurrent()) await fs.remove(paths.consumer(name));
}

async function firstPosition(
  context: JournalContext,
  name: string,
  { log, lock }: { readonly log: ConsumerLog; readonly lock: FileLock },
): Promise<Position> {
  for (;;) {
    const start = await log.start();
    await writePosition(context, name, start, lock);
    // Only from then on compaction waits for it.
    if ((await log.start()).seq === start.seq) return start;
  }
}

async function lockConsumer(
  context: JournalContext,
  name: string,
  doing: string,
): Promise<FileLock> {
  const { paths } = context;
  return await lockFile(context, `${paths.consumer(name)}.lock`, {
    doing: `${doing} consumer "${name}" of "${paths.active}"`,
    holding: "has it open",
    hint: "close it there, or take another name",
  });
}

/** Removes a consumer, so that compaction does not wait for it any more. Resolves to whether there was one. Throws `LOCKED` while it is open. */
export async function removeConsumer(
  context: JournalContext,
  name: string,
): Promise<boolean> {
  checkConsumerName(name);
  const { fs, paths } = context;
  const { directory } = paths;
  const path = paths.consumer(name);
  try {
    if (await fs.stat(path) === undefined) return false;
    const lock = await lockConsumer(context, name, "remove");
    try {
      await fs.remove(path);
      await fs.syncDirectory(directory);
      // Who waits for the lock looks whether its file is still there.
      await fs.remove(`${path}.lock`).catch(() => {});
    } finally {
      await lock.close();
    }
    return true;
  } catch (error) {
    const doing = `remove consumer "${name}" in "${path}"`;
    throw fromOs(error, doing, "no record was changed", { directory, path });
  }
}
