import { cpus } from "node:os";
import type { Goal } from "./goals.ts";
import { count, digits, type Findings, SHARES, timesAt } from "./results.ts";
import type { Result } from "./task.ts";

/** The machine, in words. */
export function machine(): string {
  const [processor] = cpus();
  return `Deno ${Deno.version.deno}, ${cpus().length} × ${processor?.model}`;
}

/** Prints what was found in one measure: ratio to the floor first. */
export function printFindings({ what, floor, found }: Findings): void {
  say(`\n${what}; floor ${count(floor.rate!)}/s${others(floor)}`);
  for (const { name, ratio, median, isDurable } of found) {
    const perSecond = count(median.rate!).padStart(10);
    const mark = isDurable ? "" : " (never synced)";
    say(
      `  ${ratio.toFixed(2)} ${perSecond}/s  ${name}${mark}${others(median)}`,
    );
  }
}

const UNITS: readonly (readonly [field: string, words: string])[] = [
  ["cpuUs", "µs of CPU time"],
  ["syncs", "fsyncs each"],
  ["ms", "ms"],
  ["p50", "ms p50"],
  ["p99", "ms p99"],
  ["stallMs", "ms longest stall"],
  ["peakMiB", "MiB at the peak"],
  ["beyondMiB", "MiB beyond the state"],
  ["costPercent", "% more CPU time of the writer than without it"],
  ["overheadBytes", "bytes over the payload"],
];

function others(result: Result): string {
  const parts = UNITS.flatMap(([field, words]) => {
    const value = result[field];
    if (value === undefined) return [];
    return [`${digits(value)} ${words}`];
  });
  for (const share of SHARES) {
    const times = timesAt(share, result);
    if (times !== undefined) parts.push(`${times} ms at ${share} %`);
  }
  return parts.length === 0 ? "" : `  (${parts.join("; ")})`;
}

/** Prints which goals are met. */
export function printGoals(all: readonly Goal[]): void {
  if (all.length === 0) return;
  say("\ngoals");
  for (const { what, aim, reached, isMet } of all) {
    say(`  ${isMet ? "met   " : "missed"}  ${what}: ${reached}, aim ${aim}`);
  }
}

/** Prints a line. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
