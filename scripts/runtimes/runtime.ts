import { join } from "@std/path";
import { ROOT, run, type RunOptions } from "./process.ts";

/** Something that runs the conformance suite: a runtime, and the package as it gets it. */
export interface Runtime {
  readonly name: string;
  /** The command for a directory that is the suite's own, and a mode of `tests/runtimes/conformance.ts`. */
  command(dir: string, mode?: string): string[];
  readonly options?: RunOptions;
}

export const CONFORMANCE: string = join(ROOT, "tests/runtimes/conformance.ts");

/** The Deno that runs this. */
const THIS_DENO: Program = {
  name: `Deno ${Deno.version.deno}`,
  path: Deno.execPath(),
};

/** Deno, with the sources as they are here. */
export const denoSources: Runtime = fromSources(THIS_DENO);

/** The same with these permissions, and no others. */
export function denoWith(...permissions: string[]): Runtime {
  return fromSources(THIS_DENO, permissions);
}

/** A Deno with the sources. */
export function fromSources(
  { name, path }: Program,
  permissions: readonly string[] = ["-A"],
): Runtime {
  const config = ["--no-prompt", "--config", join(ROOT, "deno.json")];
  return {
    name,
    command: (
      dir,
      mode = "all",
    ) => [path, "run", ...config, ...permissions, CONFORMANCE, dir, mode],
  };
}

/** A program that npm's registry has, or why not. */
export type Found = Program | {
  readonly name: string;
  readonly missing: string;
};

/** A runtime that is there. */
export interface Program {
  readonly name: string;
  readonly path: string;
}

/** Whether it is a Deno, which runs the sources as well. */
export function isDeno({ name }: Found): boolean {
  return name.startsWith("Deno ");
}

/** The oldest that the README names, the newest that there are, and what most have. */
const FROM_NPM: readonly [name: string, specifier: string][] = [
  ["Node", "node@20.19.0"],
  ["Node", "node@22"],
  ["Node", "node@24"],
  ["Node", "node@latest"],
  ["Bun", "bun@1.2.0"],
  ["Bun", "bun@latest"],
  ["Deno", "deno@2.7.1"],
  ["Deno", "deno@latest"],
];

/** All that there are to run the package. */
export interface Runtimes {
  /** The one that is installed. */
  readonly node: Found;
  /** That and all others, each version once. */
  readonly all: readonly Found[];
}

/** Finds what is installed, and what npm's registry has. */
export async function findAll(): Promise<Runtimes> {
  const node = await findNode();
  const others = await Promise.all(
    FROM_NPM.map(([name, specifier]) => findByNpx(name, specifier)),
  );
  const byName = new Map<string, Found>();
  for (const one of [...others, THIS_DENO, node]) {
    byName.set("missing" in one ? one.missing : one.name, one);
  }
  return { node, all: [...byName.values()] };
}

/** Where npm puts a runtime that it has in its registry. */
async function findByNpx(
  name: string,
  specifier: string,
): Promise<Found> {
  const evaluate = name === "Deno" ? "eval" : "-e";
  const print = "console.log(process.execPath)";
  const { code, stdout, stderr } = await run(
    ["npx", "-y", specifier, evaluate, print],
    { timeoutMs: 60_000 },
  );
  if (code === 0) return await withVersion(name, stdout);
  const why = stderr.split("\n").find((line) => !/npm warn/.test(line));
  return { name, missing: `npx ${specifier} failed: ${why ?? `exit ${code}`}` };
}

/** The Node that is installed. */
async function findNode(): Promise<Found> {
  const { code, stdout, stderr } = await run([
    "node",
    "-p",
    "process.execPath",
  ]);
  if (code !== 0) return { name: "Node", missing: stderr };
  return await withVersion("Node", stdout);
}

async function withVersion(name: string, path: string): Promise<Found> {
  const { stdout } = await run([path, "--version"]);
  const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? stdout;
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (name === "Node" && (major < 20 || (major === 20 && minor < 19))) {
    return { name, missing: `it is ${version}, and 20.19 is needed` };
  }
  return { name: `${name} ${version}`, path };
}
