import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@mini/state/state";
import { type MiniError, MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { OLDER_TURNS, TURNS } from "../support/turns.ts";

const ROUNDS = size(10, 1_000);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** How many lines to wait for before the kill: sometimes none, to hit opening. */
function linesToWaitFor(random: Random): number {
  return random.oneIn(4) ? 0 : 1 + random.below(1_500);
}

Deno.test("MiniStore loses nothing when its process is killed, again and again", async () => {
  await using directory = new TestDirectory();
  const random = new Random(seed);
  const acknowledged = new Map<number, string>();
  let lost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const lines = linesToWaitFor(random);
    for (
      const line of await runAndKill("killed_writer.ts", directory.at(), lines)
    ) {
      const space = line.indexOf(" ");
      const seq = Number(line.slice(0, space));
      assert(!acknowledged.has(seq), `record ${seq} was acknowledged twice`);
      acknowledged.set(seq, line.slice(space + 1));
    }
    await using store = await MiniStore.open<string>(directory.at());
    const found = new Map<number, string>();
    for await (const { seq, data } of store.replay()) found.set(seq, data);
    assertEquals(found.size, store.sequence - store.firstSequence + 1);
    for (const [seq, data] of acknowledged) {
      if (seq >= store.firstSequence && found.get(seq) !== data) lost++;
    }
  }
  say(
    `seed ${seed}: ${ROUNDS} kills, ${acknowledged.size} acknowledged records, ` +
      `${lost} lost, ${lost} violations`,
  );
  assertEquals(lost, 0);
});

/** Opens the state with older code, which may be refused, and writes nothing. Says whether it was. */
async function isRefusedToOlderCode(path: string): Promise<boolean> {
  try {
    await (await StateManager.open(path, OLDER_TURNS)).close();
    return false;
  } catch (error) {
    assertEquals((error as MiniError).code, "REPLAY_FAILED");
    return true;
  }
}

Deno.test("StateManager loses no mutation and takes none in twice when its process is killed, again and again", async () => {
  await using directory = new TestDirectory();
  const random = new Random(seed);
  let acknowledged = 0;
  let lost = 0;
  let snapshots = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const told = await runAndKill(
      "killed_state.ts",
      directory.path,
      linesToWaitFor(random),
    );
    acknowledged += told.length;
    if (await isRefusedToOlderCode(directory.path)) refused++;
    await using manager = await StateManager.open(directory.path, TURNS);
    const { last, count, outOfOrder } = manager.state;
    for (const line of told) {
      const [caller, turn] = line.split(" ");
      if ((last[caller!] ?? 0) < Number(turn)) lost++;
    }
    assertEquals(outOfOrder, 0);
    const turns = Object.values(last);
    assertEquals(count, turns.reduce((sum, turn) => sum + turn, 0));
    if (manager.recovery.snapshotSequence > 0) snapshots++;
  }
  say(
    `seed ${seed}: ${ROUNDS} kills of a state, ${acknowledged} acknowledged mutations, ` +
      `${snapshots} times opened from a snapshot, ` +
      `${refused} times refused to older code, ${lost} lost, ${lost} violations`,
  );
  assertEquals(lost, 0);
  assert(snapshots > 0);
  assert(refused > 0);
});
