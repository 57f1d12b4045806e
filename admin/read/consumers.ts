import {
  type JournalContext,
  judgePositions,
  type ReadPosition,
} from "../../store/internal.ts";
import { namesIn } from "../../fs/directory.ts";
import { bareMessage, type Finding, findingOf } from "../finding.ts";
import { postedTo } from "./ledger.ts";
import type { LogSummary } from "./log_summary.ts";

/** A consumer of a log, and how far it is. */
export interface ConsumerReport {
  /** The name of the consumer. */
  readonly name: string;
  /** The number of the last record that it has committed. */
  readonly position: number;
  /** How many records it has not committed. */
  readonly lag: number;
  /** The reason why its position is not known, in words. */
  readonly problem?: string;
}

/** The consumers of a log that ends as it was found after their positions were read. */
export function consumersOf(
  context: JournalContext,
  positions: readonly ReadPosition[],
  { logId: id, last: sequence }: Pick<LogSummary, "logId" | "last">,
): ConsumerReport[] {
  const found = judgePositions(context, positions, { id, sequence });
  return found.map(({ problem, ...row }) => ({
    ...row,
    ...(problem && { problem: bareMessage(problem) }),
  }));
}

/** The findings about positions of consumers, for which nothing refuses to open the log. */
export function consumerFindings(
  context: JournalContext,
  positions: readonly ReadPosition[],
  { logId: id, last: sequence }: {
    readonly logId?: string | undefined;
    readonly last: number;
  },
): Finding[] {
  const found = judgePositions(context, positions, { id, sequence });
  return found.flatMap(({ problem }) =>
    problem === undefined ? [] : findingOf(problem, false, "reset-consumer")
  );
}

/** The things beside a log that a copy is without: the positions of its consumers, and how many files are in the inbox of a queue. */
export async function leftOutBeside(
  context: JournalContext,
): Promise<{ consumers: string[]; posted: number }> {
  const { fs, paths } = context;
  const consumers = paths.consumers(await namesIn(fs, paths.directory));
  return { consumers, posted: await postedTo(context) };
}
