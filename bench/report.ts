import { cpus } from "node:os";
import type { Peer } from "./peers.ts";

/** How much of something was done a second, by the floor and by each who was measured. */
export interface Measured {
  readonly what: string;
  readonly floor: number;
  readonly results: ReadonlyMap<string, number>;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Prints medians: the ratio to the floor first, then how many a second. */
export function table(
  rounds: readonly (readonly Measured[])[],
  peers: readonly Peer[],
): void {
  const [processor] = cpus();
  say(
    `Deno ${Deno.version.deno}, ${cpus().length} × ${processor?.model}, ` +
      `median of ${rounds.length} rounds; ratio to the floor, and records a second`,
  );
  for (const { name, setting } of peers) say(`  ${name}: ${setting}`);
  for (const [index, { what, results }] of rounds[0]!.entries()) {
    const all = rounds.map((round) => round[index]!);
    say(`\n${what}; floor ${format(median(all.map(({ floor }) => floor)))}`);
    for (const name of results.keys()) {
      const rate = (measured: Measured) => measured.results.get(name)!;
      const ratio = median(all.map((each) => rate(each) / each.floor));
      const persecond = format(median(all.map(rate)));
      say(`  ${ratio.toFixed(2)}  ${persecond.padStart(11)}  ${name}`);
    }
  }
}

function format(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Prints a line. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
