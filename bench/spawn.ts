/** Runs tasks in processes of their own. */
import { fromFileUrl, join } from "@std/path";
import type { Result, Task } from "./task.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
const built = join(root, "build", "bench");
/** Packages that npm installs as they are. */
const PACKAGES = {
  "@seald-io/nedb": "4.1.2",
  "bullmq": "6.7.0",
  "classic-level": "3.0.0",
  "ioredis": "5.11.1",
  "lmdb": "3.5.6",
  "lowdb": "7.0.1",
  "pg-boss": "12.38.0",
  "@platformatic/job-queue": "0.5.0",
};
/** Packages that npm compiles first, and those that need them. */
const COMPILED = {
  "better-sqlite3": "12.11.1",
  "liteque": "0.8.0",
  "plainjob": "0.0.14",
};

/** The last line that a task prints, parsed; with `trace`, `strace` writes each sync of the task into that file. */
async function resultOf(
  [program, ...args]: readonly [string, ...string[]],
  options: Deno.CommandOptions,
  trace?: string,
): Promise<Result> {
  const traced = ["-f", "--seccomp-bpf", "-qq", "-ttt", "-e", SYNCS];
  const command = trace === undefined
    ? new Deno.Command(program, { ...options, args })
    : new Deno.Command("strace", {
      ...options,
      args: [...traced, "-o", trace, program, ...args],
    });
  const { success, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) return JSON.parse(text(stdout).split("\n").at(-1)!);
  const lines = text(stderr).split("\n");
  const why = lines.find((line) => /^\w*error\b/i.test(line)) ?? lines.at(-1);
  throw new Error(why ?? "it failed without a word");
}

/** The calls that wait for the disk. */
const SYNCS = "trace=fsync,fdatasync,msync,syncfs,sync";

/** How many there are in a trace, of those that began between two times. */
export async function syncsIn(
  trace: string,
  { from, until }: Result,
): Promise<number> {
  const text = await Deno.readTextFile(trace);
  const times = text.matchAll(/^\d+ +(\d+\.\d+) \w+\(/gm);
  return Array.from(times, ([, time]) => Number(time) * 1000)
    .filter((time) => time >= from! && time < until!).length;
}

/** Whether the machine can trace. */
export async function canTrace(): Promise<boolean> {
  const args = ["-f", "--seccomp-bpf", "-qq", "-e", SYNCS, "true"];
  const ran = await new Deno.Command("strace", { args }).output()
    .catch(() => undefined);
  return ran !== undefined && ran.success;
}

/** Does a task under Deno, with the sources in `tree`. */
export function underDeno(
  name: string,
  task: Task,
  tree: string = root,
  trace?: string,
): Promise<Result> {
  const child = join(tree, "bench", "child.ts");
  const flags = ["-A", "--quiet", "--unstable-kv", "--v8-flags=--expose-gc"];
  const args = ["run", ...flags, child, name, JSON.stringify(task)];
  const env = { NO_COLOR: "1" };
  return resultOf([Deno.execPath(), ...args], { env, cwd: tree }, trace);
}

/** Does a task under Node. */
export function underNode(
  name: string,
  task: Task,
  trace?: string,
): Promise<Result> {
  const child = join(built, "child.mjs");
  const args = ["--expose-gc", child, name, JSON.stringify(task)];
  const env = {
    PATH: [Deno.env.get("PATH"), ...servers].join(":"),
    MINI_STATE_BENCH_POSTGRES: join(built, "postgres"),
  };
  return resultOf(["node", ...args], { env }, trace);
}

/** The folders of the servers that there are. */
const servers: string[] = [];

/** Gets a server from Debian where the system has none. */
export async function prepareServer(
  name: string,
  program: string,
): Promise<void> {
  const script = join(root, "bench", "server.sh");
  const command = new Deno.Command("bash", { args: [script, name, program] });
  const { success, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  servers.push(text(stdout));
}

/** Gets from npm what is measured under Node. What has to be compiled takes minutes, the first time. */
export async function prepareNode(mayCompile: boolean): Promise<void> {
  const isCompiled = await isThere(COMPILED);
  const dependencies = mayCompile || isCompiled
    ? { ...PACKAGES, ...COMPILED }
    : PACKAGES;
  if (!await isThere(dependencies)) {
    await Deno.mkdir(built, { recursive: true });
    const manifest = JSON.stringify({ private: true, dependencies });
    await Deno.writeTextFile(join(built, "package.json"), manifest);
    await run("npm", ["install", "--no-audit", "--no-fund"], built);
  }
  const source = join(root, "bench", "child_node.ts");
  const bundle = join(built, "child.mjs");
  const flags = ["--platform", "deno", "--quiet", "--output", bundle];
  await run(Deno.execPath(), ["bundle", ...flags, source], root);
}

async function isThere(packages: Record<string, string>): Promise<boolean> {
  for (const name of Object.keys(packages)) {
    const found = await Deno.stat(join(built, "node_modules", name))
      .catch(() => undefined);
    if (found === undefined) return false;
  }
  return true;
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<void> {
  const command = new Deno.Command(program, { args: [...args], cwd });
  const { success, stderr } = await command.output();
  if (success) return;
  const [line] = new TextDecoder().decode(stderr).trim().split("\n").slice(-1);
  throw new Error(`${program} ${args[0]}: ${line}`);
}
