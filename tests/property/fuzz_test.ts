// Files and requests that an enemy would make: those that searches have kept, and at night a search for others.
import { assert, assertEquals } from "@std/assert";
import { randomSeed } from "@mini/state/testing";
import { readCorpus } from "../support/fuzz/corpus.ts";
import type { Input } from "../support/fuzz/input.ts";
import { SEEDS } from "../support/fuzz/seeds.ts";
import {
  judge,
  TARGET_NAMES,
  type TargetName,
} from "../support/fuzz/targets.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { denoArgs, run } from "../support/system.ts";

/** Some wait for a second look at a file. */
const AT_ONCE = 16;
const SEARCH_S = size(0, 60);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

for (const name of TARGET_NAMES) {
  Deno.test(`fuzzed ${name}: whatever is given is answered or refused`, async () => {
    const inputs = [...SEEDS[name], ...await readCorpus(name)];
    for (let at = 0; at < inputs.length; at += AT_ONCE) {
      const some = inputs.slice(at, at + AT_ONCE);
      await Promise.all(some.map((input) => judgeOne(name, input)));
    }
    say(`${inputs.length} inputs, 0 violations`);
    if (SEARCH_S > 0) await search(name);
  });
}

async function judgeOne(name: TargetName, input: Input): Promise<void> {
  try {
    await judge(name, input);
  } catch (error) {
    throw new Error(JSON.stringify(input), { cause: error });
  }
}

/** Searches in a process of its own, in which V8 counts the branches. */
async function search(name: string): Promise<void> {
  const args = [name, String(SEARCH_S), String(seed)];
  const { success, stdout, stderr } = await run(
    Deno.execPath(),
    ...denoArgs("fuzz/main.ts", ...args),
  );
  assert(success, stderr);
  const { executions, kept, covered, known, atStart, findings } = JSON.parse(
    stdout,
  );
  say(
    `main.ts ${args.join(" ")}: ${executions} inputs, ${kept} kept, ` +
      `${covered} of ${known} blocks, ${atStart.covered} at the start`,
  );
  assertEquals(findings, []);
}
