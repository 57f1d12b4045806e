import { assertEquals } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { History } from "../support/history.ts";
import { QueueWorld } from "../support/queue_world.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const HISTORIES = size(150, 1_000);
const ROUNDS = 40;

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

async function runHistory(
  random: Random,
  history: History,
): Promise<QueueWorld> {
  const world = new QueueWorld(random, history);
  await world.open();
  for (let round = 0; round < ROUNDS; round++) {
    if (random.oneIn(6)) world.breakDisk();
    const steps = Array.from(
      { length: 1 + random.below(4) },
      () => world.step(),
    );
    if (random.oneIn(5)) {
      // In the middle of whatever is under way.
      for (let turn = random.below(40); turn > 0; turn--) await undefined;
      await world.crash();
      await Promise.all(steps);
      continue;
    }
    await Promise.all(steps);
    world.mendDisk();
    if (await world.isPoisoned()) await world.crash();
  }
  await world.end();
  return world;
}

Deno.test("MiniQueue loses and invents nothing, over random histories of producers, consumers, crashes, clock jumps and failing disks", async () => {
  const sums = {
    deliveries: 0,
    duplicates: 0,
    crashes: 0,
    powerCuts: 0,
    failures: 0,
  };
  const violations: string[] = [];
  for (let run = 0; run < HISTORIES; run++) {
    const history = new History(`SEED=${seed + run}`);
    const { counts } = await runHistory(new Random(seed + run), history);
    sums.deliveries += history.deliveries;
    sums.duplicates += history.duplicates;
    sums.crashes += counts.crashes;
    sums.powerCuts += counts.powerCuts;
    sums.failures += counts.failures;
    violations.push(...history.violations);
  }
  say(
    `seed ${seed}: ${HISTORIES} histories of a queue, ${sums.deliveries} deliveries, ` +
      `${sums.duplicates} of them again, ${sums.crashes} crashes (${sums.powerCuts} power cuts), ` +
      `${sums.failures} failing calls, ${violations.length} violations`,
  );
  assertEquals(violations.slice(0, 5), []);
});
