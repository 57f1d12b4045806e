/** Runs the tests of this folder, or those that are named, which share what takes long to make: `deno task runtimes [FILE...]`. */
import { join } from "@std/path";
import { SHARED } from "./once.ts";
import { ROOT } from "./process.ts";

const JOBS = 4;

const made = await Deno.makeTempDir({ prefix: "mini-state-runtimes-" });
const shared = await Deno.realPath(made);
const files = Deno.args.length > 0
  ? Deno.args
  : [join(ROOT, "scripts/runtimes/")];
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-check", "--parallel", ...files],
  env: { [SHARED]: shared, DENO_JOBS: String(JOBS) },
  stdout: "inherit",
  stderr: "inherit",
}).output();
await Deno.remove(shared, { recursive: true });
Deno.exit(code);
