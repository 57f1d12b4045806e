/**
 * Tests the tests of what has changed: makes the lines that changed since a commit
 * wrong in every way that a machine can think of, and lists what no test notices.
 * `deno task mutants:changed [--since COMMIT | --all] [--minutes N] [--seed N] [--fast] [--out FILE] [FILE...]`
 *
 * Single tests of the bricks try the mutants first, in processes that hold all of
 * them; then whole files of tests, those of crashes too, try what has survived,
 * but with `--fast`. `--out` adds the outcomes to a file, and leaves out the
 * mutants whose outcomes it holds.
 */
import { parseArgs } from "node:util";
import { Random, randomSeed } from "@mini/state/testing";
import { walk } from "@std/fs";
import { fromFileUrl, join, relative } from "@std/path";
import { EXPLAINED, explains } from "./explained.ts";
import { type Mutation, mutationsIn } from "./generate.ts";
import { tryFast } from "./fast.ts";
import { Outcomes } from "./outcomes.ts";
import { reachOf, SLOW } from "./reach.ts";
import { type Outcome, tryMutations } from "./run.ts";
import { say, Trees } from "./tree.ts";

const WORKERS = 2;

/** The tree without a file: all lines have changed since. */
const NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** The tests that look at a folder of the source, as folders and files. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  base: ["store", "snap", "state", "queue", "cli"],
  fs: [
    "store",
    "snap",
    "queue",
    "admin",
    "cli",
    "testing",
    "crash/power_cut_test.ts",
  ],
  store: ["store", "crash/power_cut_test.ts", "crash/failing_calls_test.ts"],
  snap: ["snap", "crash/snap_test.ts"],
  state: ["state", "crash/state_test.ts", "property/state_test.ts"],
  queue: ["queue", "crash/queue_test.ts", "property/queue_model_test.ts"],
  testing: ["testing"],
  admin: ["admin", "cli"],
  inspect: ["inspect", "cli"],
  jetstream: ["jetstream"],
  cli: ["cli"],
};

/** The lines of each file that a diff without context adds or changes. */
export function changedLines(diff: string): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  let lines = new Set<number>();
  for (const text of diff.split("\n")) {
    const file = /^\+\+\+ b\/(.+)$/.exec(text)?.[1];
    if (file !== undefined) found.set(file, lines = new Set());
    const [, first, count = 1] = /^@@ .*\+(\d+)(?:,(\d+))? @@/.exec(text) ?? [];
    if (first === undefined) continue;
    for (let index = 0; index < Number(count); index++) {
      lines.add(Number(first) + index);
    }
  }
  return found;
}

async function git(root: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args,
    cwd: root,
  }).output();
  const text = new TextDecoder().decode(success ? stdout : stderr).trim();
  if (!success) throw new Error(text);
  return text;
}

/** The mutations of the lines that a diff changes. */
async function findMutations(root: string, diff: string): Promise<Mutation[]> {
  const found: Mutation[] = [];
  for (const [file, lines] of changedLines(diff)) {
    if (!file.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(join(root, file));
    found.push(
      ...mutationsIn(file, source).filter(({ line }) => lines.has(line)),
    );
  }
  return found;
}

async function testsOf(
  root: string,
  mutations: readonly Mutation[],
): Promise<string[]> {
  const places = mutations.flatMap(({ file }) => TESTS[file.split("/")[0]!]!);
  const found: string[] = [];
  for (const place of new Set(places)) {
    if (place.endsWith(".ts")) found.push(`tests/${place}`);
    else {
      for await (const { path } of walk(join(root, "tests", place))) {
        if (path.endsWith("_test.ts")) found.push(relative(root, path));
      }
    }
  }
  return found;
}

function shuffle<T>(items: T[], random: Random): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}

function describe({ mutation, killedBy, passed, of }: Outcome): string {
  const { file, line, what } = mutation;
  const place = `${file}:${line} ${what}`;
  if (killedBy !== undefined) return `killed    ${place}: ${killedBy}`;
  const reason = explanationOf(mutation);
  if (reason !== undefined) return `explained ${place}: ${reason}`;
  const unit = of === "tests" ? "tests in one process" : "files of tests";
  return `survived  ${place}: ${
    passed > 0
      ? `${passed} ${unit} pass`
      : of === "tests"
      ? "it makes no difference in any test in one process"
      : "no test reaches it"
  }`;
}

function explanationOf(mutation: Mutation): string | undefined {
  return EXPLAINED.find((known) => explains(known, mutation))?.why;
}

async function main(root: string): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      since: { type: "string" },
      all: { type: "boolean" },
      minutes: { type: "string", default: "20" },
      seed: { type: "string", default: String(randomSeed()) },
      fast: { type: "boolean", default: false },
      out: { type: "string" },
    },
    allowPositionals: true,
  });
  let since: string;
  let diff: string;
  try {
    since = values.all ? NOTHING : values.since ??
      await git(root, "rev-list", "-1", "--before=1 day ago", "HEAD");
    if (since === "") throw new Error("no commit is older than a day");
    const scope = positionals.length > 0 ? positionals : Object.keys(TESTS);
    diff = await git(root, "diff", "-U0", since, "--", ...scope);
  } catch (error) {
    if (values.since !== undefined) throw error;
    say(`SKIPPED mutants of what changed: ${(error as Error).message}`);
    return;
  }
  const mutations = shuffle(
    await findMutations(root, diff),
    new Random(Number(values.seed)),
  );
  say(`${mutations.length} mutants since ${since}, seed ${values.seed}`);
  if (mutations.length === 0) return;
  const outcomes = await Outcomes.open(values.out);
  await tryAll(root, mutations, outcomes, {
    isFast: values.fast,
    end: performance.now() + Number(values.minutes) * 60_000,
  });
  report(mutations, outcomes);
}

/** Tries what has no outcome yet, first with single tests, then what is left with whole files of them. */
async function tryAll(
  root: string,
  mutations: readonly Mutation[],
  outcomes: Outcomes,
  { isFast, end }: { isFast: boolean; end: number },
): Promise<void> {
  const isTimeUp = () => performance.now() > end;
  const tell = (outcome: Outcome) => {
    outcomes.add(outcome);
    say(describe(outcome));
  };
  const note = (text: string) => say(`not asked: ${text}`);
  await using trees = await Trees.copy(root, WORKERS);
  const untried = mutations.filter((mutation) => !outcomes.of(mutation));
  if (untried.length > 0) {
    const paths = (await testsOf(root, untried))
      .filter((path) => !SLOW.test(path));
    await tryFast(trees, untried, paths, { isTimeUp, tell, note });
  }
  if (isFast || isTimeUp()) return;
  const survivors = mutations.filter((mutation) => {
    const outcome = outcomes.of(mutation);
    return outcome?.killedBy === undefined && outcome?.of !== "files";
  });
  if (survivors.length === 0) return;
  const paths = await testsOf(root, survivors);
  const { files, failing } = await reachOf(trees, paths);
  for (const path of failing) note(`${path} fails without a mutant`);
  await tryMutations(trees, survivors, files, { isTimeUp, tell });
}

function report(mutations: readonly Mutation[], all: Outcomes): void {
  const outcomes = mutations.map((mutation) => all.of(mutation))
    .filter((outcome) => outcome !== undefined);
  const alive = outcomes.filter(({ killedBy }) => killedBy === undefined);
  const survivors = alive.filter(({ mutation }) =>
    explanationOf(mutation) === undefined
  );
  say("");
  for (const line of survivors.map(describe).sort()) say(line);
  say(
    `${outcomes.length - alive.length} killed, ${alive.length} survived (${
      alive.length - survivors.length
    } explained), ${mutations.length - outcomes.length} not tried`,
  );
  if (survivors.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) {
  await main(fromFileUrl(new URL("../../", import.meta.url)));
}
