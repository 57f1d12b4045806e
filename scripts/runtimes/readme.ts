/** How to install and to deploy, as README.md and docs/OPERATIONS.md have it: every line is run. */
import { dirname, join } from "@std/path";
import { type Block, blocksOf } from "../documents.ts";
import { emptyProject } from "./jsr.ts";
import { ROOT, run, type RunOptions } from "./process.ts";
import { serveRegistry } from "./registry.ts";
import { has, type Output, type Row, same, succeeded, Tally } from "./row.ts";

/** What reads what the README's first program writes. */
const READER = `
import { MiniStore } from "@mini/state/store";
type Entry = { apply: { by: number } };
for await (const { seq, data } of MiniStore.replay<Entry>("./data/journal.jsonl")) {
  console.log(seq, data.apply.by);
}`;

/** The sections whose commands are run, and by what they are found. */
const SECTIONS: readonly [document: string, heading: string][] = [
  ["README.md", "Install"],
  ["docs/OPERATIONS.md", "Deploying"],
];

/** Runs the lines, in the order in which they stand. */
export async function readme(dir: string): Promise<Row> {
  const tally = new Tally("README", "install");
  await using registry = await serveRegistry();
  const project = await emptyProject(join(dir, "project"), registry);
  const text = await Deno.readTextFile(join(ROOT, "README.md"));
  const blocks = (await installBlocks()).map(({ text }) =>
    text.trim().split("\n")
  );
  const [jsr = [], npm = [], sandbox = [], compile = []] = blocks;
  await tally.check("each way is there, in two lines", () => {
    same(blocks.map((lines) => lines.length).join(), "2,2,2,2");
    has(jsr[0]!, "deno add jsr:@mini/state");
  });
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(project.cwd, name), text);
  await write("main.ts", firstProgram(text));
  await write("reader.ts", READER);
  const outputs: string[] = [];
  for (const line of [...jsr, ...sandbox]) {
    await tally.check(line, async () => {
      outputs.push(succeeded(await shell(line, project)).stdout);
    });
  }
  await tally.check("they print what they should", () => {
    has(outputs[1] ?? "", "42");
    has(outputs[2] ?? "", "84");
    has(outputs[3] ?? "", "1 42");
  });
  await fromNpm(tally, npm, nodeProgram(text), join(dir, "npm"));
  await asBinary(tally, compile, join(dir, "binary"));
  return tally.row();
}

/** The commands of those sections, block by block. */
export async function installBlocks(): Promise<Block[]> {
  const found: Block[] = [];
  for (const [document, heading] of SECTIONS) {
    const text = await Deno.readTextFile(join(ROOT, document));
    const section = new RegExp(`^## ${heading}\n(.*?)^## `, "ms").exec(text);
    found.push(...blocksOf(document, section?.[1] ?? ""));
  }
  return found.filter(({ kind }) => kind === "sh");
}

/** The worker that is to run under Node as it stands. */
function nodeProgram(readme: string): string {
  return /^```ts\n(import process .*?)^```/ms.exec(readme)?.[1] ?? "";
}

function firstProgram(readme: string): string {
  return /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? "";
}

/** Runs a line; what `npx -y deno@2.9.6` brings is the very Deno that runs this. */
function shell(text: string, options: RunOptions): Promise<Output> {
  const line = text.replace(/^npx -y deno@\S+/, "deno");
  const path = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
  const env = { ...options.env, PATH: path };
  return run(["sh", "-c", line], { ...options, env });
}

async function fromNpm(
  tally: Tally,
  [build, install]: readonly string[],
  program: string,
  dir: string,
): Promise<void> {
  const npm = await run(["npm", "--version"]);
  if (npm.code !== 0) return tally.skip(`${build}; ${install}: ${npm.stderr}`);
  await Deno.mkdir(dir, { recursive: true });
  const cwd = { cwd: dir, env: { npm_config_offline: "true" } };
  await tally.check(build!, async () => {
    const { stdout } = succeeded(await shell(build!, { cwd: ROOT }));
    const tarball = stdout.split("\n").at(-1)!;
    await Deno.copyFile(join(ROOT, tarball), join(dir, tarball));
    await Deno.remove(join(ROOT, tarball));
  });
  await tally.check(install!, async () => {
    await Deno.writeTextFile(join(dir, "package.json"), "{}");
    succeeded(await shell(install!, cwd));
    const script = `console.log(typeof require("@mini/state").MiniStore.open)`;
    const output = succeeded(await run(["node", "-e", script], cwd));
    same(output.stdout, "function");
  });
  await checkWorker(tally, program, dir);
}

/** The worker as it stands, and stopped by a signal. */
async function checkWorker(
  tally: Tally,
  program: string,
  cwd: string,
): Promise<void> {
  const END = "stop.abort(); //";
  const signalled = program.replace(
    END,
    'process.kill(process.pid, "SIGTERM"); //',
  );
  const worker = async (text: string) => {
    await Deno.writeTextFile(join(cwd, "worker.mjs"), text);
    const output = await run(["node", "worker.mjs"], { cwd });
    has(succeeded(output).stdout, "ada");
  };
  await tally.check("the worker, under Node", () => worker(program));
  await tally.check("the worker ends on SIGTERM", async () => {
    has(program, END);
    await worker(signalled);
  });
}

async function asBinary(
  tally: Tally,
  [compile, start]: readonly string[],
  dir: string,
): Promise<void> {
  const built = await shell(compile!, { cwd: ROOT });
  if (built.code !== 0 && /denort/.test(built.stderr)) {
    return tally.skip(`${compile}; ${start}: denort cannot be had`);
  }
  await tally.check(compile!, () => void succeeded(built));
  await tally.check(start!, async () => {
    await Deno.mkdir(join(dir, "build"), { recursive: true });
    const binary = "build/daemon";
    await Deno.copyFile(join(ROOT, binary), join(dir, binary));
    const { stdout } = succeeded(await shell(start!, { cwd: dir }));
    has(stdout, "1 kitchen 21.5");
  });
}
