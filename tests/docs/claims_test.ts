/** Claims in the prose of the documents that a program can check. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "../support/child.ts";

function read(name: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, name));
}

Deno.test("every figure in the opening of README.md is in docs/PERFORMANCE.md or docs/DURABILITY.md", async () => {
  const readme = await read("README.md");
  const opening = readme.split(/^## /m)[0]!.replace(/```.*?```/gs, "");
  const figures = opening.match(/\d[\d,.]*\d/g)!;
  assert(figures.length >= 10, `only ${figures.length} figures`);
  const sources = await read("docs/PERFORMANCE.md") +
    await read("docs/DURABILITY.md");
  const known = new Set(sources.match(/\d[\d,.]*\d/g));
  assertEquals(figures.filter((figure) => !known.has(figure)), []);
});

Deno.test("docs/OPERATIONS.md says of every error code what to do", async () => {
  const codes = (await read("base/errors.ts")).matchAll(/^ +\| "([A-Z_]+)"/gm);
  const section = (await read("docs/OPERATIONS.md"))
    .split("## By error code\n")[1]!.split(/^## /m)[0]!;
  const rows = section.matchAll(/^\| `([A-Z_]+)` /gm);
  const named = Array.from(rows, ([, code]) => code!);
  assertEquals(named.sort(), Array.from(codes, ([, code]) => code!).sort());
});

Deno.test("every test that SECURITY.md names is there, and every test of security is named", async () => {
  const table = (await read("SECURITY.md")).split(
    "\n## How it is tested\n",
  )[1]!;
  const rows = table.split("\n").filter((line) => line.startsWith("| "));
  assert(rows.length > 20, `only ${rows.length} rows`);
  const named = new Set<string>();
  for (const row of rows.slice(2)) {
    const tests = row.split("|")[2]!.trim().split("; ");
    for (const test of tests) {
      const [, path, text] = /^`([^`]+\.ts)`: (.+)$/.exec(test) ?? [];
      if (path === undefined || text === undefined) throw new Error(test);
      named.add(path);
      const source = await read(path);
      // The name of a test, or a part of it, within one string.
      const names = Array.from(
        source.matchAll(
          /(?:test|pageTest)\(\s*(["`])(.*?)\1|^ +\[?(")(.*?)\3,$/gms,
        ),
        ([, , one, , other]) => one ?? other!,
      );
      assert(names.some((name) => name.includes(text)), `${path}: ${text}`);
    }
  }
  for await (const { name } of Deno.readDir(join(ROOT, "tests/security"))) {
    assert(named.has(`tests/security/${name}`), name);
  }
});
