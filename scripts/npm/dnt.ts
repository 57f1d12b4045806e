/** The npm package by dnt, which is on JSR only. */
import { fromFileUrl, join } from "@std/path";
import { ENTRIES, PACKAGE, PEERS, ROOT } from "./package.ts";

const DNT = "jsr:@deno/dnt@^0.42.1";

/** The parts of dnt that are used; its types are not there where JSR does not answer. */
interface Dnt {
  build(options: Record<string, unknown>): Promise<void>;
}

/** Whether JSR has filled `vendor/`, and so has dnt. `deno task setup` finds out. */
export async function isDntThere(): Promise<boolean> {
  const marker = fromFileUrl(
    new URL("../../vendor/setup.json", import.meta.url),
  );
  const text = await Deno.readTextFile(marker).catch(() => "{}");
  return JSON.parse(text).std === "jsr";
}

/** Builds the code of `esm/` in `outDir`. */
export async function buildByDnt(outDir: string): Promise<void> {
  const { build } = await import(DNT) as Dnt;
  const scratch = await Deno.makeTempDir({ prefix: "mini-state-npm-" });
  try {
    await build({
      entryPoints: ENTRIES.map(([name, file]) => ({
        name,
        path: join(ROOT, file),
      })),
      outDir,
      importMap: await writeImportMap(scratch),
      mappings: await peers(),
      // A shim would stand in for the real thing where Deno runs the npm package.
      shims: {},
      compilerOptions: { target: "ES2022", lib: ["ESNext", "DOM"] },
      scriptModule: false,
      skipSourceOutput: true,
      typeCheck: false, // `deno check` has.
      declaration: false,
      test: false,
      package: { ...PACKAGE, devDependencies: { "@types/node": "^20" } },
    });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  const left = ["node_modules", "package-lock.json", ".npmignore"];
  for (const name of left) {
    await Deno.remove(join(outDir, name), { recursive: true }).catch(() => {});
  }
}

/** The packages that the caller brings, by their specifiers. */
async function peers(): Promise<Record<string, unknown>> {
  const imports = await importsOf();
  return Object.fromEntries(
    Object.entries(PEERS).map(([name, version]) => [
      imports[name]!,
      { name, version, peerDependency: true },
    ]),
  );
}

async function importsOf(): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(join(ROOT, "deno.json"));
  return JSON.parse(text).imports;
}

/**
 * Names the dependencies as `deno.json` does.
 *
 * @returns The path of an import map.
 */
async function writeImportMap(directory: string): Promise<string> {
  const imports = await importsOf();
  // In a configuration file a package's modules come with the package; in an import map they do not.
  const below = Object.entries(imports).map(([name, target]) => [
    `${name}/`,
    `${target.replace(/^(jsr|npm):/, "$1:/")}/`,
  ]);
  const map = { imports: { ...imports, ...Object.fromEntries(below) } };
  const path = join(directory, "import_map.json");
  await Deno.writeTextFile(path, JSON.stringify(map));
  return path;
}
