/**
 * Makes `jsr:@std/…` available. Where JSR answers, Deno fills `vendor/` by
 * itself and there is nothing to do. Where it does not, the same code comes
 * from npm's `deno-std`, laid out as Deno expects a vendored JSR package.
 */
import {
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";

const DENO_STD = "1.4.0";
const PACKAGES = ["assert", "async", "fs", "path", "streams"];

const root = new URL("../", import.meta.url);
const std = new URL("vendor/jsr.io/@std/", root);
/** Written last, and names what was written: a run that was cut off is done again. */
const marker = new URL("stand-in.json", std);
const contents = JSON.stringify({ DENO_STD, PACKAGES });

const found = await readFile(marker, "utf8").catch(() => undefined);
// Without a marker the folder is Deno's own, complete only with all packages.
const names: string[] = await readdir(std).catch(() => []);
const isComplete = PACKAGES.every((name) => names.includes(name));
if (found === undefined ? !isComplete : found !== contents) await fill();

async function fill(): Promise<void> {
  const isJsrThere = await jsrAnswers();
  if (!isJsrThere || found !== undefined) {
    await rm(std, { recursive: true, force: true });
  }
  if (isJsrThere) {
    for (const name of PACKAGES) await import(`@std/${name}`);
    return;
  }
  await fillFromNpm();
  // deno-lint-ignore no-console -- whoever runs this should know
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
    const temporary = new URL(`.${name}/`, std);
    const files = new URL(`${DENO_STD}/`, temporary);
    await mkdir(temporary, { recursive: true });
    if (name === "fs") {
      await mkdir(files);
      await cp(
        new URL("std_fs_stand_in.js", import.meta.url),
        new URL("mod.js", files),
      );
    } else await cp(source, files, { recursive: true, dereference: true });
    const exports = await exportsOf(name, source);
    await writeJson(new URL("meta.json", temporary), {
      scope: "std",
      name,
      latest: DENO_STD,
      versions: { [DENO_STD]: {} },
    });
    await writeJson(new URL(`${DENO_STD}_meta.json`, temporary), {
      manifest: {},
      exports,
    });
    await rename(temporary, new URL(`${name}/`, std));
  }
  await writeFile(marker, contents);
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
