/** The README's section on installing: every line of it is run. */
import { dirname, join } from "@std/path";
import { blocksOf } from "../documents.ts";
import { emptyProject } from "./jsr.ts";
import { ROOT, run, type RunOptions } from "./process.ts";
import { serveRegistry } from "./registry.ts";
import { has, type Output, type Row, same, succeeded, Tally } from "./row.ts";

/** What reads what the README's first program writes. */
const READER = `
import { MiniStore } from "@mini/state/store";
for await (const { seq, data } of MiniStore.replay<{ set: number }>("./data/journal.jsonl")) {
  console.log(seq, data.set);
}`;

/** Runs the lines, in the order in which they stand. */
export async function readme(dir: string): Promise<Row> {
  const tally = new Tally("README", "install");
  await using registry = await serveRegistry();
  const project = await emptyProject(join(dir, "project"), registry);
  const text = await Deno.readTextFile(join(ROOT, "README.md"));
  const blocks = installBlocks(text).map((block) => block.trim().split("\n"));
  const [jsr = [], npm = [], compile = [], sandbox = []] = blocks;
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
    has(outputs[1] ?? "", "1 42");
    has(outputs[2] ?? "", "7 42");
    has(outputs[3] ?? "", "1 42");
  });
  await fromNpm(tally, npm, join(dir, "npm"));
  await asBinary(tally, compile, join(dir, "binary"));
  return tally.row();
}

/** What stands for the shell in the section, block by block. */
export function installBlocks(readme: string): string[] {
  const section = /^## Install\n(.*?)^## /ms.exec(readme)?.[1] ?? "";
  return blocksOf("README.md", section)
    .filter(({ kind }) => kind === "sh").map(({ text }) => text);
}

function firstProgram(readme: string): string {
  return /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? "";
}

function shell(line: string, options: RunOptions): Promise<Output> {
  const path = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
  const env = { ...options.env, PATH: path };
  return run(["sh", "-c", line], { ...options, env });
}

async function fromNpm(
  tally: Tally,
  [build, install]: readonly string[],
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
