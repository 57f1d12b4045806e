import type { Measure } from "./plan.ts";
import type { Result } from "./task.ts";

/** The results of one contender: medians over the rounds. */
export interface Found {
  readonly name: string;
  readonly isDurable: boolean;
  /** Median of the ratios to the floor of the same round. */
  readonly ratio: number;
  readonly median: Result;
}

/** The results of one measure, the floor's included. */
export interface Findings {
  readonly id: string;
  readonly what: string;
  readonly floor: Result;
  readonly found: readonly Found[];
}

/** Sums up rounds, in each of which there is a result by name. */
export function sumUp(
  { id, what, who }: Measure,
  rounds: readonly ReadonlyMap<string, Result>[],
): Findings {
  const of = (name: string) =>
    rounds.flatMap((round) => {
      const result = round.get(name);
      const floor = round.get("floor")!.rate!;
      return result === undefined
        ? []
        : [{ ...numbersOf(result), ratio: result.rate! / floor }];
    });
  const found = who.flatMap(({ name, isDurable }) => {
    const results = of(name);
    if (results.length === 0) return [];
    const { ratio, ...median } = medians(results);
    return [{ name, isDurable, ratio: ratio!, median }];
  });
  return { id, what, floor: medians(of("floor")), found };
}

/** Without when it was. */
function numbersOf({ count: _, from: __, until: ___, ...result }: Result) {
  return result;
}

function medians(results: readonly Result[]): Result {
  const [first = {}] = results;
  return Object.fromEntries(
    Object.keys(first).map((key) => {
      const values = results.map((result) => result[key]!);
      return [key, values.toSorted((a, b) => a - b)[values.length >> 1]!];
    }),
  );
}

/** CPU time at the other commit, by that of today: more than 1 is better. */
export interface Comparison {
  readonly what: string;
  readonly who: string;
  readonly rounds: number;
  readonly median: number;
  /** The first and the last quartile. */
  readonly quartiles: readonly [number, number];
}

/** The weight of an entry in a program that is bundled, in bytes. */
export interface Size {
  readonly entry: string;
  /** The class that a program imports. */
  readonly imported: string;
  readonly minified: number;
  readonly gzipped: number;
  /** The aim for what is gzipped. */
  readonly aim: number;
}

/** Puts parts into a file of results, beside what else it holds; resolves to all of it. */
export async function mergeResults<T extends object>(
  path: string,
  parts: Partial<T>,
): Promise<T> {
  const text = await Deno.readTextFile(path).catch(() => "{}");
  const results: T = { ...JSON.parse(text), ...parts };
  await Deno.writeTextFile(path, `${JSON.stringify(results, undefined, 2)}\n`);
  return results;
}

/** Two digits that count, or all before the point. */
export function digits(value: number): string {
  return Math.abs(value) >= 10
    ? count(value)
    : String(Number(value.toPrecision(2)));
}

/** A number without what comes after the point. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Percent of its capacity at which each was measured. */
export const SHARES: readonly number[] = [10, 50, 80];

/** Fewer cannot tell what one of a thousand took. */
const LEAST_SAMPLES = 1_000;

/** The milliseconds at a share of the capacity: p50, p99, and p99.9 of enough. */
export function timesAt(share: number, result: Result): string | undefined {
  if (result[`p50At${share}`] === undefined) return undefined;
  const isMany = result[`samplesAt${share}`]! >= LEAST_SAMPLES;
  return (isMany ? ["p50", "p99", "p999"] : ["p50", "p99"])
    .map((name) => digits(result[`${name}At${share}`]!)).join(", ");
}

/** How many servers there are. */
export type Nodes = 1 | 3;

/** Writes of a number of callers: medians over the rounds. */
export interface Written {
  readonly nodes: Nodes;
  readonly callers: number;
  readonly who: string;
  /** How many a second. */
  readonly rate: number;
  /** Median of the ratios to `js.publish` in the same round. */
  readonly ratio: number;
  /** The CPU time of each, of this process. */
  readonly cpuUs: number;
}

/** The opening of a state: medians over the rounds. */
export interface Opened {
  readonly nodes: Nodes;
  readonly who: string;
  readonly records: number;
  readonly ms: number;
  readonly cpuMs: number;
}

/** How long nothing is acknowledged, in each round, the shortest first. */
export interface Failover {
  readonly what: string;
  readonly seconds: readonly number[];
}

/** The results of `deno task bench:jetstream`. */
export interface ClusterResults {
  readonly machine: string;
  readonly server: string;
  readonly rounds: number;
  readonly written: readonly Written[];
  readonly opened: readonly Opened[];
  readonly failovers: readonly Failover[];
}
