import { assertEquals } from "@std/assert";
import { randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { Coverage } from "./rows.ts";
import { type Counts, simulate } from "./simulation.ts";

const RUNS = size(1_000, 200_000);

/** Set SEED to have that run again, with all that it does. */
const given = Deno.env.get("SEED");

Deno.test("everything together survives what a disk, a clock and other people do, at random, and every row of the tables is met", async () => {
  const coverage = new Coverage();
  const counts: Counts = {};
  const first = Number(given ?? randomSeed());
  const violations: string[] = [];
  const planned = given === undefined ? RUNS : 1;
  let runs = 0;
  for (let seed = first; seed < first + planned; seed++) {
    runs++;
    const trace = await simulate(seed, coverage, counts, given !== undefined);
    for (const line of trace.lines) say(line);
    for (const what of trace.violations) {
      violations.push(`SEED=${seed}: ${what}`);
    }
    if (violations.length >= 5) break;
  }
  say(`seeds from ${first}: ${runs} runs, ${violations.length} violations`);
  assertEquals(violations, []);
  if (given !== undefined) return;
  const met = Object.entries(counts).sort(([, a], [, b]) => b - a);
  say(met.map(([what, times]) => `${times} ${what}`).join(", "));
  for (const [times, row] of coverage.table) {
    say(`${String(times).padStart(9)}  ${row}`);
  }
  assertEquals(coverage.missing, [], "rows that were never met");
});

Deno.test("a simulation is determined by its seed", async () => {
  const run = async (seed: number) => {
    const { hash, calls } = await simulate(seed, new Coverage(), {});
    return { hash, calls };
  };
  const first = Number(given ?? randomSeed());
  for (let seed = first; seed < first + 20; seed++) {
    assertEquals(await run(seed), await run(seed), `seed ${seed}`);
  }
});
