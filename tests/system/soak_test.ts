// Long work on one state: nothing that is used may grow with time.
import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { denoArgs, run, skipped } from "../support/system.ts";

const ROUNDS = size(120, 20_000);
/** So much may come and go with the collector's moods. */
const GROWTH_MIB = 48;

interface Use {
  readonly rssMib: number;
  readonly openFiles: number;
  readonly files: number;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

Deno.test("a state that is opened, written, compacted and closed for long uses no more memory, files and open files", async () => {
  await using directory = new TestDirectory();
  const { success, stdout, stderr } = await run(
    Deno.execPath(),
    ...denoArgs("soak.ts", directory.at("state"), String(ROUNDS)),
  );
  assert(success, stderr);
  const uses: Use[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(uses.length, ROUNDS);
  // In the first third code is compiled, and the heap finds its size.
  const third = Math.floor(ROUNDS / 3);
  const [before, after] = [uses.slice(third, 2 * third), uses.slice(-third)];
  const growth = median(after.map(({ rssMib }) => rssMib)) -
    median(before.map(({ rssMib }) => rssMib));
  const most = (what: "openFiles" | "files", some: readonly Use[]) =>
    Math.max(...some.map((use) => use[what]));
  if (most("openFiles", uses) === 0) {
    skipped("open files", "the system does not tell them");
  }
  say(
    `${ROUNDS} rounds: ${growth.toFixed(1)} MiB more in the last third, ` +
      `${most("openFiles", after)} open files, ${
        most("files", after)
      } files, 0 violations`,
  );
  assert(growth < GROWTH_MIB, `${growth} MiB`);
  assert(most("openFiles", after) <= most("openFiles", before));
  // A round may end with a segment more, as the snapshot happened to fall.
  const usual = (some: readonly Use[]) =>
    median(some.map(({ files }) => files));
  assert(usual(after) <= usual(before));
});
