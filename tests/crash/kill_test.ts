import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { say } from "../support/report.ts";

const ROUNDS = 25;
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** Lets the writer acknowledge so many records, and kills it; gives what it was told by then. */
async function writeAndKill(
  path: string,
  records: number,
): Promise<Map<number, string>> {
  const writer = join(ROOT, "tests/support/killed_writer.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", join(ROOT, "deno.json"), writer, path],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const told = new Map<number, string>();
  let isOpening = false;
  let isKilled = false;
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === "opening") {
        isOpening = true;
        continue;
      }
      const space = line.indexOf(" ");
      told.set(Number(line.slice(0, space)), line.slice(space + 1));
    }
    // Without a record to wait for, it is killed while it opens and recovers.
    if (isOpening && told.size >= records && !isKilled) {
      isKilled = true;
      child.kill("SIGKILL");
    }
  }
  const { signal } = await child.status;
  if (Deno.build.os !== "windows") assertEquals(signal, "SIGKILL");
  return told;
}

Deno.test("MiniStore loses nothing when its process is killed, again and again", async () => {
  await using directory = new TestDirectory();
  const random = new Random(seed);
  const acknowledged = new Map<number, string>();
  let lost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const records = random.oneIn(4) ? 0 : 1 + random.below(1_500);
    for (const [seq, data] of await writeAndKill(directory.at(), records)) {
      assert(!acknowledged.has(seq), `record ${seq} was acknowledged twice`);
      acknowledged.set(seq, data);
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
