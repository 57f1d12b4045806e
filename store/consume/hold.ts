import type { MiniError } from "../../base/errors.ts";
import { listIfExists } from "../../fs/directory.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { JournalContext } from "../journal.ts";
import type { ConsumerInfo } from "./info.ts";
import { rewritten } from "./placed.ts";
import type { Position } from "./position.ts";
import { readPosition } from "./position_file.ts";

/** A log whose consumers are listed. */
export interface ConsumedLog {
  /** Its id; `undefined` for one that was not made yet. */
  readonly id: string | undefined;
  /** The number of its last record. */
  readonly sequence: number;
}

/** The position of a consumer as it is on disk, or why it cannot be read. */
export type ReadPosition =
  & { readonly name: string }
  & ({ readonly position: Position } | { readonly problem: MiniError });

/** Reads the positions of all consumers of a log, by their names. */
export async function readPositions(
  context: JournalContext,
): Promise<ReadPosition[]> {
  const { fs, paths } = context;
  const { directory, active: path } = paths;
  const names = await listIfExists(fs, directory).catch((error) => {
    const doing = `list the consumers of "${path}"`;
    throw fromOs(error, doing, "nothing was changed", { directory, path });
  });
  const found: ReadPosition[] = [];
  for (const name of paths.consumers(names)) {
    try {
      const position = await readPosition(context, name);
      // Else it was removed meanwhile.
      if (position !== undefined) found.push({ name, position });
    } catch (error) {
      found.push({ name, problem: error as MiniError });
    }
  }
  return found;
}

/**
 * Judges positions by a log as it was found after they were read: beside a writer
 * both move on. The position of a consumer whose file cannot be read, or does not
 * belong to the log, is 0.
 */
export function judgePositions(
  context: JournalContext,
  positions: readonly ReadPosition[],
  { id, sequence }: ConsumedLog,
): ConsumerInfo[] {
  return positions.map(({ name, ...read }) => {
    if ("problem" in read) return { name, position: 0, lag: sequence, ...read };
    const { position } = read;
    if (position.journal === id && position.seq <= sequence) {
      return { name, position: position.seq, lag: sequence - position.seq };
    }
    const problem = rewritten(context, position);
    return { name, position: 0, lag: sequence, problem };
  });
}

/** Lists the consumers of a log by their names. */
export async function listConsumers(
  context: JournalContext,
  log: ConsumedLog,
): Promise<ConsumerInfo[]> {
  const positions = await readPositions(context);
  return judgePositions(context, positions, log);
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
