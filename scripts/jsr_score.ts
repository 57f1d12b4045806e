/**
 * The factors of the JSR score, and whether this package has them:
 * `deno run -A scripts/jsr_score.ts`. The points are those of a package's
 * "Score" page.
 */
import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** One thing that JSR asks of a package. */
interface Factor {
  readonly name: string;
  readonly points: number;
  readonly isMet: boolean;
  /** By what it is met, or what is missing. */
  readonly note: string;
}

interface Config {
  readonly description?: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly publish: {
    readonly include: readonly string[];
    readonly exclude?: readonly string[];
  };
}

interface Documented {
  readonly nodes: Readonly<
    Record<string, {
      readonly module_doc?: { readonly doc?: string };
      readonly symbols: readonly {
        readonly declarations: readonly {
          readonly kind: string;
          readonly jsDoc?: { readonly doc?: string };
        }[];
      }[];
    }>
  >;
}

/** JSR shows no more of a description. */
const MAX_DESCRIPTION = 250;

/** The share of symbols that JSR wants documented, in per cent. */
const DOCUMENTED_PERCENT = 80;

/** The implementations of the file system, one a kind of runtime. */
const RUNTIMES = ["fs/deno.ts", "fs/node.ts"];

/** Lists every factor, in the order in which JSR does. */
async function score(): Promise<Factor[]> {
  const config: Config = JSON.parse(await read("deno.json"));
  const readme = await read("README.md");
  const modules = Object.values(config.exports);
  const doc = await deno("doc", "--json", ...modules);
  const { nodes }: Documented = JSON.parse(doc.stdout);
  const dry = await deno("publish", "--dry-run", "--allow-dirty");
  const published = (path: string) => dry.stderr.includes(`/${path} (`);
  const undocumented = Object.entries(nodes)
    .filter(([, { module_doc }]) => !module_doc?.doc)
    .map(([path]) => path);
  const { description = "" } = config;
  const percent = documentedPercent(nodes);
  const runtimes = RUNTIMES.filter(published).length;
  const workflow = await read(".github/workflows/publish.yml");
  const isProven = /id-token: write/.test(workflow) &&
    /^ +- run: deno publish$/m.test(workflow);
  const factors: [string, number, boolean, string][] = [
    ["README or module doc", 2, published("README.md"), "README.md"],
    ["example in it", 1, /^```ts$/m.test(readme), "README.md"],
    [
      "module doc in every entry point",
      1,
      undocumented.length === 0,
      undocumented.join() || `${modules.length} entry points`,
    ],
    [
      "docs for most symbols",
      5,
      percent >= DOCUMENTED_PERCENT,
      `${percent.toFixed(1)} %`,
    ],
    [
      "no slow types",
      5,
      dry.success && !/slow types? (were|was) found/i.test(dry.stderr),
      dry.success ? "publish --dry-run" : dry.stderr,
    ],
    [
      "description",
      1,
      description !== "" && description.length <= MAX_DESCRIPTION,
      `${description.length} characters in deno.json, for the settings page`,
    ],
    ["a compatible runtime", 1, runtimes >= 1, "Deno"],
    [
      "two compatible runtimes",
      1,
      runtimes >= 2,
      "Deno, Node, Bun: `deno task runtimes`; marked on the settings page",
    ],
    ["provenance", 1, isProven, ".github/workflows/publish.yml"],
  ];
  return factors.map(([name, points, isMet, note]) => ({
    name,
    points,
    isMet,
    note,
  }));
}

/** The factors as a table, a line each. */
function table(factors: readonly Factor[]): string[] {
  const width = Math.max(...factors.map(({ name }) => name.length));
  const total = (some: readonly Factor[]) =>
    some.reduce((sum, { points }) => sum + points, 0);
  return [
    ...factors.map(({ name, points, isMet, note }) =>
      `${isMet ? "has    " : "MISSING"}  ${points}  ${
        name.padEnd(width)
      }  ${note}`
    ),
    `JSR score: ${total(factors.filter(({ isMet }) => isMet))} of ${
      total(factors)
    } points`,
  ];
}

function documentedPercent(nodes: Documented["nodes"]): number {
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols)
    // What another module declares counts there.
    .filter(({ declarations }) =>
      declarations.some(({ kind }) => kind !== "reference")
    );
  const documented = symbols.filter(({ declarations }) =>
    declarations.some(({ jsDoc }) => jsDoc?.doc)
  );
  return 100 * documented.length / symbols.length;
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

async function deno(...args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(
    Deno.execPath(),
    { args, cwd: ROOT, env: { NO_COLOR: "1" } },
  ).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

const factors = await score();
// deno-lint-ignore no-console -- it is a command
console.log(table(factors).join("\n"));
if (factors.some(({ isMet }) => !isMet)) Deno.exitCode = 1;
