/** `examples/node_service.mjs`, and the examples of the package's hover texts, as they stand. */
import { equal, match, ok } from "node:assert/strict";
import { pooledMap } from "@std/async/pool";
import { copy, walk } from "@std/fs";
import { join } from "@std/path";
import type { Project } from "./package.ts";
import { ROOT, Running, succeed } from "./process.ts";
import type { Program } from "./runtime.ts";

const AT_A_TIME = 4;

/** The packages of others that examples show. */
const SHOWN = ["croner"];

/** Throws unless the service counts visits across a kill. */
export async function checkService(
  { path }: Program,
  { dir }: Project,
): Promise<void> {
  const file = join(dir, "node_service.mjs");
  await Deno.copyFile(join(ROOT, "examples/node_service.mjs"), file);
  const cwd = await Deno.makeTempDir({ dir, prefix: "service-" });
  for (const visits of [1, 2]) {
    const env = { PORT: "0" };
    await using service = new Running([path, file], { cwd, env });
    const url = await service.line();
    await (await fetch(`${url}home`, { method: "POST" })).text();
    equal(await (await fetch(`${url}home`)).text(), `/home: ${visits}\n`);
    await service.kill();
  }
}

/** Runs every example of the declarations; returns how many there are. */
export async function checkExamples(
  { path }: Program,
  { dir }: Project,
): Promise<number> {
  const seen = new Set<string>();
  const types = join(dir, "node_modules/@mini/state/cjs");
  for await (const { path: declaration } of walk(types)) {
    if (!declaration.endsWith(".d.ts")) continue;
    const text = await Deno.readTextFile(declaration);
    for (const [, code] of text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)) {
      seen.add(code!.replace(/^ *\* ?/gm, ""));
    }
  }
  for (const name of SHOWN) {
    const from = await Deno.realPath(join(ROOT, "node_modules", name));
    await copy(from, join(dir, "node_modules", name));
  }
  const runs = pooledMap(AT_A_TIME, seen, async (code: string) => {
    const cwd = await Deno.makeTempDir({ dir, prefix: "example-" });
    // In place of the temporary directory that the example makes under Deno.
    await Deno.mkdir(join(cwd, "data"));
    await Deno.writeTextFile(join(cwd, "example.mts"), code);
    await succeed([path, "example.mts"], { cwd }).catch((error: Error) => {
      throw new Error(`${code}\n${error.message}`);
    });
  });
  await Array.fromAsync(runs);
  ok(seen.size > 30, `only ${seen.size} examples`);
  return seen.size;
}

/** Throws unless a stack trace names the line of the source. */
export async function checkMap(
  { path }: Program,
  { dir }: Project,
): Promise<void> {
  const file = join(dir, "trace.mjs");
  const script = `import { MiniStore } from "@mini/state";
    await MiniStore.open(process.execPath + "/x").catch((error) => console.log(error.stack));`;
  await Deno.writeTextFile(file, script);
  const command = [path, "--enable-source-maps", file];
  const { stdout } = await succeed(command, { cwd: dir });
  const [, place, line] =
    /jsr\.io\/@mini\/state\/[^/]+\/(\S+):(\d+):\d+/.exec(stdout) ?? [];
  const source = await Deno.readTextFile(join(ROOT, place ?? stdout));
  match(source.split("\n")[Number(line) - 1]!, /new MiniError\(/);
}
