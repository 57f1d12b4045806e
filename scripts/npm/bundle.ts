/**
 * The npm package by Deno's own bundler, where dnt cannot be had. Code that
 * entry points share goes into files that they share, so that each class is
 * there once.
 */
import { join } from "@std/path";
import ts from "typescript";
import { ENTRIES, ROOT, writeImportMap } from "./package.ts";

/** What Node 20 understands. */
const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  removeComments: true, // The declarations have them.
};

/** What is newer than Node 20, and what stands in for it. */
const WITH_RESOLVERS = `function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...functions) => [resolve, reject] = functions);
  return { promise, resolve, reject };
}
`;

/** Builds the code of `esm/` in `outDir`. */
export async function buildByBundler(outDir: string): Promise<void> {
  const esm = join(outDir, "esm");
  const scratch = await Deno.makeTempDir({ prefix: "mini-state-npm-" });
  try {
    await bundle(esm, await writeImportMap(scratch));
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function bundle(esm: string, importMap: string): Promise<void> {
  const flags = ["--quiet", "--packages=bundle", "--code-splitting"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      ...flags,
      `--import-map=${importMap}`,
      `--outdir=${esm}`,
      ...ENTRIES.map(([, file]) => file),
    ],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  for (const path of filesIn(esm)) {
    await Deno.writeTextFile(path, lower(await Deno.readTextFile(path), path));
  }
}

/** Makes of a module one that Node 20 understands. */
export function lower(code: string, path: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: COMPILER_OPTIONS,
  });
  const lowered = outputText.replaceAll(
    "Promise.withResolvers(",
    "withResolvers(",
  );
  const newer = /\bDeno\.|\bArray\.fromAsync\b|\bPromise\.try\b/.exec(lowered);
  if (newer) throw new Error(`${path}: ${newer[0]} is not in Node 20`);
  return lowered === outputText ? lowered : WITH_RESOLVERS + lowered;
}

function filesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => {
    const path = join(directory, name);
    return isDirectory ? filesIn(path) : [path];
  });
}
