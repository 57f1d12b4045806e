/** With the permissions for one directory and no others. */
import { basename, dirname, join } from "@std/path";
import { run } from "./process.ts";
import { has, type Row, same, succeeded, Tally } from "./row.ts";
import { denoSources, denoWith, type Runtime } from "./runtime.ts";

/** Deno asks for its own updates, which is none of ours. */
const QUIET = { env: { DENO_NO_UPDATE_CHECK: "1" } };

/** The whole suite, and that it touches nothing outside. */
export async function sandbox(dir: string): Promise<Row> {
  const tally = new Tally(`${denoSources.name} sandbox`, "conformance");
  const data = join(dir, "data");
  await Deno.mkdir(data, { recursive: true });
  const runtime = denoWith(`--allow-read=${data}`, `--allow-write=${data}`);
  const { code } = await run(["strace", "-V"]);
  if (code === 0) await traced(tally, runtime, data);
  else await listed(tally, runtime, data);
  return tally.row();
}

/** By the calls to the system: none names a path that importing alone does not. */
async function traced(
  tally: Tally,
  runtime: Runtime,
  data: string,
): Promise<void> {
  const trace = async (mode: string) => {
    const log = join(dirname(data), `${mode}.strace`);
    const strace = ["strace", "-f", "-qq", "-e", "trace=%file", "-o", log];
    const output = await run(
      [...strace, ...runtime.command(data, mode)],
      QUIET,
    );
    if (mode === "all") tally.add(output);
    else succeeded(output);
    return pathsIn(await Deno.readTextFile(log));
  };
  await tally.check("nothing outside is touched", async () => {
    // Twice, so that Deno's own caches are as warm as they will be.
    await trace("nothing");
    const known = await trace("nothing");
    const all = await trace("all");
    const journal = `${data}/store-rotate-and-compact/journal.jsonl`;
    if (!all.has(journal)) throw new Error(`the trace has no ${journal}`);
    const touched = [...all].filter((path) =>
      path.startsWith("/") && !known.has(path) && path !== data &&
      !path.startsWith(`${data}/`) && !isOfRuntime(path, data)
    );
    same(touched.join("\n"), "");
    tally.note = "nothing outside touched, by strace";
  });
}

function pathsIn(log: string): Set<string> {
  return new Set(
    Array.from(log.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, path]) => path!),
  );
}

/** To resolve links Deno looks at the folders above; and it has caches, and threads, of its own. */
function isOfRuntime(path: string, data: string): boolean {
  return data.startsWith(`${path}/`) || path === "/" ||
    /^\/(proc|sys)\//.test(path) || /_cache_v\d+(-\w+)?$/.test(path);
}

async function listed(
  tally: Tally,
  runtime: Runtime,
  data: string,
): Promise<void> {
  tally.add(await run(runtime.command(data), QUIET));
  await tally.check("nothing outside is touched", () => {
    const names = [...Deno.readDirSync(dirname(data))].map(({ name }) => name);
    same(names.join(), basename(data));
    tally.note = "nothing beside it touched, by listing (no strace)";
  });
}

/** What is missing is named, with the flag that would help. */
export async function missingPermissions(dir: string): Promise<Row> {
  const tally = new Tally(`${denoSources.name} sandbox`, "permissions");
  const data = join(dir, "data");
  await Deno.mkdir(data, { recursive: true });
  const [read, write] = [`--allow-read=${data}`, `--allow-write=${data}`];
  const say = async (flags: string[], mode: string) =>
    (await run(denoWith(...flags).command(data, mode), QUIET)).stdout;
  await tally.check("a writer without any", async () => {
    const told = await say([], "open");
    has(told, "PERMISSION ");
    has(told, read);
  });
  await tally.check("a writer that may only write", async () => {
    const told = await say([write], "open");
    has(told, "PERMISSION ");
    has(told, read);
  });
  await tally.check("a writer that may only read", async () => {
    const told = await say([read], "open");
    has(told, "PERMISSION ");
    has(told, write);
  });
  await tally.check("a reader without any", async () => {
    const told = await say([], "read");
    has(told, "PERMISSION ");
    has(told, read);
  });
  await tally.check("both is enough to write", async () => {
    same(await say([read, write], "open"), "opened 0 created");
  });
  await tally.check("to read is enough to read", async () => {
    same(await say([read], "read"), "read 0");
  });
  return tally.row();
}
