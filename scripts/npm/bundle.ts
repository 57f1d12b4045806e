/**
 * The npm package by Deno's own bundler, where dnt cannot be had. Code that
 * entry points share goes into files that they share, so that each class is
 * there once.
 */
import { dirname, fromFileUrl, join } from "@std/path";
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

/** Builds `esm/` in `outDir`. */
export async function buildByBundler(outDir: string): Promise<void> {
  const esm = join(outDir, "esm");
  const scratch = await Deno.makeTempDir({ prefix: "mini-state-npm-" });
  try {
    await bundle(esm, await writeImportMap(scratch));
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  await writeDeclarations(esm);
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

/** Declares each file by itself, as `isolatedDeclarations` allows, beginning with what can be imported. */
async function writeDeclarations(esm: string): Promise<void> {
  const seen = new Set<string>();
  const pending = ENTRIES.map(([, file]) => new URL(file, `file://${ROOT}/`));
  for (let url = pending.pop(); url; url = pending.pop()) {
    if (seen.has(url.href)) continue;
    seen.add(url.href);
    const { text, imports } = await declare(fromFileUrl(url));
    for (const specifier of imports) pending.push(new URL(specifier, url));
    const place = fromFileUrl(url).slice(ROOT.length).replace(/\.ts$/, ".d.ts");
    await Deno.mkdir(dirname(join(esm, place)), { recursive: true });
    await Deno.writeTextFile(join(esm, place), text);
  }
}

async function declare(
  path: string,
): Promise<{ text: string; imports: string[] }> {
  const source = await Deno.readTextFile(path);
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: { ...COMPILER_OPTIONS, removeComments: false },
  });
  const [problem] = diagnostics;
  if (problem) {
    throw new Error(
      `${path}: ${ts.flattenDiagnosticMessageText(problem.messageText, "\n")}`,
    );
  }
  const imports: string[] = [];
  const text = outputText.replace(
    /^((?:import|export)\b[^;]*?\bfrom |.*\bimport\()"([^"]+)"/gm,
    (_, before: string, specifier: string) => {
      const node = specifier.replace(/fs_deno\.ts$/, "fs_node.ts");
      if (!node.startsWith(".")) {
        throw new Error(`${path}: a declaration needs ${node}`);
      }
      imports.push(node);
      return `${before}"${node.replace(/\.ts$/, ".js")}"`;
    },
  );
  return { text, imports };
}
