/**
 * A JSR registry on loopback that has this working tree and the `@std` it needs:
 * for Deno as jsr.io serves it, for Node and Bun as npm.jsr.io does.
 */
import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { ROOT } from "./process.ts";
import { type JsrPackage, tarballOf } from "./tarball.ts";

/** A registry, until it is disposed of. */
export interface Registry extends AsyncDisposable {
  /** The value of `JSR_URL`, and the registry of the scope `@jsr`. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly served: Set<string>;
}

interface Config {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

const VENDORED = join(ROOT, "vendor/jsr.io");

/** Serves until it is disposed of. */
export async function serveRegistry(): Promise<Registry> {
  const packages = [await workingTree(), ...await vendored()];
  const files = new Map<string, string | Uint8Array<ArrayBuffer>>();
  for (const one of packages) await addForDeno(files, one);
  const served = new Set<string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url }) => {
      const { pathname, origin } = new URL(url);
      const path = decodeURIComponent(pathname);
      const asked = packages.find(({ name }) => path === npmPath(name));
      if (asked !== undefined) await addForNpm(files, asked, origin);
      const content = files.get(path);
      if (content === undefined) return new Response(null, { status: 404 });
      served.add(path);
      const headers = { "content-type": contentType(path) };
      return new Response(content, { headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    served,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The path of a package on npm.jsr.io: `/@jsr/mini__state` for `@mini/state`. */
function npmPath(name: string): string {
  return `/@jsr/${name.slice(1).replace("/", "__")}`;
}

/** Deno goes by the type, not by the name. */
function contentType(path: string): string {
  if (path.endsWith(".ts")) return "text/typescript";
  if (path.endsWith(".js")) return "text/javascript";
  if (path.endsWith(".tgz")) return "application/octet-stream";
  return /\.json$|^\/@jsr\//.test(path) ? "application/json" : "text/plain";
}

/** The package that `deno publish` would upload: the files it names, and specifiers that stand for themselves. */
async function workingTree(): Promise<JsrPackage> {
  const { name, version, exports, imports, publish }: Config = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  const files = new Map<string, string>();
  for (const pattern of publish.include) {
    for await (const path of matching(pattern)) {
      const text = await Deno.readTextFile(join(ROOT, path));
      files.set(`/${path}`, unfurl(text, imports));
    }
  }
  return { name, version, exports, files };
}

async function* matching(pattern: string): AsyncGenerator<string> {
  const [folder, rest] = pattern.split("/**/");
  if (rest === undefined) return yield pattern;
  for await (const { path, isFile } of walk(join(ROOT, folder!))) {
    if (isFile) yield relative(ROOT, path).replaceAll("\\", "/");
  }
}

function unfurl(
  text: string,
  imports: Readonly<Record<string, string>>,
): string {
  return text.replace(
    /^((?:import|export|\}) .*?from |import )"(@[^/"]+\/[^/"]+)(\/[^"]*)?"/gm,
    (whole, before, name, rest = "") =>
      name in imports ? `${before}"${imports[name]}${rest}"` : whole,
  );
}

/** The packages of the standard library, from where Deno or `deno task setup` has put them. */
async function vendored(): Promise<JsrPackage[]> {
  const found: JsrPackage[] = [];
  for await (const { name } of Deno.readDir(join(VENDORED, "@std"))) {
    const folder = join(VENDORED, "@std", name);
    const meta = JSON.parse(await Deno.readTextFile(join(folder, "meta.json")));
    for (const version of Object.keys(meta.versions)) {
      const { exports } = JSON.parse(
        await Deno.readTextFile(join(folder, `${version}_meta.json`)),
      );
      const base = join(folder, version);
      const files = new Map<string, string>();
      for await (const { path } of walk(base)) {
        if (!/\.[jt]s$/.test(path)) continue;
        const place = relative(base, path).replaceAll("\\", "/");
        files.set(`/${place}`, await Deno.readTextFile(path));
      }
      found.push({ name: `@std/${name}`, version, exports, files });
    }
  }
  return found;
}

async function addForDeno(
  served: Map<string, string | Uint8Array<ArrayBuffer>>,
  { name, version, exports, files }: JsrPackage,
): Promise<void> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, text] of files) {
    served.set(`/${name}/${version}${path}`, text);
    const bytes = new TextEncoder().encode(text);
    const checksum = `sha256-${(await digest("SHA-256", bytes)).toHex()}`;
    manifest[path] = { size: bytes.length, checksum };
  }
  const [scope, short] = name.slice(1).split("/");
  const versions = { [version]: {} };
  const meta = { scope, name: short, latest: version, versions };
  served.set(`/${name}/meta.json`, JSON.stringify(meta));
  const details = JSON.stringify({ manifest, exports });
  served.set(`/${name}/${version}_meta.json`, details);
}

/** Makes the tarball of a package when it is first asked for. */
async function addForNpm(
  served: Map<string, string | Uint8Array<ArrayBuffer>>,
  one: JsrPackage,
  origin: string,
): Promise<void> {
  const path = npmPath(one.name);
  if (served.has(path)) return;
  const name = path.slice(1);
  const { manifest, bytes } = await tarballOf(name, one);
  const tarball = `/~/11/${name}/${one.version}.tgz`;
  served.set(tarball, bytes);
  const dist = {
    tarball: `${origin}${tarball}`,
    shasum: (await digest("SHA-1", bytes)).toHex(),
    integrity: `sha512-${(await digest("SHA-512", bytes)).toBase64()}`,
  };
  const information = {
    name,
    "dist-tags": { latest: one.version },
    versions: { [one.version]: { ...manifest, dist } },
  };
  served.set(path, JSON.stringify(information));
}

async function digest(
  algorithm: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
}
