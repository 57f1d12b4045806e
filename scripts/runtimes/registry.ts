/** A JSR registry on loopback that has this working tree and the `@std` it needs. */
import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { ROOT } from "./process.ts";

/** A registry, as long as it is not disposed of. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
  /** The paths that were asked for. */
  readonly served: Set<string>;
}

interface Config {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly publish: {
    readonly include: readonly string[];
    readonly exclude?: readonly string[];
  };
}

const VENDORED = join(ROOT, "vendor/jsr.io");

/** Serves until it is disposed of. */
export async function serveRegistry(): Promise<Registry> {
  const files = new Map<string, string>();
  await addWorkingTree(files);
  await addVendored(files);
  const served = new Set<string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      const text = files.get(pathname);
      if (text === undefined) return new Response(null, { status: 404 });
      served.add(pathname);
      return new Response(text, {
        headers: { "content-type": contentType(pathname) },
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    served,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Deno goes by the type, not by the name. */
function contentType(path: string): string {
  if (path.endsWith(".ts")) return "text/typescript";
  if (path.endsWith(".js")) return "text/javascript";
  return path.endsWith(".json") ? "application/json" : "text/plain";
}

/** What `deno publish` would upload: the files it names, and specifiers that stand for themselves. */
async function addWorkingTree(files: Map<string, string>): Promise<void> {
  const { version, exports, imports, publish }: Config = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  const published: [string, string][] = [];
  for (const pattern of publish.include) {
    for await (const path of matching(pattern)) {
      if (publish.exclude?.includes(path)) continue;
      const text = await Deno.readTextFile(join(ROOT, path));
      published.push([`/${path}`, unfurl(text, imports)]);
    }
  }
  await addPackage(files, "mini", "state", version, exports, published);
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
async function addVendored(files: Map<string, string>): Promise<void> {
  for await (const { name } of Deno.readDir(join(VENDORED, "@std"))) {
    const folder = join(VENDORED, "@std", name);
    const meta = JSON.parse(await Deno.readTextFile(join(folder, "meta.json")));
    for (const version of Object.keys(meta.versions)) {
      const { exports } = JSON.parse(
        await Deno.readTextFile(join(folder, `${version}_meta.json`)),
      );
      const base = join(folder, version);
      const found: [string, string][] = [];
      for await (const { path } of walk(base)) {
        if (!/\.[jt]s$/.test(path)) continue;
        const place = relative(base, path).replaceAll("\\", "/");
        found.push([`/${place}`, await Deno.readTextFile(path)]);
      }
      await addPackage(files, "std", name, version, exports, found);
    }
  }
}

async function addPackage(
  files: Map<string, string>,
  scope: string,
  name: string,
  version: string,
  exports: unknown,
  contents: readonly [path: string, text: string][],
): Promise<void> {
  const base = `/@${scope}/${name}`;
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, text] of contents) {
    files.set(`${base}/${version}${path}`, text);
    const bytes = new TextEncoder().encode(text);
    const checksum = `sha256-${await sha256(bytes)}`;
    manifest[path] = { size: bytes.length, checksum };
  }
  const versions = { [version]: {} };
  const meta = { scope, name, latest: version, versions };
  files.set(`${base}/meta.json`, JSON.stringify(meta));
  const details = JSON.stringify({ manifest, exports });
  files.set(`${base}/${version}_meta.json`, details);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}
