import { assert, assertEquals } from "@std/assert";
import { StateView } from "@mini/state/state";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { TURNS } from "../support/turns.ts";

const ROUNDS = size(5, 100);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

const { log: _, snapshots: __, ...options } = TURNS;

Deno.test("a standby that is promoted when its writer is killed loses nothing, and takes nothing in twice", async () => {
  await using directory = new TestDirectory();
  const random = new Random(seed);
  let acknowledged = 0;
  let lost = 0;
  let resets = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const view = await StateView.open(directory.path, {
      ...options,
      ifMissing: "empty",
    });
    const lines = random.oneIn(4) ? 0 : 1 + random.below(1_500);
    const told = await runAndKill("killed_state.ts", directory.path, lines);
    acknowledged += told.length;
    await using manager = await view.promote({ waitMs: 60_000 });
    resets += view.resets;
    const { last, count, outOfOrder } = manager.state;
    for (const line of told) {
      const [caller, turn] = line.split(" ");
      if ((last[caller!] ?? 0) < Number(turn)) lost++;
    }
    assertEquals(outOfOrder, 0);
    const turns = Object.values(last);
    assertEquals(count, turns.reduce((sum, turn) => sum + turn, 0));
    // The next writer continues after this one.
    const caller = "standby";
    await manager.apply({ caller, turn: (last[caller] ?? 0) + 1 });
  }
  say(
    `seed ${seed}: ${ROUNDS} kills of a writer with a standby, ${acknowledged} acknowledged mutations, ` +
      `${resets} resets, ${lost} lost`,
  );
  assertEquals(lost, 0);
  assert(acknowledged > 0);
});
