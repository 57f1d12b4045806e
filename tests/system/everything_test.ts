// All parts at once, for long: nothing is lost, and nothing that is used grows with time.
import { assert, assertEquals } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import type { Use } from "../support/soak/life.ts";
import { Soak } from "../support/soak/soak.ts";

/** SOAK_S=3600 is an hour. */
const FOR_MS = 1_000 * Number(Deno.env.get("SOAK_S") ?? size(3, 300));
const EVERY_MS = FOR_MS < 60_000 ? 300 : 2_000;
/** Fewer measures than this tell nothing of growth. */
const MIN_MEASURES = 30;
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** So much more may be used in the last third than in the middle third. */
const GROWTH = { heapMib: 2, rssMib: 24, openFiles: 3 };
/** The most that both programs have on the disk: a queue compacts its log once 10,000 of its messages have changed. */
const MOST = { files: 200, kib: 8_000 };

Deno.test("log, state, queue, view, consumer and inspectors work at once, and are killed: nothing is lost, and nothing grows", async () => {
  await using directory = new TestDirectory();
  const random = new Random(seed);
  const soak = new Soak(directory.path, {
    forMs: FOR_MS,
    everyMs: EVERY_MS,
    random,
  });
  await soak.run();
  const { taken, ended, inspected } = soak.counts;
  say(
    `seed ${seed}: ${
      FOR_MS / 1_000
    } s, ${soak.kills} kills, ${taken} appends and mutations, ` +
      `${ended} jobs, ${inspected} requests, none lost, none twice`,
  );
  assert(soak.kills > 0 && taken > 0 && ended > 0 && inspected > 0);
  const most = {
    files: Math.max(...soak.folders.map(({ files }) => files)),
    kib: Math.max(...soak.folders.map(({ kib }) => kib)),
  };
  say(`at most ${most.files} files, ${most.kib.toFixed(0)} KiB`);
  assert(most.files < MOST.files && most.kib < MOST.kib);
  const tooMuch = Object.entries(soak.uses).flatMap(([who, uses]) =>
    uses.length < MIN_MEASURES ? [] : growths(who, uses)
  );
  assertEquals(tooMuch, []);
});

/** The names of what is used more in the last third than in the middle third; in the first, code is compiled, and the heap finds its size. */
function growths(who: string, uses: readonly Use[]): string[] {
  const third = Math.floor(uses.length / 3);
  const names = ["heapMib", "rssMib", "openFiles"] as const;
  return names.filter((name) => {
    const values = uses.map((use) => use[name]);
    const [first, middle, last] = [
      values.slice(0, third),
      values.slice(third, 2 * third),
      values.slice(-third),
    ].map(median) as [number, number, number];
    say(
      `${who}, ${name}: ${first.toFixed(1)}, ${middle.toFixed(1)} and ` +
        `${last.toFixed(1)} in the thirds, at most ` +
        Math.max(...values).toFixed(1),
    );
    return last - middle > GROWTH[name];
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
