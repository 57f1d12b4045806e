// Entries of all kinds, in any order, against lists.
import fc from "fast-check";
import { randomSeed } from "@mini/state/testing";
import { Pair } from "../support/ledger_pair.ts";
import { RUN } from "../support/ledger_steps.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const RUNS = size(60, 20_000);

const kinds = fc.oneof(
  { weight: 5, arbitrary: fc.constant("enqueue") },
  { weight: 5, arbitrary: fc.constant("receive") },
  { weight: 4, arbitrary: fc.constant("settle") },
  { weight: 8, arbitrary: fc.constantFrom(...Object.keys(RUN)) },
);

const steps = fc.array(
  fc.record({
    what: kinds,
    which: fc.nat(1_023),
    how: fc.nat(255),
    ms: fc.nat(120),
  }),
  { maxLength: 60, size: "max" },
);

Deno.test("a ledger does what lists do, over entries of all kinds, and again after each restart", async () => {
  let count = 0;
  const property = fc.asyncProperty(steps, async (all) => {
    const pair = new Pair();
    await pair.open();
    for (const step of all) {
      await RUN[step.what]!(pair, step);
      await pair.compare();
      pair.clock.advance(step.ms % 3);
      count++;
    }
    await pair.close();
  });
  await fc.assert(property, { seed, numRuns: RUNS });
  say(`seed ${seed}: ${RUNS} ledgers, ${count} steps, 0 violations`);
});
