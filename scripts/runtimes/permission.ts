/** Node's own sandbox, its permission model. */
import { equal, match, ok } from "node:assert/strict";
import { size } from "../../tests/support/size.ts";
import { inProject, type Project } from "./package.ts";
import { type Output, run } from "./process.ts";
import { denoSources, type Program, type Runtime } from "./runtime.ts";
import { suite } from "./suite.ts";
import {
  conformance,
  exchange,
  kills,
  locks,
  take,
  threads,
} from "./suites.ts";

/** The version from which on the model has no `fsync`, and the one that stands for those before. */
const WITHOUT_FSYNC = 26;
const USUAL = 24;

/** Registers the suites in the sandbox: on each change for one version, in the nightly run for each. */
export function permissionModel(found: Program, project: Project): void {
  const major = Number(/\d+/.exec(found.name)?.[0]);
  if (major >= WITHOUT_FSYNC) return readsOnly(found, project);
  if (size(major !== USUAL, false)) return;
  suite(`${found.name} --permission`, "conformance", async (context) => {
    const { node, read, write } = sandboxed(found, project, context.dir);
    take(await node("all", read, write), context);
    const without = (await node("open")).stdout;
    ok(without.startsWith("PERMISSION ") && without.includes(read), without);
    const reading = (await node("open", read)).stdout;
    ok(reading.startsWith("PERMISSION ") && reading.includes(write), reading);
    equal((await node("read", read)).stdout, "read 0");
  });
  if (size(true, false)) return;
  const inside = runtimeOf(found, project);
  const node = inProject(project, found.name, [found.path]);
  conformance(inside, "size");
  kills(inside);
  exchange(inside);
  threads(inside, "LOCKED");
  const pairs = [[inside, inside], [inside, node], [node, inside]] as const;
  locks(inside, [...pairs, [denoSources, inside]]);
}

/** Registers that it reads there, and says why it does not write. */
function readsOnly(found: Program, project: Project): void {
  suite(`${found.name} --permission`, "read, not write", async ({ dir }) => {
    const { node, read, write } = sandboxed(found, project, dir);
    const { stdout } = await node("open", read, write);
    match(stdout, /^PERMISSION .*nothing can be made durable/s);
    match(stdout, /run without --permission/);
    equal((await node("read", read)).stdout, "read 0");
  });
}

interface Sandboxed {
  /** The flags that allow the directory. */
  readonly read: string;
  readonly write: string;
  /** Runs a mode of the suite, with flags. */
  node(mode: string, ...flags: string[]): Promise<Output>;
}

function sandboxed(
  found: Program,
  project: Project,
  data: string,
): Sandboxed {
  const { dir, conformance } = project;
  const command = sandbox(found, project);
  return {
    read: `--allow-fs-read=${data}`,
    write: `--allow-fs-write=${data}`,
    node: (mode, ...flags) =>
      run([...command, ...flags, conformance, data, mode], { cwd: dir }),
  };
}

/** Node in the sandbox, which reads its own code. */
function sandbox({ name, path }: Program, { dir }: Project): string[] {
  const flag = name.startsWith("Node 20.")
    ? "--experimental-permission"
    : "--permission";
  return [path, flag, `--allow-fs-read=${dir}`];
}

/** The suite in the sandbox with everything that a writer needs to see which other processes live. */
function runtimeOf(found: Program, project: Project): Runtime {
  const { dir, conformance } = project;
  const command = [...sandbox(found, project), "--allow-worker"];
  return {
    name: `${found.name} --permission`,
    command: (at, mode = "all") => [
      ...command,
      ...["/proc", at].map((path) => `--allow-fs-read=${path}`),
      `--allow-fs-write=${at}`,
      conformance,
      at,
      mode,
    ],
    options: { cwd: dir },
  };
}
