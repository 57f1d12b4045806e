import { assertEquals } from "@std/assert";
import { MiniError, MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const ROUNDS = size(3, 60);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const LAST = "the last";

/** Follows to the last record; compaction may overtake it. Resolves to how often that was so. */
async function follow(
  path: string,
  seen: Map<number, string>,
  durableOnly: boolean,
): Promise<number> {
  for (let overtaken = 0;; overtaken++) {
    try {
      const options = { durableOnly, ifMissing: "empty" } as const;
      for await (
        const { seq, data } of MiniStore.follow<string>(path, options)
      ) {
        const before = seen.get(seq) ?? data;
        assertEquals(data, before, `record ${seq} is another`);
        seen.set(seq, data);
        if (data === LAST) return overtaken;
      }
    } catch (error) {
      const isOvertaken = error instanceof MiniError &&
        error.code === "COMPACTED";
      if (!isOvertaken) throw error;
    }
  }
}

Deno.test("those who follow a log see what was acknowledged, while its process is killed, again and again", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  const random = new Random(seed);
  const all = [false, true].map((durableOnly) => {
    const seen = new Map<number, string>();
    return { seen, done: follow(path, seen, durableOnly) };
  });
  const acknowledged = new Map<number, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const lines = random.oneIn(4) ? 0 : 1 + random.below(1_000);
    for (const line of await runAndKill("killed_writer.ts", path, lines)) {
      const space = line.indexOf(" ");
      const seq = Number(line.slice(0, space));
      acknowledged.set(seq, line.slice(space + 1));
    }
  }
  await using store = await MiniStore.open<string>(path);
  const seq = await store.append(LAST);
  await store.close();
  for (const { seen, done } of all) {
    const overtaken = await done;
    say(`seed ${seed}: ${seen.size} of ${seq}, overtaken ${overtaken} times`);
    for (const [seq, data] of acknowledged) {
      if (seen.has(seq) || overtaken === 0) assertEquals(seen.get(seq), data);
    }
  }
});
