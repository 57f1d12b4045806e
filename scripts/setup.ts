/**
 * Makes `jsr:@std/…` available. Where JSR answers, Deno fills `vendor/` by
 * itself and there is nothing to do. Where it does not, the same code comes
 * from npm's `deno-std`, laid out as Deno expects a vendored JSR package.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";

const DENO_STD = "1.4.0";
const PACKAGES = ["assert", "async", "fs", "path", "streams"];

const vendor = new URL("../vendor/", import.meta.url);
const std = new URL("jsr.io/@std/", vendor);
/** Says where `@std` comes from. Written last, so that a run that was cut off is done again. */
const marker = new URL("setup.json", vendor);
const fromJsr = JSON.stringify({ std: "jsr" });
const fromNpm = JSON.stringify({ std: `npm:deno-std@${DENO_STD}`, PACKAGES });

const found = await readFile(marker, "utf8").catch(() => "");
if (found !== fromJsr && found !== fromNpm) await setUp();

async function setUp(): Promise<void> {
  await rm(std, { recursive: true, force: true });
  await mkdir(vendor, { recursive: true });
  if (await jsrAnswers()) return await writeFile(marker, fromJsr);
  await fillFromNpm();
  await writeFile(marker, fromNpm);
  // deno-lint-ignore no-console -- it is a command
  console.log(`JSR does not answer: @std comes from npm:deno-std@${DENO_STD}`);
}

async function jsrAnswers(): Promise<boolean> {
  try {
    const host = Deno.env.get("JSR_URL") ?? "https://jsr.io/";
    const url = new URL("@std/path/meta.json", host);
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function fillFromNpm(): Promise<void> {
  const source = await unpackedDenoStd();
  for (const name of PACKAGES) {
    const folder = new URL(`${name}/`, std);
    const files = new URL(`${DENO_STD}/`, folder);
    await mkdir(folder, { recursive: true });
    if (name === "fs") {
      const standIn = new URL("std_fs_stand_in.js", import.meta.url);
      await cp(standIn, new URL("mod.js", files));
    } else await cp(source, files, { recursive: true, dereference: true });
    const versions = { [DENO_STD]: {} };
    const meta = { scope: "std", name, latest: DENO_STD, versions };
    await writeJson(new URL("meta.json", folder), meta);
    const exports = await exportsOf(name, source);
    const version = { manifest: {}, exports };
    await writeJson(new URL(`${DENO_STD}_meta.json`, folder), version);
  }
}

/** Where npm's package is unpacked; Deno fetches it if need be. */
async function unpackedDenoStd(): Promise<URL> {
  const specifier = `npm:deno-std@${DENO_STD}/path/mod.js`;
  await import(specifier);
  return new URL("../", import.meta.resolve(specifier));
}

/** `"./text-line-stream"` for `text_line_stream.js`, as the packages on JSR name them. */
async function exportsOf(
  name: string,
  source: URL,
): Promise<Record<string, string>> {
  if (name === "fs") return { ".": "./mod.js" };
  const exports: Record<string, string> = { ".": `./${name}/mod.js` };
  for (const file of await readdir(new URL(`${name}/`, source))) {
    if (!file.endsWith(".js")) continue;
    exports[`./${file.slice(0, -3).replaceAll("_", "-")}`] =
      `./${name}/${file}`;
  }
  return exports;
}

async function writeJson(path: URL, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value));
}
