/** The runtimes, and how each of them runs the conformance suite. */
import { join } from "@std/path";
import { size } from "../../tests/support/size.ts";
import { once } from "./once.ts";
import { ROOT, run, type RunOptions } from "./process.ts";
import { missing } from "./suite.ts";

/** A runtime that is there. */
export interface Program {
  readonly name: string;
  readonly path: string;
}

/** A runtime, or why there is none. */
export type Found = Program | {
  readonly name: string;
  readonly missing: string;
};

/** Something that runs the conformance suite: a runtime, and the package as it gets it. */
export interface Runtime {
  readonly name: string;
  /** The command for a directory of the suite's own, and a mode of `tests/runtimes/conformance.ts`. */
  command(dir: string, mode?: string): string[];
  readonly options?: RunOptions;
}

export const CONFORMANCE: string = join(ROOT, "tests/runtimes/conformance.ts");

/** The Deno that runs this. */
export const THIS_DENO: Program = {
  name: `Deno ${Deno.version.deno}`,
  path: Deno.execPath(),
};

/** That Deno, with the sources as they are here. */
export const denoSources: Runtime = fromSources(THIS_DENO);

/** A Deno with the sources, and with these permissions. */
export function fromSources(
  { name, path }: Program,
  permissions: readonly string[] = ["-A"],
): Runtime {
  const config = ["--no-prompt", "--config", join(ROOT, "deno.json")];
  const command = [path, "run", ...config, ...permissions, CONFORMANCE];
  return { name, command: (dir, mode = "all") => [...command, dir, mode] };
}

/** The oldest versions that the README names, the newest, and what most have. */
const VERSIONS = {
  Node: ["20.19.0", "22", "24", "26", "latest"],
  Bun: ["1.2.0", "latest"],
  Deno: ["2.7.1", "latest"],
};

/**
 * Finds each version of a runtime, from npm's registry, and the one that is
 * installed, oldest first. Says which cannot be had.
 */
export async function findAll(
  name: "Node" | "Bun" | "Deno",
): Promise<Program[]> {
  const others = await Promise.all(
    VERSIONS[name].map((version) =>
      once(`${name}-${version}`, () => findByNpx(name, version))
    ),
  );
  if (name === "Deno") others.push(THIS_DENO);
  if (name === "Node") others.push(await installedNode());
  const byName = new Map(
    others.map((one) => ["missing" in one ? one.missing : one.name, one]),
  );
  const found = [...byName.values()].flatMap((one) => {
    if ("path" in one) return one;
    missing(one.name, one.missing);
    return [];
  });
  return found.sort((a, b) =>
    a.name.localeCompare(b.name, "en", { numeric: true })
  );
}

/** Those that run every suite: on every change the newest, in the nightly run all. */
export function inDepth(found: readonly Program[]): readonly Program[] {
  return size(found.slice(-1), found);
}

/** The Node that is installed. */
export async function installedNode(): Promise<Found> {
  const print = ["node", "-p", "process.execPath"];
  const { code, stdout, stderr } = await run(print);
  if (code !== 0) return { name: "Node", missing: stderr };
  return await withVersion("Node", stdout);
}

/** Where npm puts a runtime that it has in its registry. */
async function findByNpx(name: string, version: string): Promise<Found> {
  const specifier = `${name.toLowerCase()}@${version}`;
  const evaluate = name === "Deno" ? "eval" : "-e";
  const print = [evaluate, "console.log(process.execPath)"];
  const { code, stdout, stderr } = await run(
    ["npx", "-y", specifier, ...print],
    { timeoutMs: 120_000 },
  );
  if (code === 0) return await withVersion(name, stdout);
  const why = stderr.split("\n").find((line) => !/npm warn/.test(line));
  const missing = `npx ${specifier} failed: ${why ?? `exit ${code}`}`;
  return { name: `${name} ${version}`, missing };
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
