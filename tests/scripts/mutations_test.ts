import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { changedLines } from "../mutants/changed.ts";
import { mutate, mutationsIn } from "../mutants/generate.ts";
import { reachOf } from "../mutants/reach.ts";
import { type Outcome, tryMutations } from "../mutants/run.ts";
import { Trees } from "../mutants/tree.ts";
import { TestDirectory } from "../support/dir.ts";

/** Each mutation of a source of one line, and what it makes of it. */
function mutationsOf(source: string): string[][] {
  return mutationsIn("store/x.ts", source).map((mutation) => [
    mutation.what,
    mutate(source, mutation),
  ]);
}

Deno.test("mutations: an await, a call and a throw are dropped", () => {
  assertEquals(mutationsOf("await file.sync();"), [
    ["drop call", ";"],
    ["drop await", "file.sync();"],
  ]);
  assertEquals(mutationsOf("const a = await f();"), [
    ["drop await", "const a = f();"],
  ]);
  assertEquals(mutationsOf("if (a) throw new Error();"), [
    ["drop throw", "if (a) ;"],
  ]);
  assertEquals(
    mutationsOf("class A extends B { constructor() { super(); } }"),
    [],
  );
});

Deno.test("mutations: an await is kept where the caller awaits the same", () => {
  const kept = "async function f() { if (a) return await g(); }";
  assertEquals(mutationsOf(kept), []);
  assertEquals(mutationsOf("const f = async () => await g();"), []);
  const caught = "async function f() { try { return await g(); } finally {} }";
  assertEquals(mutationsOf(caught).map(([what]) => what), ["drop await"]);
  const used = "async function f() { using a = b; return await g(); }";
  assertEquals(mutationsOf(used).map(([what]) => what), ["drop await"]);
});

Deno.test("mutations: a comparison, a boolean and a durable are flipped", () => {
  assertEquals(mutationsOf("f(a < b, c !== d)").slice(1), [
    ["< to <=", "f(a <= b, c !== d)"],
    ["!== to ===", "f(a < b, c === d)"],
  ]);
  assertEquals(mutationsOf("const a: true = { b: false };"), [
    ["false to true", "const a: true = { b: true };"],
  ]);
  assertEquals(mutationsOf("a = { durable, b: options.durable };"), [
    ["negate durable", "a = { durable: !durable, b: options.durable };"],
    ["negate durable", "a = { durable, b: !options.durable };"],
  ]);
  assertEquals(mutationsOf("this.#durable = durable;"), [
    ["negate durable", "this.#durable = !durable;"],
  ]);
  assertEquals(mutationsOf("const { durable } = options;"), []);
});

Deno.test("mutations: none is made where no test is asked for", () => {
  const mark = "// deno-coverage-ignore";
  assertEquals(mutationsOf(`${mark}-file -- Windows\nf();`), []);
  const source = [
    ...["f();", `${mark} -- one`, "f();"],
    ...[`${mark}-start -- two`, "f();", "f();", `${mark}-stop`, "f();"],
  ];
  assertEquals(
    mutationsIn("x.ts", source.join("\n")).map(({ line }) => line),
    [1, 8],
  );
});

Deno.test("mutations: the lines of a diff that have come are those that changed", () => {
  const diff = [
    ...["--- a/store/a.ts", "+++ b/store/a.ts"],
    ...["@@ -3 +3,2 @@ function f() {", "-a", "+b", "+c"],
    ...["@@ -9,2 +10,0 @@", "-d", "-e", "@@ -12 +12 @@"],
  ].join("\n");
  assertEquals([...changedLines(diff)], [["store/a.ts", new Set([3, 4, 12])]]);
});

Deno.test("mutations: a line that no test reaches survives, and one whose effect a test asserts does not", async () => {
  await using dir = new TestDirectory();
  const source = `export function isSmall(n: number): boolean {
  if (n < 0) {
    throw new RangeError();
  }
  return n < 10;
}
`;
  const test = `import { isSmall } from "../store/small.ts";
Deno.test("small", () => {
  if (!isSmall(9) || isSmall(10)) throw new Error();
});
`;
  await Deno.mkdir(dir.at("store"));
  await Deno.mkdir(dir.at("tests"));
  await Deno.writeTextFile(dir.at("store/small.ts"), source);
  await Deno.writeTextFile(dir.at("tests/small_test.ts"), test);
  await Deno.writeTextFile(dir.at("deno.json"), "{}");
  await using trees = await Trees.copy(dir.path, 1, [
    ...["store", "tests", "deno.json"],
  ]);
  const path = join("tests", "small_test.ts");
  const { files } = await reachOf(trees, [path]);
  const outcomes: Outcome[] = [];
  await tryMutations(trees, mutationsIn("store/small.ts", source), files, {
    tell: (outcome) => outcomes.push(outcome),
  });
  const told = ({ mutation, killedBy, passed }: Outcome) => [
    mutation.line,
    mutation.what,
    killedBy,
    passed,
  ];
  assertEquals(outcomes.map(told), [
    [2, "< to <=", undefined, 1],
    [3, "drop throw", undefined, 0],
    [5, "< to <=", path, 0],
  ]);
});
