/**
 * Builds the npm package in `npm/`, or in another directory: with dnt where JSR
 * answers, with Deno's own bundler where it does not.
 * `deno task npm [dnt|bundle [DIR]]`
 */
import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { buildByBundler } from "./npm/bundle.ts";
import { buildByDnt, isDntThere } from "./npm/dnt.ts";
import { ROOT, writePackageFiles } from "./npm/package.ts";
import { writeTypes } from "./npm/types.ts";

const outDir = Deno.args[1] ?? join(ROOT, "npm");
const tool = Deno.args[0] ?? (await isDntThere() ? "dnt" : "bundle");
if (tool !== "dnt" && tool !== "bundle") {
  throw new TypeError(`Cannot build with "${tool}": say dnt or bundle`);
}
await Deno.remove(outDir, { recursive: true }).catch(() => {});
await Deno.mkdir(outDir);
await (tool === "dnt" ? buildByDnt(outDir) : buildByBundler(outDir));
await writeTypes(outDir);
await writePackageFiles(outDir);

let files = 0;
let bytes = 0;
for await (const { path, isFile } of walk(outDir)) {
  if (!isFile) continue;
  files++;
  bytes += (await Deno.stat(path)).size;
}
// deno-lint-ignore no-console -- it is a command
console.log(
  `${relative(ROOT, outDir)} (${tool}): ${files} files, ${
    Math.ceil(bytes / 1000)
  } kB`,
);
