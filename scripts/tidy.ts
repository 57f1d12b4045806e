/** The rules of this project that are about more than one file: `deno task tidy`. */
import { walk } from "@std/fs";
import { dirname, fromFileUrl, join, relative } from "@std/path";

/** A file's path from the root, and what is in it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Everything that is wrong, as `path:line: what`. */
export function findings(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  return files.flatMap(({ path, text }) => {
    if (path.endsWith(".md")) return brokenLinks({ path, text }, files, paths);
    if (path === "deno.json") return undescribedTasks(text);
    if (path.endsWith("_test.ts")) return testProblems({ path, text });
    if (
      path.startsWith("tests/") &&
      !/^tests\/(support|fixtures|runtimes|simulation|mutants)\//.test(path)
    ) {
      return [
        `${path}:1: neither a test nor in a folder of parts of tests`,
      ];
    }
    return [];
  });
}

function brokenLinks(
  { path, text }: SourceFile,
  files: readonly SourceFile[],
  paths: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  const withoutCode = text.replace(/```[\s\S]*?```/g, blank).replace(
    /`[^`\n]*`/g,
    blank,
  );
  for (const { 1: link, index } of withoutCode.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link!)) continue;
    const [file, heading] = link!.split("#");
    const target = file === ""
      ? path
      : join(dirname(path), file!).replaceAll("\\", "/");
    const isFolder = [...paths].some((other) => other.startsWith(`${target}/`));
    const line = withoutCode.slice(0, index).split("\n").length;
    if (!paths.has(target) && !isFolder) {
      found.push(`${path}:${line}: there is no ${target}`);
    } else if (heading !== undefined && !headings(target, files).has(heading)) {
      found.push(
        `${path}:${line}: there is no heading #${heading} in ${target}`,
      );
    }
  }
  return found;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The anchors of a document's headings. */
function headings(path: string, files: readonly SourceFile[]): Set<string> {
  const text = files.find((file) => file.path === path)?.text ?? "";
  const lines = text.replace(/```[\s\S]*?```/g, "").matchAll(/^#+ (.*)$/gm);
  const anchors = Array.from(
    lines,
    ([, title]) =>
      title!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(
        /\s/g,
        "-",
      ),
  );
  return new Set(anchors);
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
  const skip = [
    /[\\/](vendor|node_modules|npm|coverage|\.git|fixtures)([\\/]|$)/,
  ];
  const files: SourceFile[] = [];
  for await (const { path, isFile } of walk(root, { skip })) {
    if (!isFile) continue;
    const place = relative(root, path).replaceAll("\\", "/");
    const isText = /\.(ts|js|md|json|yml)$/.test(place);
    files.push({
      path: place,
      text: isText ? await Deno.readTextFile(path) : "",
    });
  }
  return files;
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../", import.meta.url));
  const found = findings(await readProject(root));
  // deno-lint-ignore no-console -- it is a command
  console.log(found.length === 0 ? "tidy" : found.join("\n"));
  if (found.length > 0) Deno.exitCode = 1;
}
