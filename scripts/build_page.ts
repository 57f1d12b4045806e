/**
 * Builds the page of the inspector, from `inspect/page/` into
 * `inspect/page.gen.ts`: `deno task page`. With `--check` it compares, and
 * leaves the file as it is.
 */
import { createHash } from "node:crypto";
import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const SOURCES = join(ROOT, "inspect/page");
const TARGET = join(ROOT, "inspect/page.gen.ts");

/** Deno brings the bundler: another one may write the same program in another way. */
const BUILT_BY = `Deno ${Deno.version.deno}`;

/** The page as one file, and what a browser may do with it. */
export async function buildPage(): Promise<{ html: string; policy: string }> {
  const template = (await readSource("page.html")).replaceAll(/^ +/gm, "");
  const styles = /(\s*<link rel="stylesheet" href="[^"]+" ?\/?>)+/;
  const [links = ""] = styles.exec(template) ?? [];
  const names = Array.from(
    links.matchAll(/href="([^"]+)"/g),
    ([, name]) => name!,
  );
  const style = smaller((await Promise.all(names.map(readSource))).join("\n"));
  const script = await bundle("main.ts");
  const icon = smaller(await readSource("icon.svg")).replaceAll("> <", "><");
  const html = template
    .replace("icon.svg", `data:image/svg+xml,${encodeURIComponent(icon)}`)
    .replace(links, () => `\n<style>${style}</style>`)
    .replace(' src="main.ts">', () => `>${script}`);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html, policy };
}

async function readSource(name: string): Promise<string> {
  const text = await Deno.readTextFile(join(SOURCES, name));
  return text.replaceAll("\r\n", "\n");
}

/** Text without comments and line breaks. */
function smaller(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/\s+/g, " ").trim();
}

/** A module and all that it imports, as one script. */
async function bundle(name: string): Promise<string> {
  const flags = ["--quiet", "--minify", "--platform=browser"];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...flags, join(SOURCES, name)],
    cwd: ROOT,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(text(stderr));
  return text(stdout).trim();
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** The page as a module. */
function moduleOf({ html, policy }: { html: string; policy: string }): string {
  const lines = html.trimEnd().split("\n").map((line) =>
    `  ${JSON.stringify(line)},\n`
  );
  return `// Built from inspect/page/ by \`deno task page\`, with ${BUILT_BY}. Do not edit.

/** The page of the inspector, whole. */
export const PAGE: string = [
${lines.join("")}].join("\\n");

/** Its content security policy: nothing but what is in the page, and no request but to where it came from. */
export const POLICY: string =
  ${JSON.stringify(policy)};
`;
}

/** The Deno that has built what is there. */
function builderOf(module: string): string | undefined {
  return /\bwith (Deno [\d.]+)\. Do/.exec(module)?.[1];
}

function say(text: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(text);
}

if (import.meta.main) {
  const before = await Deno.readTextFile(TARGET).catch(() => "");
  const builder = builderOf(before);
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(TARGET, moduleOf(await buildPage()));
    say("inspect/page.gen.ts is built");
  } else if (builder !== undefined && builder !== BUILT_BY) {
    say(
      `SKIPPED the comparison of inspect/page.gen.ts: ${builder} has built it, and this is ${BUILT_BY}`,
    );
  } else if (before === moduleOf(await buildPage())) {
    say("inspect/page.gen.ts is up to date");
  } else {
    say(
      "inspect/page.gen.ts is not what inspect/page/ makes: run `deno task page`, and commit it",
    );
    Deno.exitCode = 1;
  }
}
