/** Runs mutations against the tests that reach them. */
import { join } from "@std/path";
import { mutate, type Mutation } from "./generate.ts";
import type { TestFile } from "./reach.ts";
import { deno, type Trees } from "./tree.ts";

/** The end of a mutation. */
export interface Outcome {
  readonly mutation: Mutation;
  /** The file of tests, or the test, that failed or hung; `undefined` if every one passed. */
  readonly killedBy?: string;
  /** The number of files of tests, or of tests in one process, that passed all the same. */
  readonly passed: number;
  readonly of: "files" | "tests";
}

/** Tries mutations in order until the time is up, and tells each outcome. */
export async function tryMutations(
  trees: Trees,
  mutations: readonly Mutation[],
  tests: readonly TestFile[],
  { isTimeUp = () => false, tell }: {
    isTimeUp?: () => boolean;
    tell: (outcome: Outcome) => void;
  },
): Promise<void> {
  await trees.each(mutations, async (tree, mutation) => {
    if (isTimeUp()) return;
    const path = join(tree, mutation.file);
    const source = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, mutate(source, mutation));
    try {
      tell(await outcomeOf(tree, mutation, tests));
    } finally {
      await Deno.writeTextFile(path, source);
    }
  });
}

async function outcomeOf(
  tree: string,
  mutation: Mutation,
  tests: readonly TestFile[],
): Promise<Outcome> {
  const line = `${mutation.file}:${mutation.line}`;
  const reaching = tests.filter(({ lines }) => lines?.has(line) ?? true);
  for (const [passed, { path, seconds }] of reaching.entries()) {
    const args = ["test", "-A", "--no-check", "--fail-fast", path];
    const { success } = await deno(tree, args, 10_000 + 5_000 * seconds);
    if (!success) return { mutation, killedBy: path, passed, of: "files" };
  }
  return { mutation, passed: reaching.length, of: "files" };
}
