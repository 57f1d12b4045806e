/** The documentation of the public symbols. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "../support/child.ts";
import { say } from "../support/report.ts";
import { run } from "../support/system.ts";

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: { doc?: string; tags?: readonly { kind: string }[] };
}

interface Documented {
  readonly nodes: Record<string, {
    readonly symbols: readonly {
      readonly name: string;
      readonly declarations: readonly Declaration[];
    }[];
  }>;
}

Deno.test("every public symbol is described, and classes and functions have an example", async () => {
  const { exports } = JSON.parse(
    await Deno.readTextFile(join(ROOT, "deno.json")),
  );
  // The first is all of the bricks, which are looked at one by one.
  const { ".": _, ...parts } = exports;
  const modules = Object.values<string>(parts).map((path) => join(ROOT, path));
  const { success, stdout, stderr } = await run(
    Deno.execPath(),
    "doc",
    "--json",
    ...modules,
  );
  assert(success, stderr);
  const { nodes }: Documented = JSON.parse(stdout);
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { symbols } of Object.values(nodes)) {
    for (const { name, declarations } of symbols) {
      // What another module declares, and is described there.
      if (declarations.every(({ kind }) => kind === "reference")) continue;
      seen.add(name);
      const docs = declarations.map(({ jsDoc }) => jsDoc);
      if (!docs.some((jsDoc) => jsDoc?.doc)) wrong.push(`${name}: no word`);
      const isUsed = declarations.some(({ kind }) =>
        kind === "class" || kind === "function"
      );
      const hasExample = docs.some((jsDoc) =>
        jsDoc?.tags?.some(({ kind }) => kind === "example")
      );
      if (isUsed && !hasExample) wrong.push(`${name}: no example`);
    }
  }
  assertEquals(wrong, []);
  assert(seen.size > 50, `only ${seen.size} symbols were found`);
  say(`the public API: ${seen.size} symbols, each described`);
});
