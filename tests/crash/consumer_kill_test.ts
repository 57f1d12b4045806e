import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { runAndKill } from "../support/kill.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const ROUNDS = size(6, 500);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

Deno.test("a consumer gets every record at least once, in order, when it and the writer are killed, again and again", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    // Compaction does not wait for a consumer that is not there yet.
    await using store = await MiniStore.open<string>(path);
    await using _ = await store.consumer("uploader");
  }
  const random = new Random(seed);
  const seen = new Map<number, string>();
  let told = 0;
  let twice = 0;
  let compacted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let lag = 0;
    {
      await using store = await MiniStore.open<string>(path);
      lag = (await store.consumers())[0]?.lag ?? store.sequence;
      compacted = store.firstSequence - 1;
    }
    // No more than is there without a writer that lives to add to it.
    const [, lines] = await Promise.all([
      runAndKill("killed_consumed.ts", path, random.below(300)),
      runAndKill("killed_consumer.ts", path, random.below(lag + 1)),
    ]);
    let before: number | undefined;
    for (const line of lines) {
      const space = line.indexOf(" ");
      const seq = Number(line.slice(0, space));
      const data = line.slice(space + 1);
      // Without a gap: after what was seen before, or again.
      assert(
        before === undefined ? seq <= seen.size + 1 : seq === before + 1,
        `${line} after ${before ?? seen.size}`,
      );
      if (seen.has(seq)) {
        twice++;
        assertEquals(seen.get(seq), data, `record ${seq} has changed`);
      }
      seen.set(seq, data);
      before = seq;
      told++;
    }
  }
  await using store = await MiniStore.open<string>(path);
  await using consumer = await store.consumer("uploader");
  assert(consumer.position <= seen.size);
  if (consumer.lag > 0) {
    for await (const { seq, data } of consumer.follow()) {
      seen.set(seq, data);
      if (seq === store.sequence) break;
    }
  }
  for await (const { seq, data } of store.replay()) {
    assertEquals(seen.get(seq), data, `record ${seq}`);
  }
  assertEquals(seen.size, store.sequence);
  say(
    `seed ${seed}: ${ROUNDS} times both killed, ${seen.size} records, ` +
      `${compacted} of them compacted, ${told} given, ${twice} of them again, 0 lost`,
  );
});
