/** The npm package, built, packed and installed in a project of its own. */
import { copy, ensureDir } from "@std/fs";
import { basename, dirname, join, relative } from "@std/path";
import { isDntThere } from "../npm/dnt.ts";
import { once } from "./once.ts";
import { ROOT, type RunOptions, succeed } from "./process.ts";
import { CONFORMANCE, type Program, type Runtime } from "./runtime.ts";
import { missing } from "./suite.ts";

/** A tool that builds the package. */
export type Tool = "bundle" | "dnt";

/** A project that has the package installed. */
export interface Project {
  readonly dir: string;
  /** The conformance suite as one module that imports the package. */
  readonly conformance: string;
}

/** A project with what `npm pack` has made. */
export interface PackedProject extends Project {
  readonly tarball: string;
  readonly packedBytes: number;
}

/** Whatever can build the package here. */
export async function tools(): Promise<Tool[]> {
  if (await isDntThere()) return ["bundle", "dnt"];
  missing(
    "npm (dnt)",
    "JSR does not answer, and has dnt; `deno bundle` builds",
  );
  return ["bundle"];
}

/** An empty project, in which something is installed. It is removed with the process. */
export async function makeProject(
  install: (dir: string) => Promise<unknown>,
): Promise<Project> {
  return await fill(await makeFolder(), install);
}

/** A folder that is removed with the process. */
async function makeFolder(): Promise<string> {
  const made = await Deno.makeTempDir({ prefix: "mini-state-project-" });
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(made, { recursive: true }),
  );
  return await Deno.realPath(made);
}

async function fill(
  dir: string,
  install: (dir: string) => Promise<unknown>,
): Promise<Project> {
  const consumer = { name: "consumer", private: true, type: "module" };
  await Deno.writeTextFile(join(dir, "package.json"), JSON.stringify(consumer));
  await install(dir);
  const conformance = join(dir, "conformance.mjs");
  const external = ["--external=@mini/state", "--external=@mini/state/*"];
  const flags = ["--quiet", "--platform=deno", ...external, "-o", conformance];
  await succeed([Deno.execPath(), "bundle", ...flags, CONFORMANCE]);
  return { dir, conformance };
}

/** Installs the package in a project of the caller's own; it is built and packed once. */
export async function installPackage(tool: Tool): Promise<PackedProject> {
  const made = await once(`npm-${tool}`, (dir) => build(tool, dir));
  const dir = await makeFolder();
  await copy(made.dir, dir, { overwrite: true });
  const here = (path: string) => join(dir, relative(made.dir, path));
  const { conformance, tarball, packedBytes } = made;
  return {
    dir,
    conformance: here(conformance),
    tarball: here(tarball),
    packedBytes,
  };
}

/** Builds, packs and installs the package. */
async function build(tool: Tool, dir: string): Promise<PackedProject> {
  const built = join(dir, "built");
  const build = join(ROOT, "scripts/build_npm.ts");
  await succeed([Deno.execPath(), "run", "-A", build, tool, built]);
  const { stdout } = await succeed(["npm", "pack", built, "--json"], {
    cwd: dir,
  });
  await Deno.remove(built, { recursive: true });
  const [{ filename, size: packedBytes }] = JSON.parse(stdout);
  const tarball = join(dir, basename(filename));
  const project = await fill(dir, async () => {
    const flags = ["--no-audit", "--no-fund", "--offline"];
    await succeed(["npm", "install", ...flags, tarball], { cwd: dir });
    await copyPeers(join(dir, "node_modules"));
  });
  return { ...project, tarball, packedBytes };
}

/** Puts the clients of NATS beside the package, with what they need: nothing is fetched here. */
async function copyPeers(to: string): Promise<void> {
  const from = join(ROOT, "node_modules/.deno");
  for await (const { name } of Deno.readDir(from)) {
    const found = /^(@nats-io\+[\w-]+|tweetnacl)@/.exec(name);
    if (found === null) continue;
    const path = join("node_modules", found[1]!.replace("+", "/"));
    const target = join(to, "..", path);
    await ensureDir(dirname(target));
    await copy(join(from, name, path), target);
  }
}

/** A runtime that runs the suite with what the project has installed. */
export function inProject(
  { dir, conformance }: Project,
  name: string,
  program: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Runtime {
  return {
    name,
    command: (at, mode = "all") => [...program, conformance, at, mode],
    options: { cwd: dir, env },
  };
}

/** Runs a module in the project, and returns what it prints. */
export async function runModule(
  { path }: Program,
  { dir }: Project,
  text: string,
  options: RunOptions & { readonly file: string },
): Promise<string> {
  const file = join(dir, options.file);
  await Deno.writeTextFile(file, text);
  const { stdout } = await succeed([path, file], { cwd: dir, ...options });
  return stdout;
}
