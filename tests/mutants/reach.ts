/** The tests that reach a line of the source. */
import { join, toFileUrl } from "@std/path";
import { deno, type Trees } from "./tree.ts";

/** Longer than any file of tests takes, on a busy machine too. */
const HANG_MS = 600_000;

/** Explorations run long, and reach all that they are chosen for: their lines are not recorded. */
export const SLOW: RegExp = /^tests\/(crash|property)\//;

/** A file of tests that passes without a mutant. */
export interface TestFile {
  readonly path: string;
  readonly seconds: number;
  /** The lines of the source that it runs, as `store/store.ts:17`; all of them if `undefined`. */
  readonly lines: ReadonlySet<string> | undefined;
}

/** Runs each file of tests alone, and gives those that pass, those that run the fewest lines first. */
export async function reachOf(
  trees: Trees,
  paths: readonly string[],
): Promise<{ files: TestFile[]; failing: string[] }> {
  const files: TestFile[] = [];
  const failing: string[] = [];
  await trees.each(paths, async (tree, path) => {
    const coverage = join(tree, "coverage", path);
    const start = performance.now();
    const args = ["test", "-A", "--no-check", path];
    const isSlow = SLOW.test(path);
    if (!isSlow) {
      args.push(`--coverage=${coverage}`, "--coverage-raw-data-only");
    }
    const { success } = await deno(tree, args, HANG_MS);
    const seconds = (performance.now() - start) / 1_000;
    if (!success) failing.push(path);
    else {
      const lines = isSlow ? undefined : await linesIn(tree, coverage);
      files.push({ path, seconds, lines });
    }
  });
  const reach = ({ lines }: TestFile) => lines?.size ?? Infinity;
  files.sort((a, b) =>
    a.lines === b.lines ? a.seconds - b.seconds : reach(a) - reach(b)
  );
  return { files, failing };
}

/** The lines that were run, from what was recorded in a directory. */
async function linesIn(tree: string, coverage: string): Promise<Set<string>> {
  const root = toFileUrl(`${tree}/`).href;
  const { output } = await deno(tree, [
    ...["coverage", coverage, "--lcov", `--include=^${root}`],
    `--exclude=^${root}(tests|scripts)/`,
  ]);
  // A line of which a branch was not taken counts as not run; another branch was.
  const isRun = /^(DA|BRDA):.*,[1-9]\d*$/;
  const lines = new Set<string>();
  let path = "";
  for (const entry of output.split("\n")) {
    const [key, value = ""] = entry.split(/:(.*)/);
    if (key === "SF") {
      path = value.slice(tree.length + 1).replaceAll("\\", "/");
    } else if (isRun.test(entry)) {
      lines.add(`${path}:${value.split(",")[0]}`);
    }
  }
  return lines;
}
