/**
 * The npm package by Deno's own bundler, where dnt cannot be had. Code that
 * entry points share goes into files that they share, so that each class is
 * there once.
 */
import { dirname, join, normalize, relative } from "@std/path";
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

/** Declares what can be imported, and what that needs. */
async function writeDeclarations(esm: string): Promise<void> {
  const declared = declareAll();
  const seen = new Set<string>();
  const pending = ENTRIES.map(([, file]) => join(ROOT, file));
  for (let path = pending.pop(); path; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { text, imports } = forNode(path, declared.get(path)!);
    for (const name of imports) pending.push(join(dirname(path), name));
    const target = join(esm, relative(ROOT, path)).replace(/\.ts$/, ".d.ts");
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
}

/** The declarations of all files. Nothing is checked, since `deno check` has, and nothing inferred. */
function declareAll(): Map<string, string> {
  const roots = [...ENTRIES.map(([, file]) => file), "./store/fs_node.ts"];
  const program = ts.createProgram(roots.map((file) => join(ROOT, file)), {
    ...COMPILER_OPTIONS,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    emitDeclarationOnly: true,
    declaration: true,
    noCheck: true,
    removeComments: false,
    types: [],
  });
  const texts = new Map<string, string>();
  const keep: ts.WriteFileCallback = (_name, text, _mark, _fail, sources) =>
    void texts.set(normalize(sources![0]!.fileName), text);
  program.emit(undefined, keep, undefined, true);
  return texts;
}

/** As Node finds its way: `.js` for `.ts`, and the other file system. */
function forNode(
  path: string,
  declarations: string,
): { text: string; imports: string[] } {
  const imports: string[] = [];
  const text = declarations.replace(
    /^((?:import|export)\b[^;]*?\bfrom |.*\bimport\()"([^"]+)"/gm,
    (_, before: string, specifier: string) => {
      const name = specifier.replace(/fs_deno\.ts$/, "fs_node.ts");
      if (!name.startsWith(".")) {
        throw new Error(`${path}: a declaration needs ${name}`);
      }
      imports.push(name);
      return `${before}"${name.replace(/\.ts$/, ".js")}"`;
    },
  );
  return { text, imports };
}
