/**
 * Tests the tests of what has changed: makes the lines that changed since a commit
 * wrong in every way that a machine can think of, and lists what no test notices.
 * `deno task mutants:changed [--since COMMIT | --all] [--minutes N] [--seed N] [FILE...]`
 */
import { parseArgs } from "node:util";
import { Random, randomSeed } from "@mini/state/testing";
import { walk } from "@std/fs";
import { fromFileUrl, join, relative } from "@std/path";
import { EXPLAINED, explains } from "./explained.ts";
import { type Mutation, mutationsIn } from "./generate.ts";
import { reachOf } from "./reach.ts";
import { type Outcome, tryMutations } from "./run.ts";
import { say, Trees } from "./tree.ts";

const WORKERS = 2;

/** The tree without a file: all lines have changed since. */
const NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** The tests that look at a folder of the source, as folders and files. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  base: ["store", "snap", "state", "queue", "cli"],
  fs: ["store", "snap", "crash/power_cut_test.ts"],
  store: ["store", "crash/power_cut_test.ts", "crash/failing_calls_test.ts"],
  snap: ["snap", "crash/snap_test.ts"],
  state: ["state", "crash/state_test.ts", "property/state_test.ts"],
  queue: ["queue", "crash/queue_test.ts", "property/queue_model_test.ts"],
  testing: ["testing"],
  admin: ["cli"],
  inspect: ["cli"],
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

function describe({ mutation, killedBy, passed }: Outcome): string {
  const { file, line, what } = mutation;
  const place = `${file}:${line} ${what}`;
  if (killedBy !== undefined) return `killed    ${place}: ${killedBy}`;
  const reason = explanationOf(mutation);
  if (reason !== undefined) return `explained ${place}: ${reason}`;
  return `survived  ${place}: ${
    passed === 0 ? "no test reaches it" : `${passed} files of tests pass`
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
  const end = performance.now() + Number(values.minutes) * 60_000;
  const mutations = shuffle(
    await findMutations(root, diff),
    new Random(Number(values.seed)),
  );
  say(`${mutations.length} mutants since ${since}, seed ${values.seed}`);
  if (mutations.length === 0) return;
  await using trees = await Trees.copy(root, WORKERS);
  const { files, failing } = await reachOf(
    trees,
    await testsOf(root, mutations),
  );
  for (const path of failing) say(`not asked: ${path} fails without a mutant`);
  const outcomes: Outcome[] = [];
  await tryMutations(trees, mutations, files, {
    isTimeUp: () => performance.now() > end,
    tell(outcome) {
      outcomes.push(outcome);
      say(describe(outcome));
    },
  });
  report(mutations.length, outcomes);
}

function report(count: number, outcomes: readonly Outcome[]): void {
  const alive = outcomes.filter(({ killedBy }) => killedBy === undefined);
  const survivors = alive.filter(({ mutation }) =>
    explanationOf(mutation) === undefined
  );
  say("");
  for (const line of survivors.map(describe).sort()) say(line);
  say(
    `${outcomes.length - alive.length} killed, ${alive.length} survived (${
      alive.length - survivors.length
    } explained), ${count - outcomes.length} not tried for lack of time`,
  );
  if (survivors.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) {
  await main(fromFileUrl(new URL("../../", import.meta.url)));
}
