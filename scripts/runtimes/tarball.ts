/**
 * A package of JSR as npm.jsr.io packs it: each module with its types removed
 * and nothing else lowered, declarations beside them, and the sources.
 */
import { dirname, join } from "@std/path";
import ts from "typescript";
import { declareAll } from "../npm/types.ts";
import { ROOT, run } from "./process.ts";

/** A package of a registry. */
export interface JsrPackage {
  /** As `@mini/state`. */
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  /** Its files, by their path from `/`. */
  readonly files: ReadonlyMap<string, string>;
}

/** No more than JSR does. */
const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
  inlineSources: true,
};

/** Packs a package under the name that it has on npm. */
export async function tarballOf(
  name: string,
  { version, exports, files }: JsrPackage,
): Promise<{ manifest: object; bytes: Uint8Array<ArrayBuffer> }> {
  const packed = new Map(files);
  const dependencies: Record<string, string> = {};
  const declared = name === "@jsr/mini__state" ? declareAll() : new Map();
  for (const [path, text] of files) {
    if (!path.endsWith(".ts")) continue;
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: COMPILER_OPTIONS,
      fileName: path,
    });
    const code = forNpm(outputText, dependencies);
    packed.set(path.replace(/\.ts$/, ".js"), code);
    const types = declared.get(join(ROOT, path));
    if (types === undefined) continue;
    const place = `/_dist${path.replace(/\.ts$/, ".d.ts")}`;
    packed.set(place, forNpm(types, dependencies));
  }
  const manifest = {
    name,
    version,
    type: "module",
    dependencies,
    exports: Object.fromEntries(
      Object.entries(exports).map(([key, path]) => {
        const base = path.slice(1).replace(/\.[jt]s$/, "");
        const types = `./_dist${base}.d.ts`;
        const hasTypes = packed.has(types.slice(1));
        return [key, { ...(hasTypes && { types }), default: `.${base}.js` }];
      }),
    ),
  };
  packed.set("/package.json", JSON.stringify(manifest));
  return { manifest, bytes: await pack(packed) };
}

/** `@jsr/std__async` for `jsr:@std/async@^1`, and `.js` for `.ts`; notes what that depends on. */
function forNpm(text: string, dependencies: Record<string, string>): string {
  return text
    .replace(
      /"jsr:@([\w-]+)\/([\w-]+)@([^"/]+)([^"]*)"/g,
      (_, scope, name, range, path) => {
        const mapped = `@jsr/${scope}__${name}`;
        dependencies[mapped] = range;
        return `"${mapped}${path}"`;
      },
    )
    .replace(/(\bfrom |\bimport\(|^import )"(\.[^"]*)\.ts"/gm, '$1"$2.js"');
}

async function pack(
  files: ReadonlyMap<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const scratch = await Deno.makeTempDir({ prefix: "mini-state-jsr-" });
  try {
    for (const [path, text] of files) {
      const place = join(scratch, "package", path);
      await Deno.mkdir(dirname(place), { recursive: true });
      await Deno.writeTextFile(place, text);
    }
    const tarball = join(scratch, "package.tgz");
    const { code, stderr } = await run(
      ["tar", "-czf", tarball, "-C", scratch, "package"],
    );
    if (code !== 0) throw new Error(stderr);
    return await Deno.readFile(tarball);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
