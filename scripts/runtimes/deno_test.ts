/** Deno, with the sources as they are here: each version, a full disk, a sandbox. */
import { equal, ok } from "node:assert/strict";
import { basename, dirname, join } from "@std/path";
import { jetStreamFromSources } from "./jetstream.ts";
import { run, type RunOptions, succeed } from "./process.ts";
import {
  denoSources,
  findAll,
  fromSources,
  inDepth,
  type Runtime,
  THIS_DENO,
} from "./runtime.ts";
import { suite, table } from "./suite.ts";
import { conformance, fullDisk, kills, take, threads } from "./suites.ts";

/** Deno looks for its own updates. */
const QUIET: RunOptions = { env: { DENO_NO_UPDATE_CHECK: "1" } };

const denos = await findAll("Deno");
for (const found of denos) conformance(fromSources(found), "all");
for (const found of inDepth(denos)) conformance(fromSources(found), "size");
for (const found of denos) jetStreamFromSources(found);
kills(denoSources);
threads(denoSources, "opened");
fullDisk(denoSources);

suite(`${THIS_DENO.name} sandbox`, "conformance", async (context) => {
  const data = join(context.dir, "data");
  await Deno.mkdir(data);
  const flags = [`--allow-read=${data}`, `--allow-write=${data}`];
  const runtime = fromSources(THIS_DENO, flags);
  if ((await run(["strace", "-V"])).code !== 0) {
    take(await run(runtime.command(data), QUIET), context);
    const entries = await Array.fromAsync(Deno.readDir(context.dir));
    equal(entries.map(({ name }) => name).join(), basename(data));
    return context.note("nothing beside it touched, by listing (no strace)");
  }
  // Twice, so that Deno's own caches are as warm as they will be.
  await trace(runtime, data, "nothing");
  const known = await trace(runtime, data, "nothing");
  const all = await trace(runtime, data, "all");
  take(all.output, context);
  ok(all.paths.has(`${data}/store-rotate-and-compact/journal.jsonl`));
  const touched = [...all.paths].filter((path) =>
    path.startsWith("/") && !known.paths.has(path) && path !== data &&
    !path.startsWith(`${data}/`) && !isOfRuntime(path, data)
  );
  equal(touched.join("\n"), "");
  context.note("nothing outside touched, by strace");
});

/** Runs it, and finds each path that its calls to the system name. */
async function trace(runtime: Runtime, data: string, mode: string) {
  const log = join(dirname(data), `${mode}.strace`);
  const strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", log];
  const calls = ["-e", "trace=%file"];
  const command = [...strace, ...calls, ...runtime.command(data, mode)];
  const output = await succeed(command, QUIET);
  const text = await Deno.readTextFile(log);
  const quoted = text.matchAll(/"((?:[^"\\]|\\.)*)"/g);
  return { output, paths: new Set(Array.from(quoted, ([, path]) => path!)) };
}

/** To resolve links Deno looks at the folders above; and it has caches, and threads, of its own. */
function isOfRuntime(path: string, data: string): boolean {
  return data.startsWith(`${path}/`) || path === "/" ||
    /^\/(proc|sys)\//.test(path) || /_cache_v\d+(-\w+)?$/.test(path);
}

suite(`${THIS_DENO.name} sandbox`, "permissions", async ({ dir }) => {
  const [read, write] = [`--allow-read=${dir}`, `--allow-write=${dir}`];
  const say = async (flags: string[], mode: string) =>
    (await run(fromSources(THIS_DENO, flags).command(dir, mode), QUIET)).stdout;
  const refused: [flags: string[], mode: string, named: string][] = [
    [[], "open", read],
    [[write], "open", read],
    [[read], "open", write],
    [[], "read", read],
  ];
  for (const [flags, mode, named] of refused) {
    const told = await say(flags, mode);
    ok(told.startsWith("PERMISSION ") && told.includes(named), told);
  }
  equal(await say([read, write], "open"), "opened 0 created");
  equal(await say([read], "read"), "read 0");
});

table();
