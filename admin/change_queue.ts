import { basename } from "@std/path";
import { MiniQueue } from "../queue/mod.ts";
import type { JournalContext } from "../store/internal.ts";
import { readQueue } from "./read/ledger.ts";
import { DEFAULT_NAME } from "./read/locate.ts";

/**
 * Opens a queue, and runs a task on it. Messages that were in flight wait again,
 * whatever the program's own `maxAttempts` is, and its limits of what is kept stay.
 * Throws a `TypeError` for what is no queue.
 */
export async function changeQueue<R>(
  context: JournalContext,
  task: (queue: MiniQueue<unknown>) => Promise<R>,
): Promise<R> {
  const { fs, paths: { active: path, directory } } = context;
  // What is opened is the directory, whichever log in it was named.
  if (basename(path) !== DEFAULT_NAME) {
    throw new TypeError(`"${path}" is not the ${DEFAULT_NAME} of a queue`);
  }
  // Opening what is no queue would make it one.
  const { view: { ledger: { policy = {} } } } = await readQueue(context);
  const { finished: keepFinished, dead: keepDead } = policy;
  const queue = await MiniQueue.open(directory, {
    fs,
    // Only the program's own may make a message dead.
    maxAttempts: Number.MAX_SAFE_INTEGER,
    ...(keepFinished && { keepFinished }),
    ...(keepDead && { keepDead }),
  });
  return await task(queue).finally(() => queue.close());
}
