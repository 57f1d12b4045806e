/** The package as JSR serves it: to Deno, and with `npx jsr add` to Node and Bun. */
import { deepEqual, equal } from "node:assert/strict";
import { after } from "node:test";
import { join } from "@std/path";
import { checkService } from "./example.ts";
import { checkInspect } from "./inspect.ts";
import { inProject, makeProject, runModule } from "./package.ts";
import { ROOT, run, type RunOptions, succeed } from "./process.ts";
import { serveRegistry } from "./registry.ts";
import { size } from "../../tests/support/size.ts";
import { CONFORMANCE, findAll, type Program } from "./runtime.ts";
import { missing, suite, table } from "./suite.ts";
import { conformance, take } from "./suites.ts";
import { compile } from "./types.ts";

/** The program of a consumer: the package and each sub-path, used and typed. */
const consumer = (from: string) => `
import { StateManager } from "${from}";
import { MiniStore } from "${from}/store";
import { SnapStore } from "${from}/snap";
import { StateManager as Same } from "${from}/state";
import { MiniQueue } from "${from}/queue";
import { MemoryFileSystem } from "${from}/testing";
import { verify } from "${from}/admin";

const counter = await StateManager.open("./data/counter", {
  initial: () => ({ value: 0 }),
  apply: (state, op: { by: number }) => { state.value += op.by; },
});
await counter.apply({ by: 10 });
const value: number = counter.state.value;
const store = await MiniStore.open<string>("./data/journal.jsonl");
const seq: number = await store.append("x");
const snaps = new SnapStore<{ a: number }>("./data/snaps");
await snaps.create({ a: 1 }, seq);
const queue = await MiniQueue.open<string>("./data/jobs");
await queue.enqueue("job");
const job: string | undefined = (await queue.receive())?.payload;
const fs = new MemoryFileSystem();
const inMemory = await MiniStore.open<number>("/x.jsonl", { fs });
console.log(value, seq, (await snaps.restore())?.seq, job, await inMemory.append(1), Same === StateManager, (await verify("./data/journal.jsonl")).last);
for (const open of [counter, store, queue, inMemory]) await open.close();
`;

const PRINTS = "10 1 1 job 1 true 1";

const registry = await serveRegistry();
after(() => registry[Symbol.asyncDispose]());

/** A project of Deno's that has no packages yet. */
function empty(dir: string): RunOptions & { readonly cwd: string } {
  const cache = join(dir, ".cache");
  return { cwd: dir, env: { JSR_URL: registry.url, DENO_DIR: cache } };
}

suite("Deno (JSR)", "a consumer", async ({ dir, note }) => {
  const project = empty(dir);
  const main = join(dir, "main.ts");
  await Deno.writeTextFile(main, consumer("jsr:@mini/state"));
  const data = ["--allow-read=./data", "--allow-write=./data"];
  const flags = ["run", "--no-prompt", "--check", ...data];
  const output = await succeed([Deno.execPath(), ...flags, main], project);
  equal(output.stdout, PRINTS);
  const fetched = [...registry.served].filter((path) =>
    !/^\/(@jsr|~)\//.test(path)
  );
  const needed = /^\/@(mini\/state|std\/(path|streams|internal|bytes))\//;
  deepEqual(fetched.filter((path) => !needed.test(path)), []);
  note(`type-checked, ./data only, ${fetched.length} files fetched`);
});

suite("Deno (JSR)", "mini inspect", async ({ dir }) => {
  const at = join(dir, "inspect");
  const flags = ["--no-prompt", `--allow-read=${at}`];
  const net = "--allow-net=127.0.0.1";
  const command = [Deno.execPath(), "run", ...flags, net];
  await checkInspect([...command, "jsr:@mini/state/cli"], at, empty(dir));
});

suite("Deno (JSR)", "conformance", async (context) => {
  const { dir } = context;
  const { version } = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  const imports = { "@mini/state": `jsr:@mini/state@^${version}` };
  const config = join(dir, "deno.json");
  await Deno.writeTextFile(config, JSON.stringify({ imports }));
  const data = join(dir, "data");
  await Deno.mkdir(data);
  const flags = [`--allow-read=${data}`, `--allow-write=${data}`];
  const checked = ["run", "--no-prompt", "--check", "--config", config];
  const command = [Deno.execPath(), ...checked, ...flags, CONFORMANCE, data];
  take(await run(command, empty(dir)), context);
});

const [nodes, buns] = await Promise.all([findAll("Node"), findAll("Bun")]);
await served("npx jsr add", nodes, await jsrAdd());
// What `bunx jsr add` runs, once it has named the registry.
const alias = "@mini/state@npm:@jsr/mini__state";
await served("bunx jsr add", buns, buns[0] && [buns[0].path, "add", alias]);

/** `npx jsr add`, without the shell between, which drops the variable that names our registry. */
async function jsrAdd(): Promise<string[] | undefined> {
  const tools = await Deno.makeTempDir({ prefix: "mini-state-jsr-" });
  after(() => Deno.remove(tools, { recursive: true }));
  const install = ["npm", "install", "--no-audit", "--no-fund", "jsr@0.14"];
  const { code, stderr } = await run([...install, "--prefix", tools]);
  if (code !== 0) {
    missing("npx jsr add", stderr);
    return undefined;
  }
  const jsr = join(tools, "node_modules/jsr/dist/bin.js");
  return ["node", jsr, "add", "--npm", "@mini/state"];
}

/** Installs the package as npm.jsr.io serves it, and registers what is run with it. */
async function served(
  name: string,
  found: readonly Program[],
  add: readonly string[] | undefined,
): Promise<void> {
  if (add === undefined) return;
  const project = await makeProject(async (dir) => {
    const scope = `@jsr:registry=${registry.url}\n`;
    await Deno.writeTextFile(join(dir, ".npmrc"), scope);
    // The environment has the last word, also over what jsr adds to that.
    const { url } = registry;
    const env = { JSR_URL: url, "npm_config_@jsr:registry": url };
    // Bun looks into its cache by name and version alone.
    const cache = { BUN_INSTALL_CACHE_DIR: join(dir, ".bun") };
    await succeed(add, { cwd: dir, env: { ...env, ...cache } });
  });
  // On each change the oldest, since JSR lowers nothing.
  for (const { name, path } of size(found.slice(0, 1), found)) {
    conformance(inProject(project, `${name} (JSR)`, [path]), "all");
  }
  const typed = found.findLast(({ name }) => !/^Node 2[02]\./.test(name));
  if (typed === undefined) return;
  suite(`${typed.name} (JSR)`, "a consumer", async ({ note }) => {
    const text = consumer("@mini/state");
    const file = "consumer.mts";
    equal(await runModule(typed, project, text, { file }), PRINTS);
    await compile(project.dir, { module: "nodenext" }, [file]);
    await checkService(typed, project);
    note(`installed by ${name}`);
  });
}

table();
