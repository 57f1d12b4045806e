/**
 * The declarations of the npm package, whatever has built its code. They stand
 * once, in `cjs/`, where TypeScript takes them for a CommonJS module's, which
 * modules and CommonJS may both import: a class has one type, however it came.
 */
import { dirname, join, normalize, relative } from "@std/path";
import ts from "typescript";
import { ENTRIES, PEERS, ROOT } from "./package.ts";

/**
 * Before TypeScript 5.7 no `Uint8Array` has a parameter, and with it this one
 * has: the type of `Uint8Array.of()` is the right one in both.
 */
const BYTES = 'ReturnType<Uint8ArrayConstructor["of"]>';

/** Declares in `cjs/` what can be imported, and what that needs; in `esm/`, where to find it. */
export async function writeTypes(outDir: string): Promise<void> {
  const declared = declareAll();
  const seen = new Set<string>();
  const pending = ENTRIES.map(([, file]) => join(ROOT, file));
  for (let path = pending.pop(); path; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { text, imports } = forNode(path, declared.get(path)!);
    for (const name of imports) pending.push(join(dirname(path), name));
    await write(join(outDir, "cjs", toDeclaration(relative(ROOT, path))), text);
  }
  for (const [, file] of ENTRIES) {
    const target = join(outDir, "esm", toDeclaration(file));
    const types = join(outDir, "cjs", file.replace(/\.ts$/, ".js"));
    const from = relative(dirname(target), types).replaceAll("\\", "/");
    await write(target, `export * from "${from}";\n`);
  }
}

function toDeclaration(path: string): string {
  return path.replace(/\.ts$/, ".d.ts");
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** The declarations of all files. Nothing is checked, since `deno check` has, and nothing inferred. */
export function declareAll(): Map<string, string> {
  const roots = ENTRIES.map(([, file]) => join(ROOT, file));
  const program = ts.createProgram(roots, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
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

/** Puts into examples what Node has in place of what Deno has. */
const IN_EXAMPLES: readonly [deno: RegExp, node: string][] = [
  [/`\$\{await Deno\.makeTempDir\(\)\}\/([^`]*)`/g, '"./data/$1"'],
  [/await Deno\.makeTempDir\(\)/g, '"./data"'],
  [
    /\bDeno\.readTextFile\(([^)]*)\)/g,
    'process.getBuiltinModule("node:fs/promises").readFile($1, "utf8")',
  ],
  [
    /\bDeno\.writeTextFile\(/g,
    'process.getBuiltinModule("node:fs/promises").writeFile(',
  ],
  [
    /import \{ assertEquals \} from "@std\/assert"/g,
    'import { deepEqual } from "node:assert/strict"',
  ],
  [/\bassertEquals\(/g, "deepEqual("],
  [
    /import \{ assertRejects \} from "@std\/assert"/g,
    'import { rejects } from "node:assert/strict"',
  ],
  [/\bassertRejects\(/g, "rejects("],
];

/** The examples of a declaration, for Node. */
function examplesForNode(path: string, text: string): string {
  const replaced = IN_EXAMPLES.reduce(
    (text, [deno, node]) => text.replace(deno, node),
    text,
  );
  const left = /\bDeno\.\w+|"@std\/[^"]*"/.exec(replaced);
  if (left) throw new Error(`${path}: Node has no ${left[0]}`);
  return replaced;
}

/** With `.js` for `.ts`, and examples that run under Node. */
function forNode(
  path: string,
  declarations: string,
): { text: string; imports: string[] } {
  const imports: string[] = [];
  const text = examplesForNode(path, declarations).replace(
    /^((?:import|export)\b[^;]*?\bfrom |.*\bimport\()"([^"]+)"/gm,
    (_, before: string, name: string) => {
      if (name in PEERS) return `${before}"${name}"`;
      if (!name.startsWith(".")) {
        throw new Error(`${path}: a declaration needs ${name}`);
      }
      imports.push(name);
      return `${before}"${name.replace(/\.ts$/, ".js")}"`;
    },
  ).replaceAll("Uint8Array<ArrayBuffer>", BYTES);
  return { text, imports };
}
