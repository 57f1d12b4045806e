import { assertEquals } from "@std/assert";
import { randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { simulateInThreads, simulateMany } from "./many.ts";
import { Coverage } from "./rows.ts";
import { simulate } from "./simulation.ts";

const RUNS = size(1_000, 200_000);

/** Set SEED to have that run again, with all that it does. */
const given = Deno.env.get("SEED");

/** A change is judged by the same sample as the one before it; every night takes another. */
const FIRST = Number(given ?? size(1, randomSeed()));

Deno.test("everything together survives what a disk, a clock and other people do, at random, and every row of the tables is met", async () => {
  const first = FIRST;
  const threads = size(1, navigator.hardwareConcurrency);
  const outcome = given !== undefined
    ? await simulateMany({ first, runs: 1 }, say)
    : threads === 1
    ? await simulateMany({ first, runs: RUNS })
    : await simulateInThreads({ first, runs: RUNS }, threads);
  const { runs, violations, counts, table } = outcome;
  say(`seeds from ${first}: ${runs} runs, ${violations.length} violations`);
  assertEquals(violations, []);
  if (given !== undefined) return;
  const met = Object.entries(counts).sort(([, a], [, b]) => b - a);
  say(met.map(([what, times]) => `${times} ${what}`).join(", "));
  for (const [times, row] of table) {
    say(`${String(times).padStart(9)}  ${row}`);
  }
  const missing = table.filter(([times]) => times === 0);
  assertEquals(missing, [], "rows that were never met");
});

Deno.test("a simulation is determined by its seed", async () => {
  const run = async (seed: number) => {
    const { hash, calls } = await simulate(seed, new Coverage(), {});
    return { hash, calls };
  };
  for (let seed = FIRST; seed < FIRST + 20; seed++) {
    assertEquals(await run(seed), await run(seed), `seed ${seed}`);
  }
});
