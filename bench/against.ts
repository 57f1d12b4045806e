/**
 * Compares what the work of today's source costs with what it cost at another
 * commit: `deno task bench:against REF`. Both do as much of each task in turn,
 * in processes of their own, so that what else the machine does disturbs both.
 *
 * - `--rounds N` measures so often;
 * - `--only ID,ID` measures only what has one of these in its id;
 * - `--observed` lets today's source tell a subscriber all that it can;
 * - `--write` puts what was found into `bench/results.json`, and from there into
 *   the documents.
 */
import { parseArgs } from "node:util";
import { fromFileUrl, join } from "@std/path";
import { writeDocuments } from "./documents.ts";
import { STATE } from "./ours.ts";
import { type Measure, plan } from "./plan.ts";
import { machine, say } from "./report.ts";
import type { Comparison } from "./results.ts";
import { underDeno } from "./spawn.ts";
import type { Result } from "./task.ts";

const { values: options, positionals: [ref] } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    only: { type: "string", default: "" },
    observed: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
if (ref === undefined) throw new TypeError("which commit? bench:against REF");
const ROUNDS = Number(options.rounds);
/** Records enough for opening them to take most of the time. */
const READ_COUNT = 200_000;
/** The operations of a measure by its callers: for a second or two, since the first ones run code that is not compiled yet. */
const OPERATIONS: Readonly<Record<number, number>> = {
  1: 3_000,
  8: 8_000,
  64: 40_000,
  1_024: 150_000,
};
/** The files that measure the other commit too: all but those that call the package. */
const HARNESS =
  "child contender floor load logs our_snapshot queues record results run_task server_queues servers task work"
    .split(" ");

const root = fromFileUrl(new URL("../", import.meta.url));
const scratch = await Deno.makeTempDir({ prefix: "mini-state-against-" });
const other = join(scratch, "other");
let directories = 0;

async function git(...args: string[]): Promise<string> {
  const command = new Deno.Command("git", { args, cwd: root });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

/** The source of the contenders of the other commit. */
async function theirs(): Promise<string> {
  return await Deno.readTextFile(join(other, "bench", "ours.ts"));
}

async function checkOut(): Promise<void> {
  await git("worktree", "add", "--detach", other, ref!);
  for (const name of ["vendor", "node_modules"]) {
    const from = join(root, name);
    const isThere = await Deno.stat(from).catch(() => undefined);
    if (isThere) await Deno.symlink(from, join(other, name));
  }
  for (const name of HARNESS) {
    const file = join("bench", `${name}.ts`);
    await Deno.copyFile(join(root, file), join(other, file));
  }
}

/** Our own part in each measure that knows its CPU time. */
function ours(): { measure: Measure; who: string }[] {
  const measures = plan(true, false);
  return [...measures, ...measures.flatMap(ofState)]
    .filter(({ id }) =>
      !/^(latency|view|load|serve)/.test(id) &&
      options.only!.split(",").some((part) => id.includes(part))
    )
    .flatMap((measure) =>
      measure.who
        .filter(({ name }) => name.startsWith("ours"))
        .map(({ name }) => ({ measure, who: name }))
    );
}

/** The work that a log does, done by a state. */
function ofState({ id, task }: Measure): Measure[] {
  const [work, callers] = id.split("-");
  if (work !== "append") return [];
  const what = `a state: apply, callers: ${callers}`;
  const { name, setting, isDurable } = STATE;
  const who = [{ name, setting, isDurable, isUnderNode: false }];
  return [{ id: `apply-${callers}`, what, task, who }];
}

/** The work of both: as many operations of each, so that they make as many snapshots too. */
function taskOf({ id, task }: Measure): Measure["task"] {
  if (id === "read") return { ...task, count: READ_COUNT };
  const { callers } = task;
  const operations = OPERATIONS[callers]!;
  const count = id.startsWith("drain")
    ? 2 * (operations + callers)
    : task.count;
  return { ...task, count, operations };
}

async function compare(measure: Measure, who: string): Promise<Comparison> {
  const { isOfReading = false } = measure;
  const task = taskOf(measure);
  // The plan's own may be of another number.
  const what = measure.id === "read"
    ? `opening ${READ_COUNT.toLocaleString("en")} records of 100,000 keys`
    : measure.what;
  const newDirectory = async () => {
    const dir = join(scratch, String(++directories));
    await Deno.mkdir(dir);
    return dir;
  };
  const trees = await Promise.all([other, root].map(async (tree) => {
    if (!isOfReading) return { tree };
    const dir = await newDirectory();
    await underDeno(who, { ...task, work: "fill", dir }, tree);
    return { tree, dir };
  }));
  const measured = async ({ tree, dir }: { tree: string; dir?: string }) => {
    const place = dir ?? await newDirectory();
    const isObserved = options.observed! && tree === root;
    const work = { ...task, dir: place, isObserved };
    const { cpuUs } = await underDeno(who, work, tree);
    if (dir === undefined) await Deno.remove(place, { recursive: true });
    return { tree, cpuUs: cpuUs! };
  };
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Who comes second finds a warmer machine.
    const order = round % 2 === 0 ? trees : trees.toReversed();
    const found: Result = {};
    for (const each of order) {
      const { tree, cpuUs } = await measured(each);
      found[tree] = cpuUs;
    }
    ratios.push(found[other]! / found[root]!);
  }
  ratios.sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(ROUNDS * part)]!;
  const quartiles = [at(0.25), at(0.75)] as const;
  return { what, who, rounds: ROUNDS, median: at(0.5), quartiles };
}

try {
  await checkOut();
  const commit = await git("rev-parse", "--short", ref);
  const today = options.observed ? "today, observed" : "today";
  say(`${machine()}; CPU time at ${commit}, by that of ${today}`);
  const comparisons: Comparison[] = [];
  const known = await theirs();
  for (const { measure, who } of ours()) {
    if (!known.includes(`"${who}"`)) continue;
    const found = await compare(measure, who);
    comparisons.push(found);
    const [first, last] = found.quartiles.map((ratio) => ratio.toFixed(2));
    const median = found.median.toFixed(2);
    say(`  ${median} (${first} to ${last})  ${found.what}: ${who}`);
  }
  if (options.write) {
    const found = { machine: machine(), commit, comparisons };
    await writeDocuments(
      options.observed ? { observed: found } : { against: found },
    );
  }
} finally {
  await git("worktree", "remove", "--force", other).catch(() => {});
  await Deno.remove(scratch, { recursive: true });
}
