/**
 * Says how much of the source the tests reach, what they miss, and where nothing
 * is asked of them:
 * `deno run -A scripts/coverage.ts DIR`, after `deno test --coverage=DIR`.
 */
import { walk } from "@std/fs";
import { fromFileUrl, join, relative, toFileUrl } from "@std/path";

/** Elsewhere the tests of what only Linux has do not run. */
const ALL = Deno.build.os === "linux" ? 100 : 90;

/** How many of the lines and branches of a folder the tests must reach, in per cent. */
const FOLDERS: Readonly<Record<string, number>> = {
  base: ALL,
  fs: ALL,
  store: ALL,
  snap: ALL,
  state: ALL,
  queue: ALL,
  otel: ALL,
  prometheus: ALL,
  // What of it needs no server: tests/streams.
  jetstream: 88,
  testing: 90,
  admin: 90,
  inspect: 90,
  cli: 90,
};

/** Files that came from the command line, which runs as a process of its own, count with it. */
const OF_THE_COMMAND_LINE: ReadonlySet<string> = new Set([
  "base/text.ts",
  "fs/copy_file.ts",
  "fs/directory.ts",
]);

/** The folder that a file counts with. */
function folderOf(path: string): string {
  return OF_THE_COMMAND_LINE.has(path) ? "cli" : path.split("/")[0]!;
}

/**
 * Files that no coverage sees: the page of `mini inspect`, which tests reach in a browser,
 * and the queue on JetStream, which tests/jetstream reaches on servers, unrecorded.
 */
const UNSEEN =
  /[\\/](inspect[\\/]page(\.gen\.ts$|[\\/])|jetstream[\\/]queue[\\/])/;

/** A source file's path from the root, and what is in it. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** The result of judging a report. */
export interface Verdict {
  readonly summary: readonly string[];
  /** The places where no test is asked for, and why. */
  readonly exceptions: readonly string[];
  readonly problems: readonly string[];
}

/** How often the tests have run each line of a file, and taken each branch. */
interface Reached {
  readonly lines: readonly Count[];
  readonly branches: readonly Count[];
}

interface Count {
  readonly line: number;
  readonly times: number;
}

/** Judges a report in the lcov format by the folders' sources. */
export function judge(
  lcov: string,
  sources: readonly Source[],
  folders: Readonly<Record<string, number>> = FOLDERS,
): Verdict {
  const reached = parse(lcov, sources);
  const summary: string[] = [];
  const problems: string[] = [];
  for (const [folder, want] of Object.entries(folders)) {
    const files = sources.filter(({ path }) => folderOf(path) === folder);
    const unloaded = files.filter(({ path }) => !reached.has(path))
      .filter(hasCode);
    problems.push(...unloaded.map(({ path }) => `${path}:1: no test loads it`));
    const found = files.flatMap(({ path }) => reached.get(path) ?? []);
    const lines = percent(found.flatMap((file) => file.lines));
    const branches = percent(found.flatMap((file) => file.branches));
    summary.push(
      `${folder}: lines ${lines.toFixed(2)} %, branches ${
        branches.toFixed(2)
      } %, of ${want} %`,
    );
    if (Math.min(lines, branches) >= want) continue;
    for (const { path } of files) {
      const { lines = [], branches = [] } = reached.get(path) ?? {};
      problems.push(...missed(path, lines, "no test runs this line"));
      problems.push(...missed(path, branches, "a branch that no test takes"));
    }
  }
  const { exceptions, unexplained } = exceptionsIn(sources);
  return { summary, exceptions, problems: [...problems, ...unexplained] };
}

/**
 * The loops with a body on lines of its own, as `path:line`. How often one was not
 * entered is reckoned from how often it went round, which is wrong where it went
 * round as often as it was met; whether its body was run, its lines say.
 */
function loopsIn({ path, text }: Source): string[] {
  return text.split("\n").flatMap((line, index) =>
    /^\s*(for|while)\b.*\{$/.test(line) ? [`${path}:${index + 1}`] : []
  );
}

/** The counts in a report, by path from the root; loops are no branches. */
function parse(
  lcov: string,
  sources: readonly Source[],
): ReadonlyMap<string, Reached> {
  const loops = new Set(sources.flatMap(loopsIn));
  const files = new Map<string, Reached>();
  let path = "";
  let lines: Count[] = [];
  let branches: Count[] = [];
  for (const entry of lcov.split("\n")) {
    const [key, value = ""] = entry.split(/:(.*)/);
    const fields = value.split(",");
    const count = { line: Number(fields[0]), times: Number(fields.at(-1)) };
    if (key === "SF") {
      path = sourceAt(value, sources);
      files.set(path, { lines: lines = [], branches: branches = [] });
    } else if (key === "DA") lines.push(count);
    // A dash is a branch of a line that was never run.
    else if (key === "BRDA" && !loops.has(`${path}:${count.line}`)) {
      branches.push({ ...count, times: count.times || 0 });
    }
  }
  return files;
}

/** The path from the root of what a report calls by its full path. */
function sourceAt(fullPath: string, sources: readonly Source[]): string {
  const path = fullPath.replaceAll("\\", "/");
  return sources.find((source) => path.endsWith(`/${source.path}`))?.path ?? "";
}

function percent(counts: readonly Count[]): number {
  const met = counts.filter(({ times }) => times > 0).length;
  return counts.length === 0 ? 100 : 100 * met / counts.length;
}

function missed(
  path: string,
  counts: readonly Count[],
  what: string,
): string[] {
  return counts.filter(({ times }) => times === 0)
    .map(({ line }) => `${path}:${line}: ${what}`);
}

/** Whether there is more in a file than types, of which nothing is left to be run. */
function hasCode({ text }: Source): boolean {
  return !text.startsWith("// deno-coverage-ignore-file ") &&
    /^(export )?(async )?(function|class|const|let)\b/m.test(text);
}

/** The places that are not to be counted, each of which must say why. */
function exceptionsIn(
  sources: readonly Source[],
): { exceptions: string[]; unexplained: string[] } {
  const exceptions: string[] = [];
  const unexplained: string[] = [];
  for (const { path, text } of sources) {
    for (const [index, line] of text.split("\n").entries()) {
      const [, kind, reason] =
        /\bdeno-coverage-ignore(-file|-start|-stop)?\b(?: -- (.+))?/
          .exec(line) ?? [undefined, "-stop"];
      if (kind === "-stop") continue;
      const at = `${path}:${index + 1}`;
      if (reason === undefined) {
        unexplained.push(`${at}: say after " -- " why no test is asked for`);
      } else exceptions.push(`${at}: ${reason}`);
    }
  }
  return { exceptions, unexplained };
}

async function readSources(root: string): Promise<Source[]> {
  const sources: Source[] = [];
  for (const folder of Object.keys(FOLDERS)) {
    for await (const { path } of walk(join(root, folder))) {
      if (!path.endsWith(".ts") || UNSEEN.test(path)) continue;
      const text = await Deno.readTextFile(path);
      sources.push({ path: relative(root, path).replaceAll("\\", "/"), text });
    }
  }
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function report(directory: string, root: string): Promise<string> {
  const folders = Object.keys(FOLDERS).join("|");
  const include = `--include=^${toFileUrl(root)}(${folders})/.+\\.ts$`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", directory, "--lcov", include],
    cwd: root,
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(new TextDecoder().decode(stderr));
}

if (import.meta.main) {
  const [directory] = Deno.args;
  if (directory === undefined) throw new TypeError("Where is the coverage?");
  const root = fromFileUrl(new URL("../", import.meta.url));
  const lcov = await report(directory, root);
  const { summary, exceptions, problems } = judge(
    lcov,
    await readSources(root),
  );
  const lines = [
    ...summary,
    ...exceptions.map((line) => `not asked for: ${line}`),
    ...problems,
  ];
  // deno-lint-ignore no-console -- it is a command
  console.log(lines.join("\n"));
  if (problems.length > 0) Deno.exitCode = 1;
}
