/**
 * Measures the bricks against a floor, and against what users would pick
 * instead, in the same run: `deno task bench`.
 *
 * - `--quick` takes a few minutes;
 * - `--only ID` measures only what has this in its id;
 * - `--growth` measures as well how cost grows with size;
 * - `--seed N` makes the load that comes at a rate come at other times;
 * - `--write` puts the results into `bench/results.json`, in the place of the
 *   same measures before, and the charts, tables and figures made from them into
 *   the documents.
 *
 * What counts is the ratio: absolute numbers drift.
 */
import { parseArgs } from "node:util";
import { join } from "@std/path";
import { findBrowser } from "../tests/support/browser.ts";
import { goals } from "./goals.ts";
import { measureGrowth, printGrowth } from "./growth.ts";
import { EVERYBODY, FLOOR, type Measure, plan, type Who } from "./plan.ts";
import { machine, printFindings, printGoals, say } from "./report.ts";
import { type Findings, sumUp } from "./results.ts";
import { writeDocuments } from "./documents.ts";
import {
  canTrace,
  prepareNode,
  prepareServer,
  syncsIn,
  underDeno,
  underNode,
} from "./spawn.ts";
import type { Result, Task } from "./task.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    write: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
  },
});
const isQuick = options.quick!;
const ROUNDS = isQuick ? 1 : 3;
const scratch = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
// For servers that run as somebody else.
await Deno.chmod(scratch, 0o711);
/** Who cannot be had here. */
const missing = new Set<string>();
let directories = 0;

async function newDirectory(): Promise<string> {
  const dir = join(scratch, String(++directories));
  await Deno.mkdir(dir);
  return dir;
}

function perform(
  { name, isUnderNode }: Who,
  task: Task,
  trace?: string,
): Promise<Result> {
  return isUnderNode
    ? underNode(name, task, trace)
    : underDeno(name, task, undefined, trace);
}

/** As {@linkcode perform}; who fails is named, and asked no more. */
async function attempt(
  who: Who,
  task: Task,
  trace?: string,
): Promise<Result | undefined> {
  if (missing.has(who.name)) return undefined;
  try {
    return await perform(who, task, trace);
  } catch (error) {
    if (who === FLOOR || who.name.startsWith("ours")) throw error;
    missing.add(who.name);
    say(`SKIPPED ${who.name}: ${task.work}: ${(error as Error).message}`);
    return undefined;
  }
}

async function measure(measure: Measure): Promise<Findings> {
  const { task, who, isOfReading = false, isOfSyncs = false } = measure;
  const all = [FLOOR, ...who].filter(({ not }) => !not?.includes(task.work));
  const filled = new Map<string, string>();
  for (const each of isOfReading ? all : []) {
    const dir = await newDirectory();
    filled.set(each.name, dir);
    await attempt(each, { ...task, work: "fill", dir });
  }
  const syncs = isOfSyncs && mayTrace ? await countSyncs(all, task) : undefined;
  const rounds: Map<string, Result>[] = [];
  for (let round = 0; round < (measure.isOnce ? 1 : ROUNDS); round++) {
    const results = new Map<string, Result>();
    for (const each of all) {
      const dir = filled.get(each.name) ?? await newDirectory();
      const result = await attempt(each, { ...task, dir });
      if (result !== undefined) {
        results.set(each.name, { ...result, ...syncs?.get(each.name) });
      }
      if (!isOfReading) await Deno.remove(dir, { recursive: true });
    }
    rounds.push(results);
  }
  for (const dir of filled.values()) {
    await Deno.remove(dir, { recursive: true });
  }
  return sumUp(measure, rounds);
}

const COUNTED_SECONDS = 0.3;

/** The fsyncs of an operation of each, from a round of its own: `strace` takes time. */
async function countSyncs(
  all: readonly Who[],
  task: Measure["task"],
): Promise<Map<string, Result>> {
  const found = new Map<string, Result>();
  const trace = join(scratch, "syncs");
  for (const each of all) {
    const dir = await newDirectory();
    const shorter = { ...task, seconds: COUNTED_SECONDS, dir };
    const result = await attempt(each, shorter, trace);
    if (result !== undefined) {
      const syncs = await syncsIn(trace, result) / result.count!;
      found.set(each.name, { syncs });
    }
    await Deno.remove(dir, { recursive: true });
  }
  return found;
}

say(
  `${machine()}; median of ${ROUNDS} rounds; ratio to the floor, and a second`,
);
await prepareNode(!isQuick).catch((error: Error) => {
  for (const { name } of EVERYBODY.filter(({ isUnderNode }) => isUnderNode)) {
    missing.add(name);
    say(`SKIPPED ${name}: ${error.message}`);
  }
});
for (
  const [server, program] of [["redis-server", "redis-server"], [
    "postgresql",
    "initdb",
  ]] as const
) {
  await prepareServer(server, program).catch((error: Error) =>
    say(`NO ${server}: ${error.message}`)
  );
}
say("SKIPPED honker: npm has no such package");
const mayTrace = await canTrace();
if (!mayTrace) {
  say("SKIPPED the count of fsyncs: there is no strace that works");
}
for (const { name, setting } of [FLOOR, ...EVERYBODY]) {
  say(`  ${name}: ${setting}`);
}
const findings: Findings[] = [];
const browser = await findBrowser();
if ("why" in browser) say(`SKIPPED the page of a log: ${browser.why}`);
for (const each of plan(isQuick, "path" in browser, Number(options.seed))) {
  if (!each.id.includes(options.only!)) continue;
  const found = await measure(each);
  printFindings(found);
  findings.push(found);
}
const reached = goals(findings);
printGoals(reached);
const growth = options.growth ? await measureGrowth(scratch, isQuick) : [];
printGrowth(growth);
await Deno.remove(scratch, { recursive: true });
if (options.write) {
  const parts = { machine: machine(), findings };
  await writeDocuments(growth.length > 0 ? { ...parts, growth } : parts);
}
