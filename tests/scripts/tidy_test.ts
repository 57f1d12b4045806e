import { assertEquals } from "@std/assert";
import { findings } from "../../scripts/tidy.ts";

Deno.test("tidy finds links that lead nowhere", () => {
  const readme = {
    path: "README.md",
    text: [
      "[file](docs/A.md) [folder](docs) [heading](docs/A.md#two-words) [own](#top)",
      "[web](https://example.com/x) `[code](none.md)`",
      "```md\n[code](none.md)\n```",
      "[gone](docs/B.md)",
      "[no heading](docs/A.md#three)",
      "# Top",
    ].join("\n"),
  };
  const other = {
    path: "docs/A.md",
    text: "# Title\n\n## Two words\n\n[up](../README.md)\n",
  };
  assertEquals(findings([readme, other]), [
    "README.md:6: there is no docs/B.md",
    "README.md:7: there is no heading #three in docs/A.md",
  ]);
});

Deno.test("tidy finds tasks without a description", () => {
  const text = JSON.stringify({
    tasks: { a: { description: "x", command: "y" }, b: { command: "z" } },
  });
  assertEquals(findings([{ path: "deno.json", text }]), [
    "deno.json:1: task b has no description",
  ]);
});

Deno.test("tidy finds tests that share a name, and tests that do not run", () => {
  const test = (name: string, more = "") =>
    `Deno.test("${name}", ${more}() => {});\n`;
  const text = test("one") + test("two") + test("one") +
    `Deno.test.${"only"}("x", () => {});`;
  assertEquals(findings([{ path: "tests/x_test.ts", text }]), [
    'tests/x_test.ts:3: a second test "one"',
    "tests/x_test.ts:4: a test that does not run must print SKIPPED and why",
  ]);
});

Deno.test("tidy finds files among the tests that are none", () => {
  const paths = [
    "tests/store/helper.ts",
    "tests/support/dir.ts",
    "tests/fixtures/v1/a.jsonl",
  ];
  assertEquals(findings(paths.map((path) => ({ path, text: "" }))), [
    "tests/store/helper.ts:1: neither a test nor in a folder of parts of tests",
  ]);
});
