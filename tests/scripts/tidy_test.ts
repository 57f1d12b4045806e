import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileProblems } from "../../scripts/tidy.ts";
import { commitProblems, subjectProblems } from "../../scripts/tidy/commits.ts";
import { crowdedFolders, mapProblems } from "../../scripts/tidy/folders.ts";
import { circles } from "../../scripts/tidy/imports.ts";
import type { SourceFile } from "../../scripts/tidy/source.ts";
import { TestDirectory } from "../support/dir.ts";
import { oldNames, phrases } from "../../scripts/tidy/words.ts";

/** The problems of each file, by itself or beside the others. */
function findings(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => fileProblems(file, files));
}

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

Deno.test("tidy finds circles of imports, types included", () => {
  const files = [
    { path: "store/a.ts", text: 'import type { B } from "./b.ts";' },
    { path: "store/b.ts", text: 'export {\n  c,\n} from "./read/c.ts";' },
    { path: "store/read/c.ts", text: 'type A = import("../a.ts").A;' },
    { path: "store/d.ts", text: 'import { a } from "./a.ts";' },
  ];
  const problem = "imports itself by way of others";
  assertEquals(circles(files), [
    `store/a.ts:1: ${problem}`,
    `store/b.ts:1: ${problem}`,
    `store/read/c.ts:1: ${problem}`,
  ]);
});

Deno.test("tidy finds folders with more than 16 files", () => {
  const files = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      path: `store/read/${index}.ts`,
      text: "",
    }));
  assertEquals(crowdedFolders(files(16), {}), []);
  assertEquals(crowdedFolders(files(17), {}), [
    "store/read/:1: 17 files, and 16 is the most",
  ]);
  assertEquals(crowdedFolders(files(17), { "store/read": 17 }), []);
  assertEquals(crowdedFolders(files(17), { "store/read": 18 }), [
    "scripts/breaches.ts:1: store/read/ has 17 files, not 18",
  ]);
});

Deno.test("tidy finds folders that the map of the code lacks, and names in it that are not there", () => {
  const map =
    "`store/` and `store/read/`; `store/x.ts`, `store/y.ts`, `snap/`, `tests/`";
  const paths = [
    ...["store/x.ts", "store/read/a.ts", "store/write/b.ts"],
    ...["bench/main.ts", "tests/store/a_test.ts", ".ci/run"],
  ];
  const files = [
    { path: "docs/ARCHITECTURE.md", text: `# Map\n\n${map}\n` },
    ...paths.map((path) => ({ path, text: "" })),
  ];
  assertEquals(mapProblems(files), [
    "docs/ARCHITECTURE.md:1: does not name store/write/",
    "docs/ARCHITECTURE.md:1: does not name bench/",
    "docs/ARCHITECTURE.md:3: there is no store/y.ts",
    "docs/ARCHITECTURE.md:3: there is no snap/",
  ]);
});

Deno.test("tidy finds names that the public interface has given up", () => {
  const files = [
    {
      path: "docs/api.txt",
      text: "class A {\n  bury(reason: string): void;\n",
    },
    { path: "queue/a.ts", text: "export interface Outgoing {}\n// bury\n" },
    { path: "tests/a.ts", text: "export interface Outgoing {}\n" },
  ];
  assertEquals(oldNames(files), [
    "docs/api.txt:2: bury has another name now",
    "queue/a.ts:1: Outgoing has another name now",
  ]);
});

Deno.test("tidy finds phrases that have a plainer word", () => {
  const text = `/** ${"What"} it does, ${"so"}\n * many times. */\n`;
  const files = [
    { path: "store/a.ts", text },
    { path: "README.md", text: `${"What"} it is: ${"who"}ever asks\n` },
  ];
  assertEquals(phrases(files), [
    `store/a.ts:1: "${"so"} many": give the number, or its name`,
    'store/a.ts:1: a description that begins with "What": say what it is',
    `README.md:1: "${"who"}ever": name who it is`,
  ]);
});

Deno.test("tidy finds the marks of a conflict, also where the formatter has moved them", () => {
  const [ours, theirs] = ["<", ">"].map((mark) => mark.repeat(7));
  const text = `- one\n  ${ours} HEAD two\n\n${theirs} 1234567 (three)\n`;
  assertEquals(phrases([{ path: "CHANGELOG.md", text }]), [
    "CHANGELOG.md:2: the mark of a conflict: merge both sides",
    "CHANGELOG.md:4: the mark of a conflict: merge both sides",
  ]);
});

Deno.test("tidy finds commits whose subject has another form", () => {
  const log = [
    "a1 store: judge a header alike wherever it is read",
    "b2 queue, state: say more",
    "c3 Say more",
    "d4 store: Say more",
    `e5 store: ${"x".repeat(66)}`,
  ];
  assertEquals(subjectProblems(log.join("\n")), [
    'c3: not "area: verb …"',
    'd4: not "area: verb …"',
    "e5: a subject of 73 letters, and 72 is the most",
  ]);
});

Deno.test("tidy says why it looks at no commits where there are none to look at", async () => {
  await using dir = new TestDirectory();
  const { problems, skipped = "" } = await commitProblems(dir.path);
  assertEquals(problems, []);
  assertStringIncludes(skipped, "not a git repository");
});
