/**
 * Builds the code of the npm package with Deno's own bundler, where dnt cannot
 * be had. Code that entry points share goes into files that they share, so that
 * each class exists once.
 */
import { walk } from "@std/fs";
import { join, relative, resolve } from "@std/path";
import { ENTRIES, PACKAGE, PEERS, ROOT } from "./package.ts";

/** Where a debugger finds a source of this package. */
const SOURCES = `https://jsr.io/@mini/state/${PACKAGE.version}/`;

/** The parts of a source map that are used. */
interface SourceMap {
  mappings: string;
  sources: string[];
  sourcesContent?: string[];
}

/** Builds the code of `esm/` in `outDir`. */
export async function buildByBundler(outDir: string): Promise<void> {
  const esm = join(outDir, "esm");
  const flags = [
    "--packages=bundle",
    "--code-splitting",
    "--sourcemap=linked",
    ...Object.keys(PEERS).map((name) => `--external=${name}`),
  ];
  const files = ENTRIES.map(([, file]) => file);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...flags, `--outdir=${esm}`, ...files],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  for await (const { path } of walk(esm)) {
    if (path.endsWith(".js")) await shortenMap(path);
  }
}

/**
 * Names the sources in place of carrying them, which would double the package.
 * The command line, whose stack traces nobody sees, and what has no code get no
 * map.
 */
async function shortenMap(path: string): Promise<void> {
  const map: SourceMap = JSON.parse(await Deno.readTextFile(`${path}.map`));
  const sources = map.sources.map((source) => addressOf(path, source));
  const code = await Deno.readTextFile(path);
  if (
    sources.length === 0 ||
    sources.some((url) => url.startsWith(`${SOURCES}cli/`))
  ) {
    await Deno.remove(`${path}.map`);
    const comment = /\n\/\/# sourceMappingURL=\S+\s*$/;
    return await Deno.writeTextFile(path, code.replace(comment, "\n"));
  }
  delete map.sourcesContent;
  map.sources = sources;
  const lines = code.split("\n");
  const mappings = map.mappings.split(";");
  const isKept = lines.map((line, at) => mappings[at] || !isComment(line));
  map.mappings = mappings.filter((_, at) => isKept[at] ?? true).join(";");
  const kept = lines.filter((_, at) => isKept[at]).join("\n");
  await Deno.writeTextFile(path, kept);
  await Deno.writeTextFile(`${path}.map`, JSON.stringify(map));
}

/** Whether a line is of a doc comment, which the declarations have too. No text of the library has such a line. */
function isComment(line: string): boolean {
  return /^ +(\/\*\*|\*\/|\* |\*$)/.test(line);
}

/** The address of a source that a map names: of this package by its path from the map, of others as `deno:https://…`. */
function addressOf(path: string, source: string): string {
  if (source.startsWith("deno:")) return source.slice("deno:".length);
  const place = relative(ROOT, resolve(path, "..", source));
  return new URL(place.replaceAll("\\", "/"), SOURCES).href;
}
