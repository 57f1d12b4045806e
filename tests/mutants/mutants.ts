/**
 * Tests the tests: makes the source wrong in one way at a time, in a copy, and
 * says whether the test that is named for it notices. `deno task mutants`
 */
import { fromFileUrl, join } from "@std/path";
import { MUTANTS } from "./list.ts";
import type { Mutant } from "./mutant.ts";
import { deno, say, Trees } from "./tree.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));
/** How many run at once. */
const WORKERS = 2;

type Outcome = "killed" | "hangs" | "survived" | "explained" | "broken";

interface Result {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  readonly seconds: number;
  /** Why it is no mutant. */
  readonly problem?: string;
}

/** A named test that was run. */
interface Run {
  readonly verdict: "passed" | "failed" | "hangs" | "did not run";
  readonly seconds: number;
  readonly output: string;
}

const start = performance.now();
const chosen = chooseMutants();
await using trees = await Trees.copy(root, WORKERS);
await checkTests();
const results: Result[] = [];
await trees.each(chosen, async (tree, mutant) => {
  const result = await tryMutant(tree, mutant);
  results.push(result);
  say(line(result));
});
summarize(results);

/** Those that `--only` names, or all. */
function chooseMutants(): readonly Mutant[] {
  const [option, ...names] = Deno.args;
  if (option === undefined) return MUTANTS;
  const all = new Map(MUTANTS.map((mutant) => [mutant.name, mutant]));
  const found = names.flatMap((name) => all.get(name) ?? []);
  const isFine = option === "--only" && names.length > 0 &&
    found.length === names.length;
  if (isFine) return found;
  throw new Error(
    `usage: deno task mutants [--only NAME...]; there are\n  ${
      [...all.keys()].join("\n  ")
    }`,
  );
}

/** A test that fails, or is not there, says nothing of any mutant. */
async function checkTests(): Promise<void> {
  const tests = new Map(
    chosen.map(({ killedBy }) => [
      `${killedBy.file}: ${killedBy.test}`,
      killedBy,
    ]),
  );
  const wrong: string[] = [];
  await trees.each(tests, async (tree, [name, test]) => {
    const { verdict, output } = await runTest(tree, test);
    if (verdict !== "passed") wrong.push(`${name}: ${verdict}\n${output}`);
  });
  if (wrong.length === 0) return;
  throw new Error(`without a mutant:\n${wrong.join("\n")}`);
}

async function tryMutant(tree: string, mutant: Mutant): Promise<Result> {
  const path = join(tree, mutant.file);
  const source = await Deno.readTextFile(path);
  try {
    await Deno.writeTextFile(path, mutate(source, mutant));
    await typeCheck(tree, mutant);
    const { verdict, seconds, output } = await runTest(tree, mutant.killedBy);
    if (verdict === "did not run") {
      throw new Error(`${mutant.name} is no program:\n${output}`);
    }
    return { mutant, outcome: outcomeOf(verdict, mutant), seconds };
  } catch (error) {
    const problem = (error as Error).message;
    return { mutant, outcome: "broken", seconds: 0, problem };
  } finally {
    await Deno.writeTextFile(path, source);
  }
}

function outcomeOf(verdict: Run["verdict"], { equivalent }: Mutant): Outcome {
  if (verdict === "failed") return "killed";
  if (verdict === "hangs") return "hangs";
  return equivalent === undefined ? "survived" : "explained";
}

/** The source with the edits of a mutant, each of which must find its place. */
function mutate(source: string, { name, file, edits }: Mutant): string {
  for (const [old, replacement] of edits) {
    const found = source.split(old).length - 1;
    if (found !== 1) {
      throw new Error(
        `${name} is stale: ${file} has ${found} times\n${old}\nbring tests/mutants/*.ts up to date`,
      );
    }
    source = source.replace(old, () => replacement);
  }
  return source;
}

/** A mutant that no compiler takes would be killed by any test. */
async function typeCheck(tree: string, { name }: Mutant): Promise<void> {
  const { success, output } = await deno(tree, ["check", "mod.ts"]);
  if (!success) throw new Error(`${name} does not compile:\n${output}`);
}

async function runTest(
  tree: string,
  { file, test }: Mutant["killedBy"],
): Promise<Run> {
  const begin = performance.now();
  // All that starts with the name would run as well.
  const escaped = test.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const { output, isTimeout } = await deno(
    tree,
    ["test", "-A", "--no-check", `--filter=/^${escaped}$/`, file],
  );
  const seconds = (performance.now() - begin) / 1_000;
  const passed = output.includes(`${test} ... ok`);
  // What a test prints stands between its name and its verdict.
  const failed = /^FAILED \| 0 passed.*\| 1 failed/m.test(output);
  const verdict = isTimeout
    ? "hangs"
    : passed
    ? "passed"
    : failed && new RegExp(`^${escaped} (\\.\\.\\. .*)?=>`, "m").test(output)
    ? "failed"
    : "did not run";
  return { verdict, seconds, output };
}

function line({ mutant, outcome, seconds, problem }: Result): string {
  const { name, killedBy, equivalent } = mutant;
  const by = problem ??
    (outcome === "explained" ? equivalent : killedBy.test);
  return [
    outcome.padEnd(9),
    name.padEnd(42),
    `${seconds.toFixed(1)} s`.padStart(7),
    ` ${by}`,
  ].join(" ");
}

function summarize(results: readonly Result[]): void {
  const count = (...outcomes: Outcome[]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  // The explanation of a survivor must be true.
  const wrong = results.filter(({ mutant, outcome }) =>
    mutant.equivalent !== undefined && outcome === "killed"
  );
  for (const { mutant } of wrong) {
    say(`${mutant.name} is said to be equivalent, and was killed`);
  }
  const survived = count("survived");
  const explained = count("explained");
  say(`${((performance.now() - start) / 1_000).toFixed(0)} s in all`);
  say(
    `${count("killed", "hangs")} killed, ${
      survived + explained
    } survived (${explained} explained)`,
  );
  const isFine = survived + wrong.length + count("broken") === 0;
  if (!isFine) Deno.exitCode = 1;
}
