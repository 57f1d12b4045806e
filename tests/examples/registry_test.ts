import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";

async function prepare(
  directory: TestDirectory,
): Promise<(...lines: string[]) => Promise<string[]>> {
  await Deno.writeTextFile(directory.at("left.js"), "left");
  await Deno.writeTextFile(directory.at("right.js"), "right");
  const example = new Example("registry.ts", directory.path);
  return async (...lines) => {
    const input = lines.map((line) => `${line}\n`).join("");
    const { code, stdout, stderr } = await example.run(["./registry"], {
      input,
    });
    assertEquals([code, stderr], [0, ""]);
    return stdout.split("\n");
  };
}

Deno.test("examples/registry.ts publishes, resolves and yanks, and keeps its rules", async () => {
  await using directory = new TestDirectory();
  const run = await prepare(directory);
  const published = await run(
    "publish left 1.2.0 left.js",
    "publish left 1.10.0 left.js",
    "publish left 2.0.0 right.js",
    "publish constructor 0.2.1 right.js left@^1.2.0",
    "publish left 1.2.0 right.js",
    "publish lonely 1.0.0 left.js right@*",
    "publish Left 1.0.0 left.js",
    "publish left 1.0 left.js",
    "publish left 3.0.0 nowhere.js",
    "resolve constructor@^0.2.0",
    "resolve constructor@^0.1.0",
    "publlish",
  );
  const bytes = new TextEncoder().encode("left");
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const integrity = `sha256-${new Uint8Array(digest).toBase64()}`;
  assertEquals(published[0], `1: left@1.2.0 ${integrity}`);
  assertEquals(published.slice(4, 9).map((line) => line.slice(0, 39)), [
    "refused: publish: left@1.2.0 is there, ",
    "refused: publish: nothing is right@*",
    'refused: publish: "Left" is no name: a ',
    'refused: publish: "1.0" is no version, ',
    'refused: publish: cannot read "nowhere.',
  ]);
  const resolved = published.slice(9, 11).map((line) => line.split(" ")[0]);
  assertEquals(resolved, ["constructor@0.2.1", "left@1.10.0"]);
  assertEquals(
    published[11],
    "refused: resolve: nothing is constructor@^0.1.0",
  );
  assert(published[12]!.startsWith("refused: publlish: there are publish, "));
  const yanked = await run(
    "yank left 1.10.0 a hole in it",
    "resolve constructor@0.2.1",
    "yank left 1.2.0 the same hole",
    "audit",
    "list",
    "history",
  );
  assertEquals(yanked.map((line) => line.replace(/ sha256-.*/, "")), [
    "5: left@1.10.0 is yanked: a hole in it",
    "constructor@0.2.1",
    "left@1.2.0",
    "6: left@1.2.0 is yanked: the same hole",
    "constructor@0.2.1 needs left@^1.2.0",
    "1 releases cannot be used",
    "left (1.2.0) (1.10.0) 2.0.0",
    "constructor 0.2.1",
    "1: publish left@1.2.0",
    "2: publish left@1.10.0",
    "3: publish left@2.0.0",
    "4: publish constructor@0.2.1",
    "5: yank left@1.10.0: a hole in it",
    "6: yank left@1.2.0: the same hole",
  ]);
});

Deno.test("examples/registry.ts knows a file that is not what was published", async () => {
  await using directory = new TestDirectory();
  const run = await prepare(directory);
  await run("publish left 1.0.0 left.js");
  const example = new Example("registry.ts", directory.path);
  const check = () =>
    example.run(["./registry", "check", "left", "1.0.0", "left.js"]);
  const good = { code: 0, stdout: "left.js is left@1.0.0", stderr: "" };
  assertEquals(await check(), good);
  await Deno.writeTextFile(directory.at("left.js"), "1eft");
  const bad = { code: 1, stdout: "left.js is NOT left@1.0.0", stderr: "" };
  assertEquals(await check(), bad);
});

Deno.test("examples/registry.ts shows what it was like after any change, also before its snapshots", async () => {
  await using directory = new TestDirectory();
  const run = await prepare(directory);
  const publish = (_: unknown, at: number) => `publish left 1.${at}.0 left.js`;
  await run(...Array.from({ length: 99 }, publish));
  const [before, ...others] = await run(
    "list 2",
    "publish right 1.0.0 right.js left@*",
    "yank right 1.0.0 wrong",
    "resolve right@* 100",
    "resolve right@* 101",
    "list 0",
    "list 2",
    "list 102",
  );
  assertEquals(before, "left 1.0.0 1.1.0");
  assertEquals(others.map((line) => line.replace(/ sha256-.*/, "")), [
    "100: right@1.0.0",
    "101: right@1.0.0 is yanked: wrong",
    "right@1.0.0",
    "left@1.98.0",
    "refused: resolve: nothing is right@*",
    "left 1.0.0 1.1.0",
    "refused: list: the changes are 0 to 101",
  ]);
  const snapshot = `snapshot_${"100".padStart(20, "0")}.json`;
  const { isFile } = await Deno.stat(directory.at(`registry/${snapshot}`));
  assert(isFile);
});
