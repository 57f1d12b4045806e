import { assertEquals } from "@std/assert";
import { randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import {
  type Outcome,
  simulateInThreads,
  simulateMany,
  together,
} from "./many.ts";
import { Coverage } from "./rows.ts";
import { simulate } from "./simulation.ts";

/** Set SEED to have that run again, with all that it does. */
const given = Deno.env.get("SEED");

/** Where the seeds begin that are others each time. */
const FIRST = Number(given ?? randomSeed());

/** A change is judged by the same seeds as the one before it, which meet every row, and by some that nobody has seen. */
async function sample(): Promise<Outcome> {
  const known = await simulateMany({ first: 1, runs: 600 });
  return together([known, await simulateMany({ first: FIRST, runs: 150 })]);
}

/** Every night takes others. */
function largeSample(): Promise<Outcome> {
  const seeds = { first: FIRST, runs: 200_000 };
  return simulateInThreads(seeds, navigator.hardwareConcurrency);
}

Deno.test("everything together survives what a disk, a clock and other people do, at random, and every row of the tables is met", async () => {
  // Said first, so that one that hangs has a name.
  say(`seeds from ${FIRST}`);
  if (given !== undefined) {
    const { violations } = await simulateMany({ first: FIRST, runs: 1 }, say);
    assertEquals(violations, []);
    return;
  }
  const { runs, violations, counts, table } = await size(sample, largeSample)();
  say(`${runs} runs, ${violations.length} violations`);
  assertEquals(violations, []);
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
