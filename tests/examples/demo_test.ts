import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";

Deno.test("examples/demo.ts finds every acknowledged record after each kill", async () => {
  await using directory = new TestDirectory();
  const example = new Example("demo.ts", directory.path);
  const { code, stdout, stderr } = await example.run([]);
  assertEquals([code, stderr], [0, ""]);
  assert(
    /^Every one of \d+ acknowledged records is there/m.test(stdout),
    stdout,
  );
  assertEquals(stdout.match(/^round \d: killed .* 0 lost$/gm)?.length, 4);
});
