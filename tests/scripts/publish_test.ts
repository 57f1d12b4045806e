/** The published files, and their version. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type VersionedFiles, versionProblems } from "../../scripts/version.ts";
import { ROOT } from "../support/child.ts";

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

const FILES: VersionedFiles = {
  config: '{ "version": "1.2.3" }',
  cli: 'export const VERSION = "1.2.3";',
  changelog: "# Changelog\n\n## 1.2.3 - 2026-01-01\n\n## 1.2.2\n",
};

Deno.test("deno.json, the command line and the changelog have one version", async () => {
  const files = {
    config: await read("deno.json"),
    cli: await read("cli/version.ts"),
    changelog: await read("CHANGELOG.md"),
  };
  assertEquals(versionProblems(files), []);
});

Deno.test("a version that differs is told, and so is a tag", () => {
  assertEquals(versionProblems(FILES, "v1.2.3"), []);
  const pending = { ...FILES, changelog: "# Changelog\n\n## Unreleased\n" };
  assertEquals(versionProblems(pending), []);
  assertEquals(versionProblems(pending, "v1.2.3"), [
    "CHANGELOG.md begins with Unreleased, and not with 1.2.3",
  ]);
  const cli = 'export const VERSION = "1.2.2";';
  assertEquals(versionProblems({ ...FILES, cli }), [
    "cli/version.ts says 1.2.2, and deno.json 1.2.3",
  ]);
  const changelog = "# Changelog\n\n## 1.2.2 - 2026-01-01\n";
  assertEquals(versionProblems({ ...FILES, changelog }), [
    "CHANGELOG.md begins with 1.2.2 - 2026-01-01, and not with 1.2.3",
  ]);
  assertEquals(versionProblems(FILES, "v1.2.4"), [
    "the tag is v1.2.4, and not v1.2.3",
  ]);
});

Deno.test("llms.txt links to files that exist, and is published", async () => {
  const links = (await read("llms.txt")).matchAll(/\]\(([^)]+)\)/g);
  const paths = Array.from(links, ([, path]) => path!.split("#")[0]!);
  assert(paths.length > 5);
  for (const path of paths) assert((await Deno.stat(join(ROOT, path))).isFile);
  const { publish } = JSON.parse(await read("deno.json"));
  assert(publish.include.includes("llms.txt"));
});
