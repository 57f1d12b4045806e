/** The map of the code has every file, and no other. */
import { assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { ROOT } from "../support/child.ts";

const FOLDERS = [
  "base",
  "fs",
  "store",
  "snap",
  "state",
  "queue",
  "testing",
  "cli",
];
/** Said of all folders at once. */
const IN_EVERY_FOLDER = /\/(mod|options)\.ts$/;

Deno.test("docs/ARCHITECTURE.md names every file of the package, and none that is not there", async () => {
  const files: string[] = [];
  for (const folder of FOLDERS) {
    for await (const { path } of walk(join(ROOT, folder))) {
      if (!path.endsWith(".ts")) continue;
      files.push(relative(ROOT, path).replaceAll("\\", "/"));
    }
  }
  const text = await Deno.readTextFile(join(ROOT, "docs/ARCHITECTURE.md"));
  const pattern = new RegExp(
    `\`((?:${FOLDERS.join("|")})/[\\w/]+\\.ts)\``,
    "g",
  );
  const named = new Set(
    Array.from(text.matchAll(pattern), ([, name]) => name!),
  );
  /** A folder that is named as a whole, once its files are a matter of their own. */
  const isOfPage = (file: string) => file.startsWith("cli/inspect/page/");
  const unnamed = files.filter((file) =>
    !named.has(file) && !IN_EVERY_FOLDER.test(file) && !isOfPage(file)
  );
  assertEquals(unnamed, [], "files that the page does not name");
  const gone = [...named].filter((name) => !files.includes(name));
  assertEquals(gone, [], "files that the page names, and that are not there");
});
