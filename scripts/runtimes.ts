/** Runs the package in every place it runs, and prints what held: `deno task runtimes` */
import { join } from "@std/path";
import { bundled, compiled } from "./runtimes/daemon.ts";
import { jsr } from "./runtimes/jsr.ts";
import { isDntThere } from "./npm/dnt.ts";
import { npmRuntimes } from "./runtimes/npm_runtimes.ts";
import { readme } from "./runtimes/readme.ts";
import { type Row, Tally } from "./runtimes/row.ts";
import {
  denoSources,
  findAll,
  fromSources,
  isDeno,
} from "./runtimes/runtime.ts";
import { missingPermissions, sandbox } from "./runtimes/sandbox.ts";
import { conformance, fullDisk, kills } from "./runtimes/shared.ts";

const scratch = await Deno.makeTempDir({ prefix: "mini-state-runtimes-" });
const start = performance.now();
const rows: Row[] = [];

/** Runs suites, one after another; what throws has failed. */
async function attempt(
  name: string,
  suites: (dir: string) => Promise<Row | Row[]>,
): Promise<void> {
  try {
    rows.push(...[await suites(join(scratch, name))].flat());
  } catch (error) {
    const tally = new Tally(name, "all");
    tally.fail(String(error instanceof Error ? error.stack : error));
    rows.push(tally.row());
  }
}

const runtimes = await findAll();
await Promise.all([withDeno(), withNpm()]);
await Deno.remove(scratch, { recursive: true });

rows.sort((a, b) => a.runtime < b.runtime ? -1 : a.runtime > b.runtime ? 1 : 0);
say(table(rows));
for (const { runtime, suite, failures = [] } of rows) {
  for (const failure of failures) {
    say(`\nFAILED ${runtime}, ${suite}:\n${failure.replace(/^/gm, "    ")}`);
  }
}
const passed = rows.reduce((sum, row) => sum + row.passed, 0);
const failed = rows.reduce((sum, row) => sum + row.failed, 0);
say(`\n${((performance.now() - start) / 1000).toFixed(0)} s`);
say(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) Deno.exitCode = 1;

/** The sources as they are here, and from JSR. */
async function withDeno(): Promise<void> {
  for (const found of runtimes.all) {
    if ("missing" in found || !isDeno(found)) continue;
    const sources = fromSources(found);
    await attempt(found.name, (dir) => conformance(sources, dir));
    await attempt(found.name, (dir) => conformance(sources, dir, "size"));
  }
  await attempt("deno-kills", (dir) => kills(denoSources, dir));
  await attempt("deno-full", (dir) => fullDisk(denoSources, dir));
  await attempt("sandbox", sandbox);
  await attempt("permissions", missingPermissions);
  await attempt("jsr", jsr);
  await attempt("bundle", bundled);
}

/** What writes `npm/` or `build/`, one after another. */
async function withNpm(): Promise<void> {
  if (await isDntThere()) {
    await attempt("npm-dnt", (dir) => npmRuntimes(dir, "dnt", runtimes));
  } else {
    const tally = new Tally("npm", "package (dnt)");
    tally.skip("JSR does not answer, and has dnt; Deno's bundler builds it");
    rows.push(tally.row());
  }
  await attempt("npm", (dir) => npmRuntimes(dir, "bundle", runtimes));
  await attempt("compile", compiled);
  await attempt("readme", readme);
}

/** A line a suite, and one for each thing that was not done. */
function table(rows: readonly Row[]): string {
  const width = (key: "runtime" | "suite") =>
    Math.max(...rows.map((row) => row[key].length));
  const [first, second] = [width("runtime"), width("suite")];
  return rows.flatMap((row) => {
    const { passed, failed, note = "", skipped = [] } = row;
    const name = row.runtime.padEnd(first);
    const suite = row.suite.padEnd(second);
    const counts = passed + failed === 0
      ? "".padEnd(21)
      : `${String(passed).padStart(3)} passed, ${failed} failed`.padEnd(21);
    return [
      `${name}  ${suite}  ${counts}  ${note}`.trimEnd(),
      ...skipped.map((why) => `${" ".repeat(first)}  SKIPPED ${shorten(why)}`),
    ];
  }).join("\n");
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= 150 ? line : `${line.slice(0, 149)}…`;
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
