import { Random } from "@mini/state/testing";
import { say } from "./report.ts";

/** Runs lives, some at once, each with a seed of its own, which a failure names; prints the sums of what they count. */
export async function runLives<C extends Record<string, number>>(
  live: (random: Random) => Promise<C>,
  { seed, many, atOnce }: {
    readonly seed: number;
    readonly many: number;
    readonly atOnce: number;
  },
): Promise<void> {
  const totals: Record<string, number> = {};
  for (let begin = 0; begin < many; begin += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, async (_, index) => {
      const own = seed + begin + index;
      try {
        for (
          const [name, count] of Object.entries(await live(new Random(own)))
        ) {
          totals[name] = (totals[name] ?? 0) + count;
        }
      } catch (error) {
        throw new Error(`SEED=${own}`, { cause: error });
      }
    }));
  }
  say(`seed ${seed}, ${many} lives: ${JSON.stringify(totals)}`);
}
