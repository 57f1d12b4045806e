import type { MiniError } from "../../base/errors.ts";
import { listIfExists } from "../../fs/directory.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";
import type { ConsumerInfo } from "./info.ts";
import { rewritten } from "./placed.ts";
import { readPosition } from "./position_file.ts";

/** A log whose consumers are listed. */
export interface ConsumedLog {
  /** Its id; `undefined` for one that was not made yet. */
  readonly id: string | undefined;
  /** The number of its last record. */
  readonly sequence: number;
}

/** Lists the consumers of a log by their names. The position of one whose file cannot be read, or does not belong to the log, is 0. */
export async function listConsumers(
  context: JournalContext,
  { id, sequence }: ConsumedLog,
): Promise<ConsumerInfo[]> {
  const { fs, paths } = context;
  const { directory, active: path } = paths;
  const names = await listIfExists(fs, directory).catch((error) => {
    const doing = `list the consumers of "${path}"`;
    throw fromOs(error, doing, "nothing was changed", { directory, path });
  });
  const found: ConsumerInfo[] = [];
  for (const name of paths.consumers(names)) {
    let seq = 0;
    let problem: MiniError | undefined;
    try {
      const position = await readPosition(context, name);
      // It was removed meanwhile.
      if (position === undefined) continue;
      if (position.journal !== id || position.seq > sequence) {
        problem = rewritten(context, position);
      } else seq = position.seq;
    } catch (error) {
      problem = error as MiniError;
    }
    const lag = sequence - seq;
    found.push({ name, position: seq, lag, ...(problem && { problem }) });
  }
  return found;
}

/**
 * The consumer with the lowest position, `undefined` if there is none. The
 * positions are durable, so that no power cut takes back what allows a record to
 * be removed.
 */
export async function slowestConsumer(
  context: JournalContext,
  log: ConsumedLog,
): Promise<ConsumerInfo | undefined> {
  const consumers = await listConsumers(context, log);
  const [first, ...others] = consumers;
  if (first === undefined) return undefined;
  const { fs, paths: { directory, active: path } } = context;
  try {
    await fs.syncDirectory(directory);
  } catch (error) {
    const doing = `make the positions of the consumers of "${path}" durable`;
    throw fromOs(error, doing, "nothing was changed", { directory, path });
  }
  return others.reduce(
    (slowest, next) => next.position < slowest.position ? next : slowest,
    first,
  );
}
