/** Tools that consumers of the npm package use under Node: bundlers, and runners of tests. */
import { equal, match } from "node:assert/strict";
import { join } from "@std/path";
import { size } from "../../tests/support/size.ts";
import { installPackage, type Project, tools } from "./package.ts";
import { type Output, ROOT, run, type RunOptions, succeed } from "./process.ts";
import { findAll, inDepth, type Program } from "./runtime.ts";
import { missing, suite, table } from "./suite.ts";

/** Bundlers, and what they write. On each change one of them. */
const BUNDLERS: readonly (readonly [tool: string, ...outputs: string[]])[] = [
  ["esbuild@0.28", "esm/main.mjs", "cjs/main.cjs"],
  ["vite@8", "ssr/main.mjs", "lib/main.mjs"],
  ["webpack@5", "esm/main.mjs", "cjs/main.cjs"],
];

/** Runners of tests: how each is run, and what it prints of tests that pass. */
const RUNNERS: readonly (readonly [
  tool: string,
  command: readonly string[],
  passed: RegExp,
  env?: Readonly<Record<string, string>>,
])[] = [
  [
    "jest@30",
    ["jest/bin/jest.js", "--testMatch", "**/tested.mjs"],
    /^Tests: +2 passed, 2 total$/m,
    { NODE_OPTIONS: "--experimental-vm-modules" },
  ],
  [
    "vitest@4",
    ["vitest/vitest.mjs", "run", "--globals", "--config", "vitest.config.mjs"],
    /Tests +2 passed \(2\)/,
  ],
];

const INSTALL_MS = 600_000;

const nodes = await findAll("Node");
const newest = nodes.at(-1);
const npm = await run(["npm", "--version"]);
if (newest === undefined || npm.code !== 0) missing("bundlers", npm.stderr);
else {
  for (const tool of await tools()) {
    const project = await installPackage(tool);
    for (const name of ["bundle.mjs", "bundled.mjs", "tested.mjs"]) {
      const from = join(ROOT, "tests/runtimes", name);
      await Deno.copyFile(from, join(project.dir, name));
    }
    for (const bundler of size(BUNDLERS.slice(0, 1), BUNDLERS)) {
      bundles(newest, project, bundler);
    }
    for (const runner of size([], RUNNERS)) runs(project, runner);
  }
  const later = [...BUNDLERS.slice(1), ...RUNNERS].map(([tool]) => tool);
  if (size(true, false)) missing(later.join(", "), "they run with NIGHTLY=1");
}

/** Registers: a program that a tool has bundled runs, far from the package. */
function bundles(
  builder: Program,
  project: Project,
  [tool, ...outputs]: (typeof BUNDLERS)[number],
): void {
  suite(tool, "bundles that run", async ({ dir, note, skip }) => {
    const { code, stderr } = await install(project, tool);
    if (code !== 0) return skip(`npm install ${tool} failed: ${stderr}`);
    const paths = outputs.map((output) => join(dir, output));
    const args = [tool.split("@")[0]!, join(project.dir, "bundled.mjs")];
    const command = [builder.path, join(project.dir, "bundle.mjs"), ...args];
    await succeed([...command, ...paths], { cwd: project.dir });
    note(outputs.join(", "));
    for (const { name, path } of inDepth(nodes)) {
      for (const output of paths) {
        const data = await Deno.makeTempDir({ dir });
        const { stdout } = await succeed([path, output, data], { cwd: dir });
        equal(stdout, "1 clean 2 job");
      }
      note(name);
    }
  });
}

/** Registers: a test that uses the package passes in a runner. */
function runs(
  project: Project,
  [tool, [script, ...args], passed, env = {}]: (typeof RUNNERS)[number],
): void {
  suite(tool, "tests that pass", async ({ note, skip }) => {
    const { code, stderr } = await install(project, tool);
    if (code !== 0) return skip(`npm install ${tool} failed: ${stderr}`);
    const config = join(project.dir, "vitest.config.mjs");
    const test = { include: ["tested.mjs"] };
    await Deno.writeTextFile(
      config,
      `export default ${JSON.stringify({ test })};`,
    );
    const options: RunOptions = { cwd: project.dir, env };
    const file = join(project.dir, "node_modules", script!);
    for (const { name, path } of inDepth(nodes)) {
      const said = await succeed([path, file, ...args], options);
      match(said.stdout + said.stderr, passed);
      note(name);
    }
  });
}

function install({ dir }: Project, tool: string): Promise<Output> {
  const command = ["npm", "install", "--no-audit", "--no-fund", tool];
  return run(command, { cwd: dir, timeoutMs: INSTALL_MS });
}

table();
