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

/** Deno, with the sources as they are here. */
export const denoSources: Runtime = {
  name: `Deno ${Deno.version.deno}`,
  command: (dir, mode = "all") => [...denoRun("-A"), CONFORMANCE, dir, mode],
};

/** The same with these permissions, and no others. */
export function denoWith(...permissions: string[]): Runtime {
  return {
    name: denoSources.name,
    command: (
      dir,
      mode = "all",
    ) => [...denoRun(...permissions), CONFORMANCE, dir, mode],
  };
}

function denoRun(...flags: string[]): string[] {
  const config = join(ROOT, "deno.json");
  return [Deno.execPath(), "run", "--no-prompt", "--config", config, ...flags];
}

/** A program that npm's registry has, or why not. */
export type Found = { readonly name: string; readonly path: string } | {
  readonly name: string;
  readonly missing: string;
};

/** Where npm puts a runtime that it has in its registry. */
export async function findByNpx(
  name: string,
  specifier: string,
): Promise<Found> {
  const print = "console.log(process.execPath)";
  const { code, stdout, stderr } = await run(
    ["npx", "-y", specifier, "-e", print],
    { timeoutMs: 60_000 },
  );
  if (code === 0) return await withVersion(name, stdout);
  const why = stderr.split("\n").find((line) => !/npm warn/.test(line));
  return { name, missing: `npx ${specifier} failed: ${why ?? `exit ${code}`}` };
}

/** The Node that is installed. */
export async function findNode(): Promise<Found> {
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
  const version = stdout.replace(/^v/, "");
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (name === "Node" && (major < 20 || (major === 20 && minor < 19))) {
    return { name, missing: `it is ${version}, and 20.19 is needed` };
  }
  return { name: `${name} ${version}`, path };
}
