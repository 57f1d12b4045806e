/** The package as JSR would serve it, in a project outside the repository. */
import { join } from "@std/path";
import { ROOT, run } from "./process.ts";
import { checkInspect } from "./inspect.ts";
import { type Registry, serveRegistry } from "./registry.ts";
import { type Row, same, succeeded, Tally } from "./row.ts";
import { CONFORMANCE, type Runtime } from "./runtime.ts";
import { conformance } from "./shared.ts";

/** What a consumer writes: the package and each sub-path, used and typed. */
const CONSUMER = `
import { StateManager } from "jsr:@mini/state";
import { MiniStore } from "jsr:@mini/state/store";
import { SnapStore } from "jsr:@mini/state/snap";
import { StateManager as Same } from "jsr:@mini/state/state";
import { MiniQueue } from "jsr:@mini/state/queue";
import { MemoryFileSystem } from "jsr:@mini/state/testing";

await using counter = await StateManager.open("./data/counter", {
  initial: () => ({ value: 0 }),
  apply: (state, op: { by: number }) => { state.value += op.by; },
});
await counter.apply({ by: 10 });
const value: number = counter.state.value;
await using store = await MiniStore.open<string>("./data/journal.jsonl");
const seq: number = await store.append("x");
const snaps = new SnapStore<{ a: number }>("./data/snaps");
await snaps.create({ a: 1 }, seq);
await using queue = await MiniQueue.open<string>("./data/jobs");
await queue.enqueue("job");
const job: string | undefined = (await queue.receive())?.payload;
const fs = new MemoryFileSystem();
await using inMemory = await MiniStore.open<number>("/x.jsonl", { fs });
console.log(value, seq, (await snaps.restore())?.seq, job, await inMemory.append(1), Same === StateManager);
`;

const DATA = ["--allow-read=./data", "--allow-write=./data"];

/** A project that gets its packages from a registry, and has none of them yet. */
export async function emptyProject(
  dir: string,
  registry: Registry,
): Promise<{ cwd: string; env: Record<string, string> }> {
  await Deno.mkdir(dir, { recursive: true });
  const cache = join(dir, ".cache");
  return { cwd: dir, env: { JSR_URL: registry.url, DENO_DIR: cache } };
}

/** Imports it by its name on JSR, and runs the conformance suite with it. */
export async function jsr(dir: string): Promise<Row[]> {
  await using registry = await serveRegistry();
  const tally = new Tally("JSR (loopback)", "a consumer, type-checked");
  const project = await emptyProject(join(dir, "consumer"), registry);
  await tally.check("each sub-path, with ./data only", async () => {
    const main = join(project.cwd, "main.ts");
    await Deno.writeTextFile(main, CONSUMER);
    const flags = ["run", "--no-prompt", "--check", ...DATA];
    const output = await run([Deno.execPath(), ...flags, main], project);
    same(succeeded(output).stdout, "10 1 1 job 1 true");
  });
  await tally.check("mini inspect, with a module that is not on JSR", () => {
    const at = join(project.cwd, "inspect");
    const flags = [
      "--no-prompt",
      `--allow-read=${at}`,
      "--allow-net=127.0.0.1",
    ];
    const mini = [Deno.execPath(), "run", ...flags, "jsr:@mini/state/cli"];
    return checkInspect(mini, at, project);
  });
  await tally.check("nothing but what it imports is fetched", () => {
    const unknown = [...registry.served].filter((path) =>
      !/^\/@(mini\/state|std\/(path|streams|async|internal|bytes))\//.test(path)
    );
    same(unknown.join(), "");
  });
  tally.note = `${registry.served.size} files served`;
  return [tally.row(), await conformanceFromJsr(join(dir, "suite"), registry)];
}

async function conformanceFromJsr(
  dir: string,
  registry: Registry,
): Promise<Row> {
  const project = await emptyProject(dir, registry);
  const { version } = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  const config = join(dir, "deno.json");
  const imports = { "@mini/state": `jsr:@mini/state@^${version}` };
  await Deno.writeTextFile(config, JSON.stringify({ imports }));
  const data = join(dir, "data");
  const flags = [`--allow-read=${data}`, `--allow-write=${data}`];
  const runtime: Runtime = {
    name: "JSR (loopback)",
    command: (at, mode = "all") => [
      ...[Deno.execPath(), "run", "--no-prompt", "--check", "--config", config],
      ...[...flags, CONFORMANCE, at, mode],
    ],
    options: project,
  };
  return await conformance(runtime, data);
}
