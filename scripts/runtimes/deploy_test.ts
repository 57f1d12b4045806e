/**
 * How to install and to deploy, as README.md and docs/OPERATIONS.md have it:
 * every line is run. And the example daemon as one file.
 */
import { equal, match, ok } from "node:assert/strict";
import { after } from "node:test";
import { DELIMITER, dirname, join } from "@std/path";
import { installBlocks } from "../documents.ts";
import {
  type Output,
  ROOT,
  run,
  Running,
  type RunOptions,
  succeed,
} from "./process.ts";
import { serveRegistry } from "./registry.ts";
import { suite, table } from "./suite.ts";

/** A program that reads what the README's first program writes. */
const READER = `
import { MiniStore } from "@mini/state/store";
type Entry = { apply: { by: number } };
for await (const { seq, data } of MiniStore.replay<Entry>("./data/journal.jsonl")) {
  console.log(seq, data.apply.by);
}`;

const DAEMON = join(ROOT, "examples/daemon.ts");
const END = "stop.abort(); //";

/** The reason why the lines cannot be run as they stand. */
const NO_SHELL = Deno.build.os === "windows"
  ? "Windows has no sh, for which the lines are"
  : undefined;

const registry = await serveRegistry();
after(() => registry[Symbol.asyncDispose]());
const readme = await Deno.readTextFile(join(ROOT, "README.md"));
const blocks = (await installBlocks()).map(({ text }) =>
  text.trim().split("\n")
);
const [jsr = [], npm = [], sandbox = [], compile = []] = blocks;

// Each way is there, in two lines.
equal(blocks.map((lines) => lines.length).join(), "2,2,2,2");
match(jsr[0]!, /deno add jsr:@mini\/state/);

suite("README", "from JSR", async ({ dir, note, skip }) => {
  if (NO_SHELL !== undefined) return skip(NO_SHELL);
  const env = { JSR_URL: registry.url, DENO_DIR: join(dir, ".cache") };
  const first = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? "";
  await Deno.writeTextFile(join(dir, "main.ts"), first);
  await Deno.writeTextFile(join(dir, "reader.ts"), READER);
  const wanted = [/^/, /42/, /84/, /1 42/];
  for (const [index, line] of [...jsr, ...sandbox].entries()) {
    match((await shell(line, { cwd: dir, env })).stdout, wanted[index]!);
    note(line);
  }
});

suite("README", "from npm", async ({ dir, note, skip }) => {
  if (NO_SHELL !== undefined) return skip(NO_SHELL);
  const [build, install] = npm as [string, string];
  const found = await run(["npm", "--version"]);
  if (found.code !== 0) return skip(`${build}; ${install}: ${found.stderr}`);
  const tarball = (await shell(build)).stdout.split("\n").at(-1)!;
  await Deno.copyFile(join(ROOT, tarball), join(dir, tarball));
  await Deno.remove(join(ROOT, tarball));
  await Deno.writeTextFile(join(dir, "package.json"), "{}");
  const options = { cwd: dir, env: { npm_config_offline: "true" } };
  await shell(install, options);
  const script = `console.log(typeof require("@mini/state").MiniStore.open)`;
  equal((await succeed(["node", "-e", script], options)).stdout, "function");
  note(`${build}; ${install}`);
  // The worker as it stands, and stopped by a signal.
  const worker = /^```ts\n(import process .*?)^```/ms.exec(readme)?.[1] ?? "";
  ok(worker.includes(END));
  const signal = 'process.kill(process.pid, "SIGTERM"); //';
  for (const text of [worker, worker.replace(END, signal)]) {
    await Deno.writeTextFile(join(dir, "worker.mjs"), text);
    const { stdout } = await succeed(["node", "worker.mjs"], { cwd: dir });
    match(stdout, /ada/);
  }
});

suite("Deno bundle", "daemon", async ({ dir, note }) => {
  const file = join(dir, "daemon.js");
  const flags = ["bundle", "--quiet", "--platform=deno", "-o", file, DAEMON];
  await succeed([Deno.execPath(), ...flags]);
  const alone = ["--no-config", "--no-remote", "--no-npm", "--no-prompt"];
  const data = ["--allow-read=./data", "--allow-write=./data"];
  const command = [Deno.execPath(), "run", ...alone, ...data, file];
  await killAndContinue(command, { cwd: dir });
  note(`${Math.ceil((await Deno.stat(file)).size / 1000)} kB`);
});

suite("Deno compile", "daemon", async ({ dir, note, skip }) => {
  if (NO_SHELL !== undefined) return skip(NO_SHELL);
  const [build, start] = compile as [string, string];
  const built = await shell(build, { timeoutMs: 60_000 }).catch(String);
  if (typeof built === "string") {
    if (!built.includes("denort")) throw new Error(built);
    const why = /error sending request.*/.exec(built)?.[0] ?? "";
    skip(`${build}; ${start}: denort cannot be had (${why})`);
    if (Deno.build.os === "linux") await checkEmbedded();
    return note("embedded files and permissions checked");
  }
  const binary = join(dir, "build/daemon");
  await Deno.mkdir(dirname(binary));
  await Deno.copyFile(join(ROOT, "build/daemon"), binary);
  match((await shell(start, { cwd: dir })).stdout, /1 kitchen 21.5/);
  await Deno.mkdir(join(dir, "killed"));
  await killAndContinue([binary], { cwd: join(dir, "killed") });
  note(`${Math.ceil((await Deno.stat(binary)).size / 1e6)} MB`);
});

table();

/** Runs a line; what `npx -y deno@2.9.6` brings is the very Deno that runs this. */
function shell(text: string, options: RunOptions = {}): Promise<Output> {
  const line = text.replace(/^npx -y deno@\S+/, "deno");
  const path = dirname(Deno.execPath()) + DELIMITER + Deno.env.get("PATH");
  const env = { ...options.env, PATH: path };
  return succeed(["sh", "-c", line], { ...options, env });
}

/** Runs the daemon, kills it, and runs it again. */
async function killAndContinue(
  command: readonly string[],
  options: RunOptions,
): Promise<void> {
  {
    const input = "kitchen 21.5\nkitchen 20\n";
    await using daemon = new Running(command, { ...options, input });
    equal(await daemon.line(), "0 readings (created)");
    await daemon.line();
    match(await daemon.line() ?? "it ended", /2 kitchen 20: 2 readings/);
    await daemon.kill();
  }
  const input = "kitchen 25\n";
  const { stdout } = await succeed(command, { ...options, input });
  const [opened, told] = stdout.split("\n");
  equal(opened, "2 readings (unclean)");
  equal(told, "3 kitchen 25: 3 readings, 20 to 25");
}

/** Any program in place of Deno's own shows what is embedded, and what that may do. */
async function checkEmbedded(): Promise<void> {
  const env = { DENORT_BIN: await Deno.realPath("/bin/true") };
  const task = [Deno.execPath(), "task", "compile"];
  const { stdout, stderr } = await succeed(task, { env });
  for (const name of ["daemon.ts", "deno.ts", "manager.ts", "snap", "store"]) {
    ok((stdout + stderr).includes(name), name);
  }
  const path = join(ROOT, "build/daemon");
  const text = new TextDecoder().decode(await Deno.readFile(path));
  const found = /"permissions":(\{[^}]*\})/.exec(text)?.[1] ?? "{}";
  const { allow_import: _, prompt, ...permissions } = JSON.parse(found);
  equal(prompt, false);
  const allowed = Object.entries(permissions).filter(([, value]) => value);
  equal(
    JSON.stringify(Object.fromEntries(allowed)),
    '{"allow_read":["./data"],"allow_write":["./data"]}',
  );
  await Deno.remove(path);
}
