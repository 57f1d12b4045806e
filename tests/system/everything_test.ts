// All parts at once, for long: nothing is lost, and nothing that is used grows with time.
import { assert } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { Soak } from "../support/soak/soak.ts";

/** SOAK_S=3600 is an hour. */
const FOR_MS = 1_000 * Number(Deno.env.get("SOAK_S") ?? size(3, 300));
const EVERY_MS = FOR_MS < 60_000 ? 300 : 2_000;
/** Fewer measures than this tell nothing of growth. */
const MIN_MEASURES = 30;
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** So much more may be used in the last third than in the middle third. */
const GROWTH = {
  heapMib: 2,
  rssMib: 24,
  openFiles: 3,
  files: 2,
  kib: 200,
};

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
  const grown = growths(soak).filter((line) => line.isTooMuch);
  assert(grown.length === 0, JSON.stringify(grown));
});

interface Growth {
  readonly of: string;
  readonly more: number;
  readonly isTooMuch: boolean;
}

/** How much more is used in the last third than in the middle third; in the first, code is compiled, and the heap finds its size. */
function growths({ uses, folders }: Soak): Growth[] {
  const all: [string, readonly object[]][] = [
    ...Object.entries(uses),
    ["folders", folders],
  ];
  return all.flatMap(([who, some]) => {
    const third = Math.floor(some.length / 3);
    if (some.length < MIN_MEASURES) return [];
    const measures = some as readonly Record<string, number>[];
    return Object.keys(measures[0]!).map((what) => {
      const values = measures.map((one) => one[what]!);
      const before = median(values.slice(third, 2 * third));
      const after = median(values.slice(-third));
      const more = after - before;
      say(
        `${who}, ${what}: ${median(values.slice(0, third)).toFixed(1)}, ` +
          `${before.toFixed(1)}, ${after.toFixed(1)} in the thirds, ` +
          `at most ${Math.max(...values).toFixed(1)}`,
      );
      const limit = GROWTH[what as keyof typeof GROWTH];
      return { of: `${who}, ${what}`, more, isTooMuch: more > limit };
    });
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
