/** The gate: every check there is, one after another. `deno task ok` */
import { fromFileUrl, join } from "@std/path";
import { documents } from "./documents.ts";

interface Step {
  readonly name: string;
  readonly args: readonly string[];
  /** Where to run it. @default {the project} */
  readonly cwd?: string;
}

const root = fromFileUrl(new URL("../", import.meta.url));
const config = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
const modules: string[] = Object.values(config.exports);
const documented = [
  ...await documents(),
  "mod.ts",
  "base",
  "fs",
  "store",
  "snap",
  "state",
  "queue",
  "testing",
  "cli",
]
  .map((path) => join(root, path));
/** Where the examples may write. */
const scratch = await Deno.makeTempDir({ prefix: "mini-state-ok-" });
/** The coverage of a run of all tests just before this, which are not run again then. */
const tested = Deno.env.get("TESTED");
const coverage = tested ?? join(scratch, "coverage");
const configured = ["--config", join(root, "deno.json")];

const steps: Step[] = [
  { name: "fmt", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "check", args: ["check", "--doc", "."] },
  { name: "doc --lint", args: ["doc", "--lint", ...modules] },
  {
    name: "doc --html",
    args: ["doc", "--html", `--output=${join(scratch, "html")}`, ...modules],
  },
  ...(tested === undefined
    ? [{
      name: "test",
      args: [
        "test",
        "-A",
        "--parallel",
        `--coverage=${coverage}`,
        "--coverage-raw-data-only",
        "tests/",
      ],
    }]
    : []),
  {
    name: "examples in the docs",
    args: ["test", "-A", "--doc", "--parallel", ...configured, ...documented],
    cwd: scratch,
  },
  {
    name: "coverage",
    args: ["run", "-A", "scripts/coverage.ts", coverage],
  },
  {
    name: "publish --dry-run",
    args: ["publish", "--dry-run", "--allow-dirty"],
  },
  { name: "tidy", args: ["run", "--allow-read", "scripts/tidy.ts"] },
];

const failed: string[] = [];
let passedTests = 0;
let failedTests = 0;
for (const { name, args, cwd = root } of steps) {
  const start = performance.now();
  const { success, output } = await run(args, cwd);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`${success ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
  for (
    const [, passed, bad] of output.matchAll(
      /^(?:ok|FAILED) \| (\d+) passed.*?\| (\d+) failed/gm,
    )
  ) {
    passedTests += Number(passed);
    failedTests += Number(bad);
  }
  // What the tests have looked at is worth seeing when they pass as well.
  if (!success) say(output);
  else if (name === "test") say(reports(output));
  else if (name === "coverage") say(indented(output.trim().split("\n")));
  if (!success) failed.push(name);
}
await Deno.remove(scratch, { recursive: true });
say(`tests: ${passedTests} passed, ${failedTests} failed`);
say(
  failed.length === 0
    ? "the gate is green"
    : `the gate is red: ${failed.join(", ")}`,
);
if (failed.length > 0) Deno.exitCode = 1;

async function run(
  args: readonly string[],
  cwd: string,
): Promise<{ success: boolean; output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, output: text(stdout) + text(stderr) };
}

/** The lines in which tests say how much they have looked at. */
function reports(output: string): string {
  return indented(
    output.split("\n").filter((line) =>
      /violations|SKIPPED|verdicts/.test(line)
    ),
  );
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `        ${line.trim()}`).join("\n");
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  if (line !== "") console.log(line);
}
