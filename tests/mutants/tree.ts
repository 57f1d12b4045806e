/** Copies of the project, in which the source may be made wrong. */
import { copy } from "@std/fs";
import { join } from "@std/path";

/** The files that the tests of the bricks read. */
const COPIED = [
  ..."base fs store snap state queue testing admin inspect otel prometheus jetstream cli"
    .split(
      " ",
    ),
  ..."tests scripts examples docs mod.ts deno.json".split(" "),
];
/** The folders that no mutant changes. */
const LINKED = ["vendor", "node_modules"];
/** A mutant that hangs is one that was noticed. */
const HANG_MS = 120_000;

/** The end of a run of `deno`. */
export interface Run {
  readonly success: boolean;
  readonly output: string;
  readonly isTimeout: boolean;
}

/** Copies of a project, one for each worker; gone when they are disposed of. */
export class Trees implements AsyncDisposable {
  readonly #scratch: string;
  readonly #trees: readonly string[];

  private constructor(scratch: string, trees: readonly string[]) {
    this.#scratch = scratch;
    this.#trees = trees;
  }

  static async copy(
    root: string,
    workers: number,
    names: readonly string[] = COPIED,
  ): Promise<Trees> {
    const scratch = await Deno.makeTempDir({ prefix: "mini-state-mutants-" });
    const trees: string[] = [];
    for (let worker = 0; worker < workers; worker++) {
      const tree = join(scratch, String(worker));
      await Deno.mkdir(tree);
      for (const name of names) await copy(join(root, name), join(tree, name));
      for (const name of LINKED) {
        await Deno.symlink(join(root, name), join(tree, name)).catch(() => {});
      }
      trees.push(tree);
    }
    return new Trees(scratch, trees);
  }

  /** Where the copies are. */
  get paths(): readonly string[] {
    return this.#trees;
  }

  /** Does something in each copy. */
  async all(task: (tree: string) => Promise<void>): Promise<void> {
    await Promise.all(this.#trees.map(task));
  }

  /** Does something with each item, in as many copies at once as there are. */
  async each<T>(
    items: Iterable<T>,
    task: (tree: string, item: T) => Promise<void>,
  ): Promise<void> {
    const left = items[Symbol.iterator]();
    await Promise.all(this.#trees.map(async (tree) => {
      for (let next = left.next(); !next.done; next = left.next()) {
        await task(tree, next.value);
      }
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#scratch, { recursive: true });
  }
}

/** Runs `deno` in a copy, and kills it where it hangs. */
export async function deno(
  tree: string,
  args: string[],
  hangMs: number = HANG_MS,
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: tree,
    // A sampled exploration is to look at the same states every time.
    env: { NO_COLOR: "1", SEED: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isTimeout = false;
  const timer = setTimeout(() => {
    isTimeout = true;
    child.kill("SIGKILL");
  }, hangMs);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, output: text(stdout) + text(stderr), isTimeout };
}

export function say(text: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(text);
}
