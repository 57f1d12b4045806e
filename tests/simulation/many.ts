import { Worker } from "node:worker_threads";
import { Coverage, type Row } from "./rows.ts";
import { type Counts, simulate } from "./simulation.ts";

/** Runs whose seeds follow on. */
export interface Seeds {
  readonly first: number;
  readonly runs: number;
}

/** The result of a number of runs. */
export interface Outcome {
  readonly runs: number;
  readonly violations: readonly string[];
  readonly counts: Counts;
  readonly table: readonly [count: number, row: Row][];
}

/** More violations than this say nothing new. */
const ENOUGH = 5;

/** Simulates one seed after the other; `say` prints all that they do. */
export async function simulateMany(
  { first, runs }: Seeds,
  say?: (line: string) => void,
): Promise<Outcome> {
  const coverage = new Coverage();
  const counts: Counts = {};
  const violations: string[] = [];
  let seed = first;
  while (seed < first + runs && violations.length < ENOUGH) {
    const trace = await simulate(seed, coverage, counts, say);
    for (const what of trace.violations) {
      violations.push(`SEED=${seed}: ${what}`);
    }
    seed++;
  }
  return { runs: seed - first, violations, counts, table: coverage.table };
}

/** The same in several threads, each with its share. */
export async function simulateInThreads(
  { first, runs }: Seeds,
  threads: number,
): Promise<Outcome> {
  const share = Math.ceil(runs / threads);
  const outcomes = await Promise.all(
    Array.from(
      { length: threads },
      (_, index) => inThread({ first: first + index * share, runs: share }),
    ),
  );
  return together(outcomes);
}

/** Several outcomes as one. */
export function together(outcomes: readonly Outcome[]): Outcome {
  const coverage = new Coverage();
  const counts: Counts = {};
  for (const outcome of outcomes) {
    coverage.add(outcome.table);
    for (const [what, times] of Object.entries(outcome.counts)) {
      counts[what] = (counts[what] ?? 0) + times;
    }
  }
  return {
    runs: outcomes.reduce((sum, outcome) => sum + outcome.runs, 0),
    violations: outcomes.flatMap((outcome) => outcome.violations),
    counts,
    table: coverage.table,
  };
}

async function inThread(seeds: Seeds): Promise<Outcome> {
  const module = new URL("./thread.ts", import.meta.url);
  const thread = new Worker(module, { workerData: seeds });
  try {
    return await new Promise((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  } finally {
    await thread.terminate();
  }
}
