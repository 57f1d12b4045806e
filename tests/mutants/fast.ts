/** Tries mutations in processes that hold all of them, each with the single tests that reach it. */
import { join } from "@std/path";
import type { Mutation } from "./generate.ts";
import { Host } from "./hosts.ts";
import type { Outcome } from "./run.ts";
import { switched } from "./switch.ts";
import type { Trees } from "./tree.ts";

/** Loading a file of tests, or running a test without a mutant, takes no longer. */
const LIMIT_MS = 60_000;
/** The time that a test may take beyond ten times that without a mutant. */
const SPARE_MS = 1_000;
const SLOWER = 10;
/** The tests that a process runs before another takes its place. */
const MAX_AGE = 3_000;

/** A test that passes beside all others in one process. */
interface Test {
  readonly path: string;
  readonly test: number;
  readonly name: string;
  readonly ms: number;
  /** The number of mutations that it reaches. */
  readonly reach: number;
  /** The number of mutants that it has killed, by the file of the source. */
  readonly kills: Map<string, number>;
}

/** Tries mutations until the time is up, and tells each outcome; not of those that run while a file is loaded. */
export async function tryFast(
  trees: Trees,
  mutations: readonly Mutation[],
  paths: readonly string[],
  { isTimeUp, tell, note }: {
    isTimeUp: () => boolean;
    tell: (outcome: Outcome) => void;
    note: (text: string) => void;
  },
): Promise<void> {
  const ids = new Map(mutations.map((mutation, at) => [mutation, at + 1]));
  const sources = await switchSources(trees, ids);
  const hosts = new Hosts(trees, mutations.length);
  try {
    const { reaching, loading } = await record(trees, hosts, paths, note);
    await trees.each(mutations, async (tree, mutation) => {
      const mutant = ids.get(mutation)!;
      if (isTimeUp() || loading.has(mutant)) return;
      const tests = bestFirst(reaching.get(mutant) ?? [], mutation.file);
      tell(await outcomeOf(hosts.of(tree), mutation, mutant, tests));
    });
    if (loading.size > 0) {
      note(`${loading.size} mutants are left out: they run while a file loads`);
    }
  } finally {
    await hosts[Symbol.asyncDispose]();
    await sources[Symbol.asyncDispose]();
  }
}

/** Puts the mutations into the sources of each tree, until it is disposed. */
async function switchSources(
  trees: Trees,
  ids: ReadonlyMap<Mutation, number>,
): Promise<AsyncDisposable> {
  const originals = new Map<string, string>();
  const files = Map.groupBy(ids, ([{ file }]) => file);
  for (const [file, found] of files) {
    const inOrder = found.map(([mutation, id]) => [id, mutation] as const)
      .sort(([, a], [, b]) => a.start - b.start || b.end - a.end);
    await trees.all(async (tree) => {
      const source = await Deno.readTextFile(join(tree, file));
      originals.set(file, source);
      await Deno.writeTextFile(join(tree, file), switched(source, inOrder));
    });
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const [file, source] of originals) {
        await trees.all((tree) => Deno.writeTextFile(join(tree, file), source));
      }
    },
  };
}

/** The process of each tree. */
class Hosts implements AsyncDisposable {
  readonly #hosts = new Map<string, Host>();

  constructor(trees: Trees, count: number) {
    for (const tree of trees.paths) {
      this.#hosts.set(tree, new Host(tree, count));
    }
  }

  of(tree: string): Host {
    return this.#hosts.get(tree)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) await host.restart();
  }
}

/** Runs every test without a mutant, and gives those that reach each mutation. */
async function record(
  trees: Trees,
  hosts: Hosts,
  paths: readonly string[],
  note: (text: string) => void,
): Promise<{ reaching: Map<number, Test[]>; loading: Set<number> }> {
  const reaching = new Map<number, Test[]>();
  const loading = new Set<number>();
  const limitMs = LIMIT_MS;
  await trees.each(paths, async (tree, path) => {
    const host = hosts.of(tree);
    const file = await host.ask({ path, limitMs });
    for (const id of file.hits) loading.add(id);
    if (file.failure !== undefined) note(`${path}: ${file.failure}`);
    for (const [test, name] of file.names.entries()) {
      if (name === null) continue;
      const { failure, ms, hits } = await host.ask({ path, test, limitMs });
      if (failure !== undefined) {
        note(`${path} "${name}": ${failure}`);
        await host.restart();
        await host.ask({ path, limitMs });
        continue;
      }
      const reach = hits.length;
      const known = { path, test, name, ms, reach, kills: new Map() };
      for (const id of hits) {
        if (!reaching.has(id)) reaching.set(id, []);
        reaching.get(id)!.push(known);
      }
    }
  });
  return { reaching, loading };
}

/** The short tests of little first, and those that have killed mutants of the same file. */
function bestFirst(tests: readonly Test[], file: string): Test[] {
  const cost = ({ ms, reach, kills }: Test) =>
    ms * reach / (1 + (kills.get(file) ?? 0)) ** 2;
  return tests.toSorted((a, b) => cost(a) - cost(b));
}

/** Runs tests with a mutant until one fails. */
async function outcomeOf(
  host: Host,
  mutation: Mutation,
  mutant: number,
  tests: readonly Test[],
): Promise<Outcome> {
  for (const [passed, test] of tests.entries()) {
    const failure = await failureOf(host, mutant, test);
    if (failure === undefined) continue;
    const { path, name, kills } = test;
    kills.set(mutation.file, (kills.get(mutation.file) ?? 0) + 1);
    const killedBy = `${path} "${name}": ${failure}`;
    return { mutation, killedBy, passed, of: "tests" };
  }
  return { mutation, passed: tests.length, of: "tests" };
}

/** Gives the way in which a mutant makes a test fail; `undefined` if it does not. */
async function failureOf(
  host: Host,
  mutant: number,
  { path, test, ms }: Test,
): Promise<string | undefined> {
  const limitMs = SPARE_MS + SLOWER * ms;
  const run = async (mutant: number) => {
    if (!host.files.has(path)) await host.ask({ path, limitMs: LIMIT_MS });
    return (await host.ask({ path, test, mutant, limitMs })).failure;
  };
  if (host.age > MAX_AGE) await host.restart();
  if (await run(mutant) === undefined) return undefined;
  // What an earlier test has left behind may be the reason.
  if (await run(0) !== undefined) {
    await host.restart();
    if (await run(0) !== undefined) return undefined;
  }
  return await run(mutant);
}
