/** The rules of this project that are about more than one file: `deno task tidy`. */
import { walk } from "@std/fs";
import { fromFileUrl, relative } from "@std/path";
import { CROWDED } from "./breaches.ts";
import { commitProblems } from "./tidy/commits.ts";
import { crowdedFolders, mapProblems } from "./tidy/folders.ts";
import { circles } from "./tidy/imports.ts";
import { brokenLinks } from "./tidy/links.ts";
import type { SourceFile } from "./tidy/source.ts";
import { oldNames, phrases } from "./tidy/words.ts";

/** Everything that is wrong, as `path:line: what`. */
export function findings(files: readonly SourceFile[]): string[] {
  return [
    ...files.flatMap((file) => fileProblems(file, files)),
    ...circles(files),
    ...crowdedFolders(files, CROWDED),
    ...mapProblems(files),
    ...oldNames(files),
    ...phrases(files),
  ];
}

/** The problems of one file, by itself or beside the others. */
export function fileProblems(
  { path, text }: SourceFile,
  files: readonly SourceFile[],
): string[] {
  if (path.endsWith(".md")) return brokenLinks({ path, text }, files);
  if (path === "deno.json") return undescribedTasks(text);
  if (path.endsWith("_test.ts")) return testProblems({ path, text });
  const isStray = path.startsWith("tests/") &&
    !/^tests\/(support|fixtures|runtimes|simulation|mutants)\//.test(path);
  return isStray
    ? [`${path}:1: neither a test nor in a folder of parts of tests`]
    : [];
}

function undescribedTasks(text: string): string[] {
  const { tasks } = JSON.parse(text) as {
    tasks: Record<string, { description?: string }>;
  };
  return Object.entries(tasks)
    .filter(([, task]) => !task.description)
    .map(([name]) => `deno.json:1: task ${name} has no description`);
}

function testProblems({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  const names = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    const at = `${path}:${index + 1}`;
    if (
      /\bDeno\.test\.(only|ignore)\b|\bignore: true\b|\bonly: true\b/.test(line)
    ) {
      found.push(`${at}: a test that does not run must print SKIPPED and why`);
    }
    const name = /Deno\.test\((["'`])(.*?)\1/.exec(line)?.[2];
    if (name === undefined || name.includes("${")) continue;
    if (names.has(name)) found.push(`${at}: a second test "${name}"`);
    names.add(name);
  }
  return found;
}

async function readProject(root: string): Promise<SourceFile[]> {
  const others = "vendor|node_modules|npm|build|coverage|\\.git|tests.fixtures";
  const skip = [new RegExp(`^${RegExp.escape(root)}(${others})([\\\\/]|$)`)];
  const files: SourceFile[] = [];
  for await (const { path, isFile } of walk(root, { skip })) {
    if (!isFile) continue;
    const place = relative(root, path).replaceAll("\\", "/");
    const isText = /\.(ts|js|md|json|yml|txt)$/.test(place);
    files.push({
      path: place,
      text: isText ? await Deno.readTextFile(path) : "",
    });
  }
  return files;
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../", import.meta.url));
  const { problems, skipped } = await commitProblems(root);
  const found = [...findings(await readProject(root)), ...problems];
  if (skipped) say([`SKIPPED the subjects of commits: ${skipped}`]);
  say(found.length === 0 ? ["tidy"] : found);
  if (found.length > 0) Deno.exitCode = 1;
}

function say(lines: readonly string[]): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(lines.join("\n"));
}
