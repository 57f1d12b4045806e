import { assertEquals } from "@std/assert";
import { judge } from "../../scripts/coverage.ts";

const FOLDERS = { store: 100, snap: 100, state: 100, queue: 100, cli: 90 };
const CODE = "export function f() {}\n";

/** A report on one file, in the lcov format. */
function file(path: string, counts: readonly string[]): string {
  return [`SF:/somewhere/${path}`, ...counts, "end_of_record\n"].join("\n");
}

Deno.test("coverage lists each line and branch of the bricks that no test has reached", () => {
  const lcov =
    file("store/a.ts", ["BRDA:3,1,0,0", "BRDA:3,1,1,7", "DA:3,7", "DA:4,0"]) +
    file("queue/delivery/b.ts", ["BRDA:5,1,0,-", "BRDA:5,1,1,1", "DA:5,1"]);
  const sources = [
    { path: "store/a.ts", text: CODE },
    { path: "queue/delivery/b.ts", text: CODE },
  ];
  const { summary, problems } = judge(lcov, sources, FOLDERS);
  assertEquals(problems, [
    "store/a.ts:4: no test runs this line",
    "store/a.ts:3: a branch that no test takes",
    "queue/delivery/b.ts:5: a branch that no test takes",
  ]);
  assertEquals(summary[0], "store: lines 50.00 %, branches 50.00 %, of 100 %");
  assertEquals(summary.length, 5);
});

Deno.test("coverage takes no loop for a branch, but looks into its body", () => {
  const text = [
    "export function f() {",
    "  for (const x of xs) {",
    "    g(x);",
    "  }",
    "  for (const x of xs) g(x);",
  ].join("\n");
  const branches = ["BRDA:2,1,0,0", "BRDA:2,1,1,7", "BRDA:5,1,0,0"];
  const lcov = file("store/a.ts", [...branches, "DA:2,7", "DA:3,0", "DA:5,7"]);
  const sources = [{ path: "store/a.ts", text }];
  assertEquals(judge(lcov, sources, FOLDERS).problems, [
    "store/a.ts:3: no test runs this line",
    "store/a.ts:5: a branch that no test takes",
  ]);
});

Deno.test("coverage asks for less of the test kit and the command", () => {
  const lines = (missed: number) =>
    Array.from({ length: 100 }, (_, line) => `DA:${line},${+(line >= missed)}`);
  const sources = [{ path: "cli/a.ts", text: CODE }];
  assertEquals(
    judge(file("cli/a.ts", lines(10)), sources, FOLDERS).problems,
    [],
  );
  assertEquals(
    judge(file("cli/a.ts", lines(11)), sources, FOLDERS).problems.length,
    11,
  );
});

Deno.test("coverage finds a file that no test has loaded, unless there is nothing to run in it", () => {
  const sources = [
    { path: "snap/types.ts", text: "export interface A {}\n" },
    { path: "snap/code.ts", text: CODE },
  ];
  assertEquals(judge("", sources, FOLDERS).problems, [
    "snap/code.ts:1: no test loads it",
  ]);
});

Deno.test("coverage lists its exceptions, each of which must say why", () => {
  const mark = "// deno-coverage-ignore";
  const sources = [
    { path: "state/a.ts", text: `${mark}-file -- Windows\n${CODE}` },
    { path: "state/b.ts", text: `${CODE}${mark} -- one\n${mark}\n` },
    { path: "state/c.ts", text: `${mark}-start -- two\n${mark}-stop\n` },
  ];
  const lcov = file("state/b.ts", ["DA:1,1"]);
  const { exceptions, problems } = judge(lcov, sources, FOLDERS);
  assertEquals(exceptions, [
    "state/a.ts:1: Windows",
    "state/b.ts:2: one",
    "state/c.ts:1: two",
  ]);
  assertEquals(problems, [
    'state/b.ts:3: say after " -- " why no test is asked for',
  ]);
});
