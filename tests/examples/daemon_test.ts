import { assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";

Deno.test("examples/daemon.ts continues where it was killed, and takes what only sensors say", async () => {
  await using directory = new TestDirectory();
  const example = new Example("daemon.ts", directory.path);
  {
    await using daemon = example.start([]);
    await daemon.write("cellar -0.0\ncellar warm\n");
    assertEquals(await daemon.line(), "0 readings (created)");
    const first = "1 cellar -0.0: 1 readings, 0 to 0";
    assertEquals(await daemon.line(), first);
    assertEquals(await daemon.line(), "not a reading: cellar warm");
    await daemon.kill();
  }
  const input = "cellar 2.5\n";
  const { stdout, stderr } = await example.run([], { input });
  const second = "2 cellar 2.5: 2 readings, 0 to 2.5";
  assertEquals(stdout, `1 readings (unclean)\n${second}`);
  assertEquals(stderr, "");
});
